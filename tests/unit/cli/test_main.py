"""What every command has in common: help, JSON, and an exit status that scripts can read."""

from pathlib import Path

import pytest

from gateway.cli.terminal import exit_status, printable
from gateway.errors import (
    ConfigInvalid,
    Conflict,
    Denied,
    GatewayError,
    Internal,
    NameUnknown,
    Reason,
    StorageFailed,
    StorageFull,
    Unavailable,
    UsageInvalid,
)
from tests.support.command_line import Home, Typed, command


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(Denied("no", reasons=[Reason("X", "no")]), 1, id="denied"),
        pytest.param(Conflict("taken"), 1, id="conflict"),
        pytest.param(NameUnknown("none"), 1, id="unknown"),
        pytest.param(ConfigInvalid("wrong"), 2, id="configuration"),
        pytest.param(UsageInvalid("wrong"), 2, id="usage"),
        pytest.param(Unavailable("later"), 3, id="unavailable"),
        pytest.param(StorageFull("full"), 3, id="full"),
        pytest.param(StorageFailed("failed"), 3, id="failed"),
        pytest.param(Internal("surprise"), 3, id="internal"),
    ],
)
def test_exit_status(error: GatewayError, status: int) -> None:
    assert exit_status(error) == status


@pytest.mark.parametrize(
    ("words", "says", "reads"),
    [
        pytest.param(("frobnicate",), "no such command 'frobnicate'", "", id="no-such-command"),
        pytest.param(
            ("project", "creat"), "no such command 'creat', did you mean 'create'", "project", id="almost-a-command"
        ),
        pytest.param(("stats", "--frobnicate"), "no such option: --frobnicate", "stats", id="no-such-option"),
        pytest.param(
            ("--confg", "x", "stats"), "no such option: --confg (Possible options: --config)", "", id="almost-an-option"
        ),
        pytest.param(("project", "create"), "missing argument 'name'", "project create", id="no-name"),
        pytest.param(
            ("robot", "create", "team", "ci"),
            "missing option '--role', choose from: reader, writer, scanner, maintainer, owner",
            "robot create",
            id="no-role",
        ),
        pytest.param(
            ("project", "create", "a", "b"),
            "got unexpected extra argument(s) (b)",
            "project create",
            id="a-word-too-many",
        ),
        pytest.param(
            ("--output", "yaml", "stats"),
            "invalid value for '--output': 'yaml' is not one of 'table', 'json'",
            "",
            id="no-such-output",
        ),
        pytest.param(
            ("project", "create", "x", "--mode", "loose"),
            "invalid value for '--mode': 'loose' is not one of 'hold', 'strict'",
            "project create",
            id="no-such-mode",
        ),
        pytest.param(
            ("audit", "tail", "--count", "0"),
            "invalid value for '--count' / '-n': Input should be greater than or equal to 1",
            "audit tail",
            id="out-of-range",
        ),
        pytest.param(("a\nb\x1b[2J",), "no such command 'a\\nb\\x1b[2J'", "", id="no-such-command-in-two-lines"),
    ],
)
def test_usage_ends_with_2_and_one_sentence_that_says_what_to_read(
    words: tuple[str, ...], says: str, reads: str
) -> None:
    ran = command(*words)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err == f"registry-gateway: {says}: see `{f'registry-gateway {reads}'.strip()} --help`\n"


@pytest.mark.parametrize("words", [pytest.param((), id="nothing"), pytest.param(("project",), id="a-group")])
def test_no_command_is_answered_by_the_list_of_them(words: tuple[str, ...]) -> None:
    ran = command(*words)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith(f"Usage: {' '.join(('registry-gateway', *words))} [OPTIONS] COMMAND")
    assert "\nCommands:\n" in ran.err


