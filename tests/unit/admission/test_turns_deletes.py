"""Deletes of a tag stand in the queue of its pushes; everything else passes by."""

import asyncio

import pytest

from gateway.access.rights import NO_RIGHTS
from gateway.access.values import Grant, Mode, ProjectFacts, Visibility
from gateway.admission.turns import InTurns
from gateway.admission.values import Admitted, Outcome, Push, Stored
from gateway.errors import TagUnknown
from gateway.oci.digest import Digest
from gateway.oci.media_types import OCI_MANIFEST
from gateway.oci.names import RepositoryName, Tag
from tests.support.admission import OPERATOR, REPOSITORY

ONE = Digest.of(b"one")
V1, V2 = Tag("v1"), Tag("v2")


class Slow:
    """`ManifestAdmission` whose pushes last until `go`, and that writes down what is done in which order."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.done: list[str] = []

    async def push(self, push: Push) -> Outcome:
        """Wait, then admit."""
        await self.go.wait()
        self.done.append("push")
        return Admitted(Stored(ONE, push.tags, (), None, None))

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        """Delete, or say that there is nothing to delete."""
        self.done.append(f"delete {grant.repository} {tag}")
        if "push" not in self.done:
            raise TagUnknown(tag.text)

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        """Delete."""
        self.done.append(f"delete {digest}")


def grant(repository: RepositoryName = REPOSITORY) -> Grant:
    project = ProjectFacts(1, "team", Mode.HOLD, Visibility.PRIVATE, 0, False, 1, 1, 1, 604_800)
    return Grant(OPERATOR, project, repository, NO_RIGHTS)


def test_a_delete_of_a_tag_waits_for_the_push_that_came_before() -> None:
    async def story() -> None:
        slow = Slow()
        admission = InTurns(slow)
        push = asyncio.create_task(admission.push(Push(grant(), None, (V1,), OCI_MANIFEST, b"")))
        await asyncio.sleep(0)
        delete = asyncio.create_task(admission.delete_tag(grant(), V1))
        await asyncio.sleep(0)
        assert slow.done == []
        slow.go.set()
        await asyncio.gather(push, delete)
        assert slow.done == ["push", f"delete {REPOSITORY} v1"]

    asyncio.run(story())


def test_another_tag_another_repository_and_a_digest_wait_for_nobody() -> None:
    async def story() -> None:
        slow = Slow()
        admission = InTurns(slow)
        push = asyncio.create_task(admission.push(Push(grant(), None, (V1,), OCI_MANIFEST, b"")))
        await asyncio.sleep(0)
        elsewhere = RepositoryName("team/other")
        for where, tag in ((grant(), V2), (grant(elsewhere), V1)):
            with pytest.raises(TagUnknown):
                await admission.delete_tag(where, tag)
        await admission.delete_manifest(grant(), ONE)
        assert slow.done == [f"delete {REPOSITORY} v2", f"delete {elsewhere} v1", f"delete {ONE}"]
        slow.go.set()
        await push

    asyncio.run(story())


def test_a_delete_that_fails_gives_its_turn_on() -> None:
    async def story() -> None:
        slow = Slow()
        slow.go.set()
        admission = InTurns(slow)
        with pytest.raises(TagUnknown):
            await admission.delete_tag(grant(), V1)
        assert isinstance(await admission.push(Push(grant(), None, (V1,), OCI_MANIFEST, b"")), Admitted)
        assert admission._turns == {}, "nobody waits, and nothing is kept"

    asyncio.run(story())
