"""What is written anywhere in the tree: links lead somewhere, commands exist, rules have headings, no machine is named."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway.policy.pack import shipped_revision
from gateway.server.metrics import Metrics
from tests.support.documentation import (
    ROOT,
    anchors,
    code_blocks,
    commands,
    files_of_the_tree,
    headings,
    help_of,
    links,
)

PAGES: Final = [path for path in files_of_the_tree() if path.suffix == ".md"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, fragment = target.partition("#")
        found = (page.parent / place).resolve() if place else page
        assert found.is_relative_to(ROOT), f"{target} leads out of the tree"
        assert found.exists(), f"{target} leads nowhere"
        if fragment:
            assert fragment in anchors(found.read_text(encoding="utf-8")), f"{target}: no such heading"


def _command_lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in code_blocks(page.read_text(encoding="utf-8"), "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.search(r"(?:^|[|&;(] *)registry-gateway +([^|&;#]+)", line)
                if found:
                    yield name(page), found[1].strip()


LINES: Final = list(_command_lines())


def test_the_readme_shows_commands() -> None:
    assert sum(page == "README.md" for page, _ in LINES) >= 5


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{page}:{line[:40]}" for page, line in LINES])
def test_a_shown_command_exists_with_its_options(page: str, line: str) -> None:
    known = set(commands())
    words: tuple[str, ...] = ()
    options: list[str] = []
    given = shlex.split(line)
    while given and given[0].startswith("-"):
        options.append(given.pop(0))
        given.pop(0)
    for option in options:
        assert option in help_of(())
    while given and (*words, given[0]) in known:
        words = (*words, given.pop(0))
    assert words, f"{page}: registry-gateway {line}: no such command"
    shown = help_of(words)
    for word in given:
        if word.startswith("--"):
            assert word.partition("=")[0] in shown, f"{page}: {' '.join(words)} has no {word}"


@pytest.mark.parametrize("code", [rule.code for rule in shipped_revision().rules])
def test_a_rule_has_its_heading(code: str) -> None:
    assert code in headings((ROOT / "docs" / "policy.md").read_text(encoding="utf-8"))


def test_every_metric_is_in_the_table() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    known = re.findall(r"^# TYPE (\w+) ", Metrics().render().decode(), re.MULTILINE)
    assert set(re.findall(r"`(registry_gateway_\w+)`", page)) == {
        each for each in known if not each.endswith("_created")
    }


MACHINE: Final = re.compile(r"(?<![\w./])/(?:work|root|tmp|home/[a-z]+)/(?!\.\.)[\w.-]")
_HOSTS: Final = ("pypi", "pythonhosted", "proxy.golang", "files.python", "npmjs", "crates")
INDEX: Final = re.compile(rf"https?://[\w.-]*(?:{'|'.join(_HOSTS)})[\w.-]*|--(?:extra-)?index-url[ =]\S")


@pytest.mark.parametrize("pattern", [pytest.param(MACHINE, id="machine-path"), pytest.param(INDEX, id="package-index")])
def test_nothing_names_a_machine(pattern: re.Pattern[str]) -> None:
    found: list[str] = []
    for path in files_of_the_tree():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path != Path(__file__).resolve():
            found.extend(f"{name(path)}: {match[0]}" for match in pattern.finditer(text))
    assert found == []


def test_the_changelog_has_the_sections_of_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for version in text.split("\n## ")[1:]:
        _, *sections = version.split("\n### ")
        named = [section.partition("\n")[0] for section in sections]
        assert named == [kind for kind in kinds if kind in named]
        for section in sections:
            if not section.startswith("Changed\n"):
                assert "- Incompatible:" not in section
