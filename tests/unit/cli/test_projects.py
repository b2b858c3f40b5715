"""`project` and `member`."""

import os
import pty
import subprocess

import pytest

from tests.support.command_line import Home, Typed
from tests.support.gateway_process import PROGRAM


def test_a_project_is_made_listed_changed_and_deleted(home: Home) -> None:
    made = home.data("project", "create", "team", "--visibility", "public")
    assert (made["name"], made["mode"], made["visibility"], made["writers_read_held"]) == (
        "team",
        "hold",
        "public",
        True,
    )
    assert [row["name"] for row in home.data("project", "list")] == ["team"]
    changed = home.data("project", "set", "team", "--mode", "strict", "--no-writers-read-held", "--reason", "audit")
    assert (changed["mode"], changed["visibility"], changed["writers_read_held"]) == ("strict", "public", False)
    assert home.data("project", "show", "team") == changed
    assert home.done("project", "delete", "team", "--yes").out == "project team is deleted\n"
    assert home.data("project", "list") == []
    kinds = [row["kind"] for row in home.data("audit", "tail")]
    assert kinds[-3:] == ["project.created", "project.changed", "project.deleted"]


def test_the_limit_of_what_waits_is_set_and_kept(home: Home) -> None:
    made = home.data("project", "create", "team")
    assert home.data("project", "set", "team", "--held-bytes", "0")["held_bytes_limit"] == 0
    assert made["held_bytes_limit"] > 0
    assert home.data("project", "show", "team")["held_bytes_limit"] == 0
    assert home.data("audit", "tail")[-1]["kind"] == "project.changed"


def test_as_a_table(home: Home) -> None:
    home.done("project", "create", "team")
    heading, row = home.done("project", "list").out.splitlines()
    assert heading.split()[:3] == ["NAME", "MODE", "VISIBILITY"]
    assert row.split()[:3] == ["team", "hold", "private"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param(("create", "team"), 1, "team", id="taken"),
        pytest.param(("create", "team/inner"), 1, "team", id="inside-another"),
        pytest.param(("create", "Team"), 2, "is not a repository name", id="no-name"),
        pytest.param(("create", "other", "--mode", "warn"), 2, "'warn' is not one of", id="warn"),
        pytest.param(("set", "team", "--mode", "warn"), 2, "'warn' is not one of", id="set-warn"),
        pytest.param(("set", "team", "--held-bytes", "-1"), 2, "greater than or equal to 0", id="set-held-bytes-under"),
        pytest.param(("set", "nobody", "--mode", "hold"), 1, "nobody", id="set-unknown"),
        pytest.param(("show", "nobody"), 1, "see `registry-gateway project list`", id="show-unknown"),
        pytest.param(("delete", "nobody", "--yes"), 1, "nobody", id="delete-unknown"),
    ],
)
def test_a_project_refuses(home: Home, words: tuple[str, ...], status: int, said: str) -> None:
    home.done("project", "create", "team")
    ran = home.run("project", *words)
    assert ran.status == status
    assert said in ran.err
    assert ran.out == ""
    assert [row["name"] for row in home.data("project", "list")] == ["team"]


def test_at_a_terminal_a_project_is_deleted_only_by_a_yes(home: Home) -> None:
    home.done("project", "create", "team")
    for answer in ("n\n", ""):
        ran = home.run("project", "delete", "team", stdin=Typed(answer))
        assert (ran.status, ran.out) == (1, "")
        assert "Delete project team with everything in it?" in ran.err
        assert ran.err.endswith("not answered with yes, and nothing was changed\n")
        assert [row["name"] for row in home.data("project", "list")] == ["team"]
    ran = home.run("--output", "json", "project", "delete", "team", stdin=Typed("y\n"))
    assert (ran.status, ran.data) == (0, {"project": "team", "deleted": True}), "the question is not in the document"
    assert home.data("project", "list") == []


def test_what_is_not_there_is_not_asked_about(home: Home) -> None:
    for stdin in ("", Typed("y\n")):
        ran = home.run("project", "delete", "nobody", stdin=stdin)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err == "registry-gateway: no project is called nobody: see `registry-gateway project list`\n"