def test_a_question_that_is_not_answered_with_yes_ends_with_1(home: Home) -> None:
    home.done("project", "create", "team")
    for answer, line_break in (
        ("n\n", ""),
        ("", "\n"),
    ):  # a terminal shows the line break that was typed; Ctrl-D is none
        ran = home.run("project", "delete", "team", stdin=Typed(answer))
        assert ran.status == 1
        said = "registry-gateway: not answered with yes, and nothing was changed\n"
        assert ran.err.endswith(f"with everything in it? [y/N]: {line_break}{said}")
    assert [row["name"] for row in home.data("project", "list")] == ["team"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("project", "show", "Team"), id="project"),
        pytest.param(("project", "delete", "Team", "--yes"), id="project-to-delete"),
        pytest.param(("member", "list", "Team"), id="members-of-a-project"),
        pytest.param(("robot", "list", "Team"), id="robots-of-a-project"),
        pytest.param(("image", "held", "Team"), id="what-waits-in-a-project"),
        pytest.param(("image", "show", "Team/app:v1"), id="repository"),
        pytest.param(("image", "show", "team/app:.v1"), id="tag"),
        pytest.param(("image", "show", "team/app@sha256:0"), id="digest"),
        pytest.param(("image", "show", "team/app:.v1@sha256:" + "0" * 64), id="tag-beside-a-digest"),
        pytest.param(("audit", "who-pulled", "sha256:0"), id="digest-alone"),
        pytest.param(("robot", "create", "Team", "ci", "--role", "writer"), id="project-of-a-robot"),
    ],
)
def test_a_name_that_is_none_ends_with_2(made: Home, words: tuple[str, ...]) -> None:
    ran = made.run(*words)
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith("registry-gateway: ")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("trust", "show", "nobody"), id="trust-show"),
        pytest.param(("robot", "list", "nobody"), id="robot-list"),
        pytest.param(("image", "held", "nobody"), id="image-held"),
        pytest.param(("image", "drift", "nobody"), id="image-drift"),
        pytest.param(("member", "list", "nobody"), id="member-list"),
        pytest.param(("member", "remove", "nobody", "--user", "admin"), id="member-remove"),
    ],
)
def test_a_project_that_is_not_there_ends_with_1(made: Home, words: tuple[str, ...]) -> None:
    ran = made.run(*words)
    assert ran.status == 1
    assert ran.out == ""
    assert ran.err == "registry-gateway: no project is called nobody: see `registry-gateway project list`\n"


def test_no_configuration_ends_with_2_and_says_what_makes_one(tmp_path: Path) -> None:
    ran = command("--config", str(tmp_path / "gateway.toml"), "stats")
    assert ran.status == 2
    assert ran.err.startswith("registry-gateway: ")
    assert "`registry-gateway init DIR`" in ran.err
    assert ran.err.count("\n") == 1


def test_a_catalog_that_is_not_there_ends_with_what_to_type(home: Home) -> None:
    (home.folder / "data" / "catalog.sqlite").unlink()
    ran = home.run("stats")
    assert ran.status in (2, 3)
    assert "registry-gateway" in ran.err
    assert "Traceback" not in ran.err


def test_what_the_system_refuses_is_a_sentence(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = command("init", str(tmp_path / "file" / "registry"))
    assert ran.status == 3
    assert ran.err == f"registry-gateway: {tmp_path / 'file' / 'registry'}: Not a directory\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[2Jgone", "\\x1b[2Jgone", id="escape-sequence"),
        pytest.param("a\rb\tc\x07", "a\\rb\\tc\\x07", id="control"),
        pytest.param("abc\u202edef", "abc\\u202edef", id="direction"),
        pytest.param("\x9b31m", "\\x9b31m", id="eight-bit-control"),
        pytest.param("\ud800", "\\ud800", id="lone-surrogate"),
        pytest.param("Grüße, 世界 [bold]", "Grüße, 世界 [bold]", id="what-people-write"),
        pytest.param("a\nb", "a\nb", id="lines-stay-lines"),
    ],
)
def test_nothing_moves_the_cursor(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_cell_is_neither_markup_nor_an_escape_sequence(home: Home) -> None:
    home.done("project", "create", "team")
    reason = "[/nothing] [red]x\x1b[0m\nsecond line"
    home.done("project", "set", "team", "--mode", "strict", "--reason", reason)
    shown = home.done("audit", "tail").out
    assert "[/nothing] [red]x" in shown
    assert "\x1b" not in shown
    assert home.data("audit", "tail")[-1]["data"]["reason"] == reason


def test_a_pipe_is_given_whole_cells(home: Home) -> None:
    shown = home.done("doctor").out
    assert shown.count("\n") == 12
