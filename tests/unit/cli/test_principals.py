"""`user` and `robot`: accounts, roles, and secrets that are shown once."""

import pytest

from gateway.app import Parts, unix_now
from gateway.identity.secrets import Secret, SecretKind
from gateway.oci.names import RepositoryName
from tests.support.command_line import Home

PASSWORD = "correct horse battery"


def test_an_account_is_made_disabled_and_enabled(home: Home) -> None:
    ran = home.done("--output", "json", "user", "create", "bob", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert ran.data["name"] == "bob"
    assert ran.data["id"].startswith("u:")
    assert PASSWORD not in ran.out + ran.err

    def disabled() -> bool:
        return {row["name"]: row["disabled"] for row in home.data("user", "list")}["bob"] is True

    assert not disabled()
    home.done("user", "disable", "bob")
    assert disabled()
    home.done("user", "enable", "bob")
    assert not disabled()


@pytest.mark.parametrize(
    ("words", "stdin", "status", "said"),
    [
        pytest.param(("bob",), PASSWORD, 2, "arguments are seen by others", id="no-password-stdin"),
        pytest.param(("bob", "--password-stdin"), "short", 2, "at least 12 characters", id="short"),
        pytest.param(("bob", "--password-stdin"), "", 2, "at least 12 characters", id="nothing"),
        pytest.param(("a/b", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="slash"),
        pytest.param(("a:b", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="colon"),
        pytest.param(("robot+x+y", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="a-robot"),
        pytest.param(("anonymous", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="anonymous"),
        pytest.param(("system", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="system"),
        pytest.param(("...", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="dots"),
        pytest.param(("a b", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="space"),
        pytest.param(("Anonymous", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="any-case"),
        pytest.param(("bob", "--password-stdin"), "b" * 1025, 2, "at most 1024 bytes", id="long-password"),
        pytest.param(("b" * 129, "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="long"),
        pytest.param(("bоb", "--password-stdin"), PASSWORD, 2, "cannot be an account's name", id="cyrillic-o"),
        pytest.param(("admin", "--password-stdin"), PASSWORD, 1, "taken", id="taken"),
    ],
)
def test_an_account_is_refused(home: Home, words: tuple[str, ...], stdin: str, status: int, said: str) -> None:
    ran = home.run("user", "create", *words, stdin=stdin)
    assert ran.status == status
    assert said in ran.err
    assert PASSWORD not in ran.out + ran.err
    assert [row["name"] for row in home.data("user", "list")] == ["admin"]


@pytest.mark.parametrize("name", ["bob@example.org", "b" * 128, "0", "B.o_b-2"])
def test_an_account_has_the_names_that_the_catalog_takes(home: Home, name: str) -> None:
    home.done("user", "create", name, "--password-stdin", stdin=PASSWORD)
    assert name in [row["name"] for row in home.data("user", "list")]


def test_instance_roles_are_granted_and_taken(home: Home) -> None:
    home.done("user", "create", "bob", "--password-stdin", stdin=PASSWORD)
    home.done("user", "grant", "bob", "--role", "auditor")
    home.done("user", "grant", "bob", "--role", "policy-editor")
    assert _roles(home, "bob") == ["auditor", "policy-editor"]
    home.done("user", "ungrant", "bob", "--role", "auditor")
    assert _roles(home, "bob") == ["policy-editor"]


def test_a_role_that_takes_two_persons_is_not_offered(made: Home) -> None:
    assert "security-officer" not in made.done("user", "grant", "--help").out


def test_each_change_of_an_account_is_a_document_or_a_sentence(home: Home) -> None:
    (admin,) = home.data("user", "list")
    assert home.data("user", "disable", "admin") == {"name": "admin", "disabled": True}
    assert home.data("user", "enable", "admin") == {"name": "admin", "disabled": False}
    about = {"name": "admin", "id": admin["id"], "role": "auditor"}
    assert home.data("user", "grant", "admin", "--role", "auditor") == {**about, "granted": True}
    assert home.data("user", "ungrant", "admin", "--role", "auditor") == {**about, "granted": False}
    assert home.done("user", "disable", "admin").out == "admin is disabled\n"
    assert home.done("user", "grant", "admin", "--role", "auditor").out == "admin has the role auditor\n"


def _roles(home: Home, name: str) -> object:
    return {row["name"]: row["roles"] for row in home.data("user", "list")}[name]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        pytest.param(("grant", "admin", "--role", "security-officer"), 2, "is not one of", id="four-eyes"),
        pytest.param(("grant", "nobody", "--role", "auditor"), 1, "no user is called nobody", id="unknown"),
        pytest.param(("disable", "nobody"), 1, "nobody", id="disable-unknown"),
    ],
)
def test_a_user_command_refuses(home: Home, words: tuple[str, ...], status: int, said: str) -> None:
    ran = home.run("user", *words)
    assert ran.status == status
    assert said in ran.err
    assert _roles(home, "admin") == ["administrator"]


class TestRobots:
    def test_the_secret_is_alone_on_stdout_and_kept_nowhere(self, home: Home) -> None:
        home.done("project", "create", "team")
        ran = home.done("robot", "create", "team", "ci", "--role", "writer")
        secret = ran.out.removesuffix("\n")
        assert Secret.read(secret) == Secret(SecretKind.ROBOT, secret)
        assert "robot+team+ci" in ran.err
        assert secret not in ran.err
        for path in home.folder.rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes()
        assert secret not in home.done("audit", "tail").out + home.done("robot", "list").out

    def test_as_json_the_secret_is_a_member(self, home: Home) -> None:
        home.done("project", "create", "team")
        ran = home.run("--output", "json", "robot", "create", "team", "ci", "--role", "writer")
        made = ran.data
        assert (set(made), made["name"], ran.err) == ({"name", "id", "expires", "secret"}, "robot+team+ci", "")
        assert Secret.read(made["secret"]) == Secret(SecretKind.ROBOT, made["secret"])
        rotated = home.data("robot", "rotate", "robot+team+ci")
        assert (rotated["id"], rotated["name"]) == (made["id"], made["name"])
        assert rotated["secret"] != made["secret"]
        assert home.data("robot", "revoke", "robot+team+ci") == {"name": "robot+team+ci", "revoked": True}

    def test_a_rotation_gives_another_secret_and_keeps_what_it_may_see(self, home: Home) -> None:
        home.done("project", "create", "team")
        made = home.done("robot", "create", "team", "ci", "--role", "writer", "--no-quarantine-read")
        rotated = home.done("robot", "rotate", "robot+team+ci", "--expires", "1")
        assert rotated.out != made.out
        assert home.inside(_quarantine_read) is False
        assert "robot.rotated" in [row["kind"] for row in home.data("audit", "tail")]

    def test_a_revoked_one_is_revoked_for_good(self, home: Home) -> None:
        home.done("project", "create", "team")
        home.done("robot", "create", "team", "ci", "--role", "writer")
        home.done("robot", "revoke", "robot+team+ci")
        (row,) = home.data("robot", "list", "team")
        assert row["revoked"]
        ran = home.run("robot", "rotate", "robot+team+ci")
        assert ran.status == 1
        assert ran.out == ""

    def test_the_name_of_a_revoked_one_is_free_for_another(self, home: Home) -> None:
        home.done("project", "create", "team")
        home.done("robot", "create", "team", "ci", "--role", "writer")
        home.done("robot", "revoke", "robot+team+ci")
        home.done("robot", "create", "team", "ci", "--role", "reader")
        ids = {row["id"] for row in home.data("robot", "list", "team")}
        assert len(ids) == 2

    @pytest.mark.parametrize(
        ("words", "status", "said"),
        [
            pytest.param(("create", "team", "ci", "--role", "owner"), 2, "cannot own", id="owner"),
            pytest.param(("create", "team", "a+b", "--role", "writer"), 2, "cannot be a robot's name", id="plus"),
            pytest.param(("create", "nobody", "ci", "--role", "writer"), 1, "nobody", id="no-project"),
            pytest.param(("create", "team", "ci", "--role", "writer", "--expires", "366"), 2, "365", id="over-a-year"),
            pytest.param(("create", "team", "old", "--role", "writer"), 1, "robot rotate", id="taken"),
            pytest.param(("rotate", "robot+team+none"), 1, "see `registry-gateway robot list`", id="rotate-unknown"),
            pytest.param(("rotate", "admin"), 1, "no robot is called admin", id="rotate-a-person"),
            pytest.param(("revoke", "admin"), 1, "no robot", id="revoke-a-person"),
        ],
    )
    def test_a_robot_command_refuses(self, home: Home, words: tuple[str, ...], status: int, said: str) -> None:
        home.done("project", "create", "team")
        home.done("robot", "create", "team", "old", "--role", "writer")
        ran = home.run("robot", *words)
        assert ran.status == status
        assert said in ran.err
        assert ran.out == ""
        assert [row["name"] for row in home.data("robot", "list")] == ["robot+team+old"]


async def _quarantine_read(parts: Parts) -> bool:
    row = await parts.principals.principal_by_name("robot+team+ci")
    assert row is not None
    standing = await parts.standings.standing(row.id, RepositoryName.parse("team/app"), now=unix_now())
    assert standing is not None
    return standing.quarantine_read
