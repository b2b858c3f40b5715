"""What looks drawn: long, of many different characters, in letters and digits both."""

import pytest

from gateway.policy.drawn import has_drawn_piece, is_random


@pytest.mark.parametrize(
    ("path", "drawn"),
    [
        pytest.param("/a/9f8e7d6c5b4a392817069f8e", True, id="as-long-as-it-must-be"),
        pytest.param("/a/9f8e7d6c5b4a392817069f8", False, id="one-shorter"),
        pytest.param("/a/x.9f8e7d6c5b4a392817069f8e_y", True, id="between-separators"),
        pytest.param("/a/Pneumonoultramicroscopicsilico", False, id="letters-alone"),
        pytest.param("/a/123456789012345678901234567890", False, id="digits-alone"),
        pytest.param("/a/a1a1a1a1a1a1a1a1a1a1a1a1a1a1", False, id="repeats"),
    ],
)
def test_a_piece_of_a_path(path: str, drawn: bool) -> None:
    assert has_drawn_piece(path) is drawn


def test_words_are_not_drawn() -> None:
    assert not is_random("a-readable-long-default-value")
    assert is_random("9f8e7d6c5b4a3928")
