"""Row 102, and whose it is: evidence put as an image, build caches, and that what others do costs nobody anything."""

import dataclasses
import json
from pathlib import Path

from gateway.admission.values import Held
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Digest
from tests.support.admission import KEY, House
from tests.support.admission_stories import codes, put_bytes
from tests.support.evidence import signed_classic
from tests.support.images import Blob, cache_index, canonical, image
from tests.support.naming_stories import (
    FOREIGN,
    ROBOT,
    blob_visible,
    bring,
    bring_all,
    by_sha512,
    put_as_sha512,
    robot,
    sign,
    tell,
    with_foreign,
    wrap,
)

SECRET = Blob(FOREIGN, b"a foreign layer that is here")


# -- what is kept as evidence, put as an image


def test_a_put_by_digest_of_evidence_links_and_counts_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        signature = signed_classic(KEY, subject=image("none").digest)
        document = json.loads(signature.manifest)
        large = b"x" * 100_000
        document["layers"][0] |= {"digest": str(Digest.of(large)), "size": 1}
        lying = dataclasses.replace(signature, manifest=canonical(document))
        await home.blob(signature.blobs[document["config"]["digest"]])
        await put_bytes(home, "alice", lying, str(signature.tag))
        await bring(home, large, home.people["alice"])
        await put_bytes(home, "alice", lying)
        linked, loose = await home.database.read_aside(
            lambda connection: connection.execute(
                """SELECT (SELECT coalesce(sum(b.size), 0) FROM link l JOIN blob b ON b.id = l.blob_id),
                (SELECT count(*) FROM repo_blob WHERE loose IS NOT NULL)"""
            ).fetchone()
        )
        assert linked < 10_000
        assert loose == 1, "the layer ends as an upload does that nobody finishes"

    tell(tmp_path, story)


# -- a build cache that is listed by an index


def test_a_build_cache_is_whose_who_has_all_of_it_and_is_renewed_by_who_reads_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        cache = cache_index("cache")
        await home.put("ci2", cache, "cache")
        await bring_all(home, cache, ROBOT)
        await home.put("ci", cache, "cache")
        view = await home.view(cache.digest)
        assert view is not None
        assert view.who == "r:ci"
        assert await _cache_bytes(home) == len(cache.manifest.content) + sum(len(blob.content) for blob in cache.blobs)
        home.now += 7 * 24 * 3600
        await home.put("alice", cache, "cache")
        view = await home.view(cache.digest)
        assert view is not None
        assert (view.who, view.expires) == ("u:alice", home.now + 14 * 24 * 3600)

    tell(tmp_path, story)


async def _cache_bytes(home: House) -> int:
    (project,) = await home.projects.projects()
    return project.cache_bytes


# -- what others do costs nobody anything


def test_a_full_reader_renews_what_another_put_whatever_foreign_layer_that_one_brought(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = with_foreign(image("app"), SECRET)
        await bring_all(home, theirs, ROBOT)
        await bring(home, SECRET.content, ROBOT)
        await home.put("ci", theirs)
        home.now += 1000
        await home.put("alice", theirs, "v1", claims={"branch": "main"})
        view = await home.view(theirs.digest)
        assert view is not None
        assert view.expires is not None
        assert (view.who, view.expires - home.now) == ("u:alice", 7 * 24 * 3600)
        await sign(home, theirs)
        assert await blob_visible(home, SECRET), "who reads what is held may show it"

    tell(tmp_path, story)


def test_tags_of_who_sees_nothing_held_leave_room_for_who_does(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        one = image("one")
        for number in range(50):
            for who in ("ci", "ci2"):
                await home.put(who, one, f"{who}-{number}")
        await robot(home, Principal("r:ci3", PrincipalKind.ROBOT, "robot+team+ci3"))
        assert codes(await home.put("ci3", one, "more")) == {"TAG_LIMIT"}
        await home.upload(one)
        assert isinstance(await home.put("alice", one, "v1"), Held)
        await sign(home, one)
        assert await home.target("v1") == one.digest

    tell(tmp_path, story)


def test_naming_what_is_hidden_does_not_keep_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        before = await home.view(theirs.digest)
        home.now += 1000
        await home.put("ci", wrap(theirs))
        assert await home.view(theirs.digest) == before

    tell(tmp_path, story)


def test_who_names_a_held_child_by_one_digest_is_not_told_the_other(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs, never = image("secret"), image("never")
        await home.push("alice", theirs)
        await put_as_sha512(home, "alice", theirs)
        for one in (theirs, never):
            outcome = await home.put("ci", by_sha512(one))
            assert isinstance(outcome, Held)
            (reason,) = outcome.reasons
            assert str(Digest.of(one.manifest.content, algorithm="sha512")) in reason.message
            assert one.digest not in reason.message

    tell(tmp_path, story)


def test_a_child_is_as_long_as_its_entry_says_by_whatever_digest(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        await home.push("alice", child)
        await put_as_sha512(home, "alice", child)
        assert codes(await home.put("alice", by_sha512(child, size=1), "v1")) == {"SIZE_MISMATCH"}

    tell(tmp_path, story)
