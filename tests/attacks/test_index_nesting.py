"""Row 97: indexes of indexes, deeper than is followed, in a circle, or back to where they came from."""

import itertools
import sqlite3
from pathlib import Path

import pytest

from gateway.admission.closure import MAX_DEPTH
from gateway.admission.values import Held, Refused
from gateway.oci.digest import Digest
from tests.support.admission import House
from tests.support.admission_stories import codes
from tests.support.images import Artifact, image
from tests.support.naming_stories import sign, tell, wrap


def levels(count: int) -> list[Artifact]:
    """Return an image and ``count`` indexes, each of which names the one before it."""
    return list(itertools.accumulate(range(count), lambda inner, _: wrap(inner), initial=image("leaf")))


@pytest.mark.parametrize("tag", [pytest.param((), id="by-digest"), pytest.param(("v1",), id="by-tag")])
def test_row_097_an_index_nested_deeper_than_is_followed_is_refused(tmp_path: Path, tag: tuple[str, ...]) -> None:
    async def story(home: House) -> None:
        leaf, *indexes = levels(MAX_DEPTH + 1)
        await home.push("alice", leaf)
        for one in indexes[:-1]:
            assert isinstance(await home.put("alice", one), Held)
        outcome = await home.put("alice", indexes[-1], *tag)
        assert isinstance(outcome, Refused)
        assert codes(outcome) == {"INDEX_TOO_DEEP"}
        assert await home.view(indexes[-1].digest) is None
        # The deepest that is followed all the way is one like any other.
        await sign(home, indexes[-2])
        assert await home.visible(indexes[-2].digest)
        assert await home.visible(leaf.digest)

    tell(tmp_path, story)


def test_row_097_nor_is_it_shown_when_its_levels_come_from_the_outside_in(tmp_path: Path) -> None:
    """Each is put before what it names: when the last one comes, the outermost is too deep, and stays held."""

    async def story(home: House) -> None:
        leaf, *indexes = levels(MAX_DEPTH + 1)
        for one in reversed(indexes):
            assert codes(await home.put("alice", one)) == {"CLOSURE_INCOMPLETE"}
        await sign(home, indexes[-1])
        await home.push("alice", leaf)
        await home.work()
        assert not await home.visible(indexes[-1].digest)
        assert not await home.visible(leaf.digest)

    tell(tmp_path, story)


def test_row_097_a_circle_of_indexes_is_walked_to_its_depth_and_not_further(tmp_path: Path) -> None:
    """No digest names itself, so that nobody can put one: it is made of rows, as of a catalog that was tampered with."""

    async def story(home: House) -> None:
        leaf, inner, outer = levels(2)
        await home.push("alice", leaf)
        await home.put("alice", inner)
        await home.put("alice", outer, "v1")

        def close(connection: sqlite3.Connection) -> int:
            return connection.execute(
                "INSERT INTO entry (index_id, child, repo_id) SELECT id, ?, repo_id FROM manifest WHERE sha256 = ?",
                (Digest.parse(outer.digest).hex, Digest.parse(inner.digest).hex),
            ).rowcount

        assert await home.database.write(close) == 1
        assert codes(await home.put("alice", outer, "v1")) == {"INDEX_TOO_DEEP"}
        await sign(home, outer)
        for one in (leaf, inner, outer):
            assert not await home.visible(one.digest)

    tell(tmp_path, story)
