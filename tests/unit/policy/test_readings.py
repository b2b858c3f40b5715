"""One text in its other readings."""

import time

import pytest

from gateway.policy.readings import plain, readings, undone


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("password=x", "password=x", id="plain"),
        pytest.param("password\uff1dx", "password=x", id="full-width"),
        pytest.param("pass\u200bword\u00a0=x", "password =x", id="not-seen-and-no-break"),
        pytest.param("\ud800", "\ud800", id="lone-surrogate"),
    ],
)
def test_the_plain_form(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "free"),
    [
        pytest.param('\\"a\\"', '"a"', id="quotation-marks"),
        pytest.param('\\\\\\"a\\\\\\"', '"a"', id="json-in-json-in-json"),
        pytest.param("\\u0077\\\\u0077", "ww", id="escapes"),
        pytest.param("\\ud83d\\ude00", "\ufffd\ufffd", id="pairs"),
        pytest.param("C:\\dir\\name", "C:\\dir\\name", id="no-escape"),
        pytest.param("\\u00", "\\u00", id="half-an-escape"),
    ],
)
def test_escapes_are_undone(text: str, free: str) -> None:
    assert undone(text) == free


def test_a_reading_that_is_the_same_is_not_given_again() -> None:
    assert list(readings("a", "b\\c")) == [("a", "b\\c")]
    assert list(readings("\u00e9")) == [("\u00e9",)]
    assert list(readings("a\uff1d", '\\"')) == [("a\uff1d", '\\"'), ("a=", '\\"'), ("a=", '"')]


@pytest.mark.parametrize("text", ["\\" * 2_000_000, "\u0301\u0316" * 500_000, "\ufdfa" * 500_000, '\\"' * 1_000_000])
def test_the_time_is_linear(text: str) -> None:
    started = time.thread_time()
    list(readings(text))
    # Measured 0.1 to 0.3; quadratic would be minutes.
    assert time.thread_time() - started < 3.0
