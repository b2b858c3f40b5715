"""Build caches: kept for their builders, beside what waits and never in its way."""

from pathlib import Path

from gateway.admission.unjudged import CACHE_SECONDS
from gateway.admission.values import Held
from tests.support.admission import House
from tests.support.admission_stories import codes, limit_held_bytes, play
from tests.support.images import cache_image, image
from tests.support.scripted_engine import ScriptedEngine


async def counted(home: House) -> tuple[int, int]:
    """Return what the project counts: bytes that wait, and bytes of build caches."""
    (row,) = await home.projects.projects()
    return row.held_bytes, row.cache_bytes


def test_caches_have_a_limit_and_an_age_of_their_own(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        cache = cache_image("one")
        assert isinstance(await home.push("alice", cache, "cache"), Held)
        held, cached = await counted(home)
        assert held == 0
        assert cached > 0
        view = await home.view(cache.digest)
        assert view is not None
        assert view.expires == home.now + CACHE_SECONDS
        await limit_held_bytes(home, cached - 1)
        assert codes(await home.push("alice", cache_image("two"), "cache")) == {"CACHE_QUOTA"}
        assert isinstance(await home.put("alice", cache, "again"), Held), "what is there may be put again"
        assert isinstance(await home.push("alice", image("one"), "v1"), Held), (
            "a full cache keeps no image from waiting"
        )
        assert (await counted(home))[1] == cached

    play(tmp_path, story)


def test_images_that_wait_keep_no_cache_out(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.push("alice", image("one"), "v1")
        await limit_held_bytes(home, 10)
        assert codes(await home.push("alice", image("two"), "v2")) == {"HELD_QUOTA"}
        assert isinstance(await home.push("alice", cache_image("one"), "cache"), Held)

    play(tmp_path, story)


def test_a_cache_that_ended_counts_no_more(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        cache = cache_image("one")
        await home.push("alice", cache, "cache")
        home.now += CACHE_SECONDS - 3600
        await home.expiry.due((0, 0))
        assert await home.view(cache.digest) is not None
        for _ in ("announced", "removed"):
            home.now += 2 * 24 * 3600
            await home.expiry.due((0, 0))
        assert await home.view(cache.digest) is None
        assert await counted(home) == (0, 0)

    play(tmp_path, story)