@pytest.mark.parametrize("stdin", ["", "n\n"], ids=["nothing", "what-is-no-answer"])
def test_without_a_terminal_nobody_is_asked(home: Home, stdin: str) -> None:
    home.done("project", "create", "team")
    ran = home.run("--output", "json", "project", "delete", "team", stdin=stdin)
    assert (ran.status, ran.data, ran.err) == (0, {"project": "team", "deleted": True}, "")
    assert home.data("project", "list") == []
    assert home.data("audit", "tail")[-1]["kind"] == "project.deleted"


@pytest.mark.parametrize("redirected", ["</dev/null", "<&-"], ids=["empty", "closed"])
def test_a_script_deletes_with_the_command_alone(home: Home, redirected: str) -> None:
    home.done("project", "create", "team")
    line = f'exec "$0" --config "$1" project delete team {redirected}'
    ran = subprocess.run(
        ["sh", "-c", line, PROGRAM, home.config_file], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "project team is deleted\n"), ran.stderr


def test_a_real_terminal_is_asked(home: Home) -> None:
    home.done("project", "create", "team")
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"n\n")
        ran = subprocess.run(
            [PROGRAM, "--config", home.config_file, "project", "delete", "team"],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "with everything in it?" in ran.stderr
    assert [row["name"] for row in home.data("project", "list")] == ["team"]


def test_members_are_added_listed_and_removed(team: Home) -> None:
    team.done("member", "add", "team", "--user", "alice", "--role", "scanner")
    rows = team.data("member", "list", "team")
    assert [(row["name"], row["kind"], row["role"]) for row in rows] == [
        ("alice", "user", "scanner"),
        ("alice", "user", "writer"),
    ]
    team.done("member", "remove", "team", "--user", "alice", "--role", "writer")
    assert [row["role"] for row in team.data("member", "list", "team")] == ["scanner"]
    team.done("member", "remove", "team", "--user", rows[0]["id"])
    assert team.data("member", "list", "team") == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param(("add", "team", "--role", "reader"), 2, "name one of --user and --robot", id="nobody"),
        pytest.param(
            ("add", "team", "--role", "reader", "--user", "alice", "--robot", "robot+team+ci"),
            2,
            "name one of --user and --robot",
            id="both",
        ),
        pytest.param(
            ("add", "team", "--role", "reader", "--user", "bob"), 1, "`registry-gateway user list`", id="unknown-user"
        ),
        pytest.param(
            ("add", "team", "--role", "reader", "--robot", "alice"), 1, "alice is a user, not a robot", id="other-kind"
        ),
        pytest.param(("add", "nobody", "--role", "reader", "--user", "alice"), 1, "nobody", id="unknown-project"),
        pytest.param(("remove", "team", "--user", "alice", "--role", "owner"), 1, "no such role", id="no-such-role"),
        pytest.param(("list", "nobody"), 1, "nobody", id="list-unknown"),
    ],
)
def test_a_member_refuses(team: Home, words: tuple[str, ...], status: int, said: str) -> None:
    ran = team.run("member", *words)
    assert ran.status == status
    assert said in ran.err
    assert [row["role"] for row in team.data("member", "list", "team")] == ["writer"]


def test_what_is_offered_is_what_is_taken(made: Home) -> None:
    for verb in ("create", "set"):
        said = made.done("project", verb, "--help").out
        assert "<hold|strict>" in said
        assert "warn" not in said


def test_each_change_is_a_document_or_a_sentence(team: Home) -> None:
    (alice,) = [row for row in team.data("user", "list") if row["name"] == "alice"]
    about = {"project": "team", "name": "alice", "id": alice["id"], "role": "scanner"}
    assert team.data("member", "add", "team", "--user", "alice", "--role", "scanner") == about
    removed = team.data("member", "remove", "team", "--user", "alice", "--role", "scanner")
    assert removed == {**about, "removed": 1}
    added = team.done("member", "add", "team", "--user", "alice", "--role", "reader")
    assert added.out == "alice has the role reader in project team\n"
    gone = team.done("member", "remove", "team", "--user", "alice")
    assert gone.out == "alice has no role in project team\n"


def test_a_deletion_is_a_document_or_says_what_it_does(team: Home) -> None:
    ran = team.run("--output", "json", "project", "delete", "team", "--yes")
    assert (ran.data, ran.err) == ({"project": "team", "deleted": True}, "")
    team.done("project", "create", "team")
    assert "deleting the images, members, robots" in team.done("project", "delete", "team", "--yes").err
