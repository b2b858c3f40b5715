"""Tables, records, JSON; times and cells."""

import json

import pytest

from gateway.cli.terminal import Output, Terminal, when


def test_a_time_is_utc_and_none_is_nothing() -> None:
    assert when(0) == "1970-01-01T00:00:00Z"
    assert when(None) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "yes", id="true"),
        pytest.param(False, "no", id="false"),
        pytest.param(["a", "b"], "a, b", id="list"),
        pytest.param((), "", id="empty"),
        pytest.param(3, "3", id="number"),
        pytest.param("two\nlines", "two\\nlines", id="line-break"),
    ],
)
def test_a_record_and_a_cell_show_the_same(value: object, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Output.TABLE)
    terminal.record({"some_name": value})
    assert capsys.readouterr().out == f"some name  {shown}\n"
    terminal.rows(("some_name",), [{"some_name": value}])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["SOME NAME", shown]


def test_json_has_the_values_and_only_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(Output.JSON)
    terminal.rows(("a",), [{"a": None, "b": 1}])
    assert json.loads(capsys.readouterr().out) == [{"a": None}]
    terminal.record({"ü": "\x1b[2J"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"ü": "\x1b[2J"}
    assert "\x1b" not in out


def test_a_note_is_not_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(Output.JSON).note("by the way")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "by the way\n")
