"""The shown help is the real one, and every command is shown and says what it does."""

import pytest

from tests.docs.regenerate import CLI_PAGE, CONFIGURATION_PAGE, cli_page, configuration_page
from tests.support.documentation import commands, headings, help_of

REGENERATE = "run `python -m tests.docs.regenerate`"


def test_the_page_is_what_the_program_says() -> None:
    assert CLI_PAGE.read_text(encoding="utf-8") == cli_page(), REGENERATE


def test_every_command_has_its_heading_and_no_other_is_there() -> None:
    page = CLI_PAGE.read_text(encoding="utf-8")
    assert headings(page)[2:] == [" ".join(words) for words in commands()], REGENERATE


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_a_command_says_what_it_does(words: tuple[str, ...]) -> None:
    shown = help_of(words).splitlines()
    assert shown[0].startswith(f"Usage: registry-gateway {' '.join(words)} ")
    sentence = " ".join(line.strip() for line in shown[2 : shown.index("", 2)])
    assert sentence.endswith(".")


def test_the_facts_of_the_settings_are_regenerated_too() -> None:
    page = CONFIGURATION_PAGE.read_text(encoding="utf-8")
    assert configuration_page(page.replace("Default: `300`", "Default: `301`")) == page
