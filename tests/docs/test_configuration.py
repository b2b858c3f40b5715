"""Every setting has its heading, the facts under it are the code's, and no heading is of a setting that does not exist."""

import pytest

from tests.support.documentation import ROOT, Setting, headings, sections, settings

PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", list(settings()), ids=lambda setting: setting.key)
def test_a_setting_has_its_heading_and_its_facts(setting: Setting) -> None:
    assert f"\n### {setting.key}\n\n{setting.fact}\n\n" in PAGE, f"docs/configuration.md must say: {setting.fact}"


@pytest.mark.parametrize("setting", list(settings()), ids=lambda setting: setting.key)
def test_a_setting_says_why(setting: Setting) -> None:
    said = PAGE.partition(f"\n### {setting.key}\n\n{setting.fact}\n\n")[2].partition("\n#")[0]
    assert len(said.split()) >= 8


def test_headings_are_the_sections_and_settings_in_the_order_of_the_code() -> None:
    assert headings(PAGE, level=2) == list(sections())
    assert headings(PAGE, level=3) == [setting.key for setting in settings()]


def test_a_variable_is_named_only_where_it_exists() -> None:
    known = {setting.variable for setting in settings() if setting.variable} | {"REGISTRY_GATEWAY__SECTION__KEY"}
    words = {word.strip("`.,;:()") for word in PAGE.split() if "REGISTRY_GATEWAY__" in word}
    assert words == known
