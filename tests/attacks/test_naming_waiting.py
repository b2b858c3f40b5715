"""Row 102, waiting: nothing that is signed and whole is left waiting, and what is named first counts when it comes."""

from pathlib import Path

import pytest

from tests.support.admission import KEY, House
from tests.support.admission_stories import codes, distrust, limit_held_bytes
from tests.support.evidence import signed_bundle
from tests.support.images import OCI_INDEX, Artifact, Blob, Json, cache_image, canonical, image
from tests.support.naming_stories import (
    OTHER_ROBOT,
    ROBOT,
    bring,
    bring_all,
    delete,
    naming,
    sign,
    tell,
    wrap,
)

# -- nothing that is signed and whole is left waiting


@pytest.mark.parametrize("again", [pytest.param(False, id="once"), pytest.param(True, id="put-again")])
def test_an_index_waits_no_longer_when_its_child_is_shown_again(tmp_path: Path, again: bool) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        root, mine = _numbered(child, 1), wrap(wrap(child))
        await home.put("alice", root)
        await sign(home, root)
        await home.put("ci", mine.children[0])
        await home.put("ci", mine, "mine")
        await delete(home, root)
        await sign(home, mine)
        if again:
            await home.put("ci", mine.children[0])
            await home.put("ci", mine, "mine")
        assert await home.target("mine") is None
        await sign(home, child)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_an_index_waits_no_longer_when_its_child_is_trusted_again(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        evidence = signed_bundle(KEY, subject=child.digest)
        await home.attach("alice", evidence)
        mine = wrap(child)
        await home.put("ci", mine, "mine")
        await distrust(home, evidence)
        await sign(home, mine)
        assert await home.target("mine") is None
        await sign(home, child)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_an_index_waits_no_longer_when_what_leads_to_its_child_is_back(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        between = wrap(child)
        root = wrap(between)
        await home.put("alice", between)
        await home.put("alice", root)
        await sign(home, root)
        await delete(home, between)
        mine = wrap(child, image("own"))
        await bring_all(home, image("own"), ROBOT)
        await home.put("ci", image("own"))
        await home.put("ci", mine, "mine")
        await sign(home, mine)
        assert await home.target("mine") is None
        await home.put("alice", between)
        await home.work()
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_thousands_that_name_a_child_cost_its_deletion_and_its_return_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        for number in range(20):
            await home.put("alice", _numbered(child, number), f"v{number}")
        statements: list[str] = []
        await home.database.write(lambda connection: connection.set_trace_callback(statements.append))
        await delete(home, child)
        await home.database.write(lambda connection: connection.set_trace_callback(None))
        assert len(statements) < 120, "no statement for each of them"
        for number in range(20):
            await sign(home, _numbered(child, number))
        assert await home.target("v0") is None
        await home.push("alice", child)
        await home.work()
        for number in range(20):
            assert await home.target(f"v{number}") == _numbered(child, number).digest

    tell(tmp_path, story)


def _numbered(child: Artifact, number: int) -> Artifact:
    document: Json = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [child.manifest.descriptor()],
        "annotations": {"number": str(number)},
    }
    return Artifact(Blob(OCI_INDEX, canonical(document)), children=(child,))


# -- what is named first counts when it comes


def test_parts_that_are_named_first_and_brought_later_stay_within_the_limit(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await limit_held_bytes(home, 50_000)
        await bring(home, b"{}", ROBOT)
        layers = [Blob("application/vnd.example.data", bytes([number]) * 40_000) for number in range(8)]
        for layer in layers:
            await home.put("ci", naming(layer))
        for layer in layers:
            await bring(home, layer.content, ROBOT)
        held = await home.held_bytes()
        assert 50_000 < held < 130_000, "the one that passes the limit is the last"
        for layer in layers[2:]:
            assert codes(await home.put("ci", naming(layer))) == {"HELD_QUOTA"}, "nor by putting it again"
        assert await home.held_bytes() == held
        # When there is room, it is put again and waits for nothing.
        await limit_held_bytes(home, 10**9)
        await home.put("ci", naming(layers[7]))
        assert await home.held_bytes() == held + 40_000

    tell(tmp_path, story)


def test_a_cache_is_as_long_as_it_says(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        cache = cache_image("same")
        big = Blob("application/vnd.oci.image.layer.v1.tar+gzip", b"0" * 10_000)
        document: Json = {
            "schemaVersion": 2,
            "mediaType": cache.manifest.media_type,
            "config": cache.blobs[0].descriptor(),
            "layers": [big.descriptor(size=1)],
        }
        liar = Artifact(Blob(cache.manifest.media_type, canonical(document)), (cache.blobs[0], big))
        assert codes(await home.push("alice", liar, "cache")) == {"SIZE_MISMATCH"}
        assert await home.view(liar.digest) is None

    tell(tmp_path, story)


def test_an_index_of_two_robots_children_is_completed_by_each_ones_own(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        mine, other = image("mine"), image("other")
        both = wrap(mine, other)
        assert codes(await home.put("ci", both, "v1")) == {"CLOSURE_INCOMPLETE"}
        for who, name, one in ((ROBOT, "ci", mine), (OTHER_ROBOT, "ci2", other)):
            await bring_all(home, one, who)
            await home.put(name, one)
        await sign(home, both)
        assert await home.target("v1") is None, "the second child is not his"
        await bring_all(home, other, ROBOT)
        await home.put("ci", other)
        await home.work()
        assert await home.target("v1") == both.digest

    tell(tmp_path, story)
