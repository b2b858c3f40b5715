"""Questions with odd answers: a policy that errs when it is asked again, a tag that there is not."""

from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import PolicyErred, Unreachable
from gateway.errors import TagUnknown
from gateway.oci.names import Tag
from tests.support.admission import House
from tests.support.admission_stories import play, reevaluate
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine, broken, unavailable


def test_a_policy_that_errs_when_it_is_asked_again_says_so_and_nothing_changes(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        engine.script = lambda _, active: broken(active)
        outcome = await reevaluate(home, app)
        assert isinstance(outcome, PolicyErred)
        assert not await home.visible(app.digest)

    play(tmp_path, story)


def test_a_policy_that_cannot_be_asked_again_is_a_time_to_come_back(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        engine.script = lambda _, __: unavailable()
        assert isinstance(await reevaluate(home, app), Unreachable)
        assert not await home.visible(app.digest)

    play(tmp_path, story)


def test_a_tag_that_there_is_not_cannot_be_deleted(tmp_path: Path) -> None:
    async def story(home: House, _: ScriptedEngine) -> None:
        await home.person("carol", Role.MAINTAINER)
        await home.push("alice", image("one"), "v1")
        with pytest.raises(TagUnknown):
            await home.gate.delete_tag(await home.grant("carol"), Tag("v2"))

    play(tmp_path, story)
