"""`federation add`, `remove`, `list`: rules in force, and what is said of them."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Home
from tests.support.issuer import AUDIENCE, EC_KEY, ISSUER, jwk, key_set


@pytest.fixture
def desk(home: Home) -> Home:
    """A folder whose configuration names the issuer ``ci``, with the project ``team``."""
    (home.folder / "ci.json").write_bytes(key_set(jwk(EC_KEY, kid="k1")))
    with home.config_file.open("a", encoding="utf-8") as file:
        file.write(f'\n[[identity.issuer]]\nname = "ci"\nissuer = "{ISSUER}"\njwks_file = "ci.json"\n')
    assert home.run("project", "create", "team").status == 0
    return home


def write(folder: Path, *, name: str = "shop", project: str = "team", issuer: str = "ci", more: str = "") -> str:
    file = folder / "rule.toml"
    file.write_text(
        f'name = "{name}"\nissuer = "{issuer}"\naudience = "{AUDIENCE}"\nproject = "{project}"\nrole = "writer"\n{more}\n'
        '[match]\nrepository_id = "74"\n',
        encoding="utf-8",
    )
    return str(file)


def listed(desk: Home) -> list[dict[str, Any]]:
    return list(desk.run("--output", "json", "federation", "list").data)


def test_a_rule_is_in_force_until_it_is_removed(desk: Home, tmp_path: Path) -> None:
    ran = desk.run("--output", "json", "federation", "add", write(tmp_path, more='session = "20m"'))
    assert ran.status == 0, ran.err
    assert ran.data["id"].startswith("w:")
    assert {key: ran.data[key] for key in ran.data if key != "id"} == {
        "principal": "ci+shop",
        "name": "shop",
        "issuer": "ci",
        "audience": AUDIENCE,
        "match": {"repository_id": ["74"]},
        "project": "team",
        "repositories": ["team", "team/**"],
        "role": "writer",
        "session_seconds": 1200,
        "bind_address": False,
    }
    (row,) = listed(desk)
    assert (row["id"], row["name"], row["disabled"], row["sessions"], row["last_used"]) == (
        ran.data["id"],
        "shop",
        False,
        0,
        "",
    )
    removed = desk.run("--output", "json", "federation", "remove", "shop")
    assert removed.data == {"name": "shop", "removed": True, "sessions_ended": 0}
    assert listed(desk) == []


def test_a_rule_of_the_same_name_is_another_principal(desk: Home, tmp_path: Path) -> None:
    file = write(tmp_path)
    first = desk.run("--output", "json", "federation", "add", file).data["id"]
    again = desk.run("federation", "add", file)
    assert again.status == 1
    assert "remove it first" in again.err
    desk.run("federation", "remove", "shop")
    assert desk.run("--output", "json", "federation", "add", file).data["id"] != first
    kinds = [event["kind"] for event in desk.run("--output", "json", "audit", "tail").data]
    assert kinds.count("federation.added") == 2
    assert kinds.count("federation.removed") == 1


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        pytest.param({"project": "nowhere"}, 1, "no project", id="no-project"),
        pytest.param({"issuer": "jenkins"}, 2, "no [[identity.issuer]] is called jenkins", id="no-issuer"),
        pytest.param({"name": "Shop"}, 2, "1 to 63", id="no-name"),
        pytest.param({"more": 'bind_address = "yes"'}, 2, "true or false", id="no-flag"),
    ],
)
def test_what_cannot_be_in_force(desk: Home, tmp_path: Path, change: dict[str, str], status: int, says: str) -> None:
    ran = desk.run("federation", "add", write(tmp_path, **change))
    assert (ran.status, says in ran.err) == (status, True), ran.err
    assert listed(desk) == []


def test_removing_what_is_not_there_says_so(desk: Home) -> None:
    ran = desk.run("federation", "remove", "shop")
    assert ran.status == 1
    assert "no federation rule shop" in ran.err


def test_a_rule_s_principal_is_no_user_s_and_no_robot_s(desk: Home, tmp_path: Path) -> None:
    desk.run("federation", "add", write(tmp_path))
    assert "ci+shop" not in desk.run("robot", "list").out
    assert desk.run("robot", "revoke", "ci+shop").status == 1
    assert desk.run("member", "add", "team", "--user", "ci+shop", "--role", "owner").status == 1
