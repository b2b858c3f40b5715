"""On whose behalf a waiting tag moves: the bindings that its requester has now, not the secret that he once had."""

from pathlib import Path

from gateway.access.values import Role
from gateway.identity.values import Principal, PrincipalKind
from tests.support.admission import KEY, OPERATOR, PROJECT, House
from tests.support.admission_stories import play
from tests.support.evidence import signed_bundle
from tests.support.images import Artifact, image
from tests.support.scripted_engine import ScriptedEngine

ROBOT = Principal("r:ci", PrincipalKind.ROBOT, f"robot+{PROJECT}+ci")


async def waiting_for_robot(home: House, *, lives: int) -> Artifact:
    """Let a robot whose secret lives so long push an image, whose tag waits."""
    await home.principals.put_robot(
        ROBOT,
        PROJECT,
        secret_sha256=bytes(32),
        expires=home.now + lives,
        quarantine_read=True,
        role=Role.WRITER,
        by=OPERATOR,
        now=home.now,
    )
    home.people["ci"] = ROBOT
    app = image("one")
    await home.push("ci", app, "v1")
    return app


def test_an_expired_secret_takes_no_waiting_tag_away(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await waiting_for_robot(home, lives=100)
        home.now += 1000
        assert not (await home.standing(ROBOT)).active, "it cannot log in any more"
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_a_revoked_robot_loses_what_waits_for_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await waiting_for_robot(home, lives=100)
        await home.principals.revoke_robot(ROBOT.name, by=OPERATOR, now=home.now)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.visible(app.digest)
        assert await home.target("v1") is None
        assert "tag.dropped" in await home.events()

    play(tmp_path, story)


def test_a_robot_that_was_taken_its_role_loses_what_waits_for_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await waiting_for_robot(home, lives=100)
        await home.members.remove_member(PROJECT, ROBOT.id, None, by=OPERATOR, now=home.now)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.target("v1") is None

    play(tmp_path, story)
