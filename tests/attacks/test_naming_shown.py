"""Row 102, the other way round: what is shown is there for everybody who waits for it, and evidence in parts is whole."""

import json
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import Held, TriggerKind
from gateway.catalog.sqlite import descendants
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from tests.support.admission import KEY, OPERATOR, PROJECT, REPOSITORY, House
from tests.support.admission_stories import administrator, codes, distrust, limit_held_bytes, put_bytes, reevaluate
from tests.support.evidence import Evidence, signed_bundle, signed_classic, signer, trust_files
from tests.support.images import Artifact, Blob, canonical, image
from tests.support.naming_stories import ROBOT, blob_visible, bring, is_hidden, naming, sign, tell, wrap


def _numbered(layer: Blob, number: int) -> Artifact:
    document = json.loads(naming(layer).manifest.content) | {"annotations": {"number": str(number)}}
    return Artifact(Blob(naming(layer).manifest.media_type, canonical(document)))


# -- blobs


@pytest.mark.parametrize("shown", [pytest.param(False, id="itself"), pytest.param(True, id="by-an-index")])
def test_a_layer_is_there_for_everybody_once_it_is_shown(tmp_path: Path, shown: bool) -> None:
    async def story(home: House) -> None:
        theirs = image("theirs")
        root = wrap(wrap(theirs)) if shown else theirs
        await home.push("alice", root, "v1")
        await bring(home, b"{}", ROBOT)
        waiting = [_numbered(theirs.blobs[-1], number) for number in range(40)]
        for one in waiting:
            assert codes(await home.put("ci", one)) == {"CLOSURE_INCOMPLETE"}
            await sign(home, one)
        await sign(home, root)
        assert await blob_visible(home, theirs.blobs[-1])
        assert [one.digest for one in waiting if not await home.visible(one.digest)] == []

    tell(tmp_path, story)


def test_a_layer_that_is_hidden_between_asking_and_putting_is_there_when_it_is_shown_again(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        base = image("base")
        await home.push("alice", base, "v1")
        first = signed_bundle(KEY, subject=base.digest)
        await home.attach("alice", first)
        await distrust(home, first)
        mine = naming(base.blobs[-1])
        await bring(home, b"{}", ROBOT)
        assert isinstance(await home.put("ci", mine, "mine"), Held)
        await sign(home, mine)
        await home.attach("alice", signed_classic(KEY, subject=base.digest))
        await home.work()
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_a_layer_that_comes_late_to_what_is_shown_is_there_for_others(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        layer = Blob("application/vnd.example.data", b"a layer")
        child = naming(layer)
        await home.blob(b"{}")
        await home.blob(layer.content)
        await home.put("alice", child)
        await home.put("alice", wrap(child), "v1")
        await sign(home, wrap(child))
        await home.gate.delete_manifest(await administrator(home), Digest.parse(child.digest))
        await home.put("ci", child)
        await bring(home, b"{}", ROBOT)
        other = _numbered(layer, 1)
        await home.put("ci2", other, "other")
        await bring(home, b"{}", home.people["ci2"])
        await sign(home, other)
        assert await home.target("other") is None
        await bring(home, layer.content, ROBOT)
        await home.work()
        assert await home.target("other") == other.digest

    tell(tmp_path, story)


def test_what_is_shown_in_another_length_or_without_room_completes_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("theirs")
        layer = theirs.blobs[-1]
        await home.push("alice", theirs, "v1")
        await bring(home, b"{}", ROBOT)
        wrong, late = naming(layer, sizes={layer.digest: 1}), naming(layer)
        await home.put("ci", wrong, "wrong")
        await home.put("ci", late, "late")
        await limit_held_bytes(home, 1)
        await sign(home, theirs)
        for one in (wrong, late):
            await sign(home, one)
        assert (await home.target("wrong"), await home.target("late")) == (None, None)

    tell(tmp_path, story)


def test_row_102_what_is_hidden_again_before_the_work_is_done_is_given_to_nobody(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("theirs")
        await home.push("alice", theirs, "v1")
        await bring(home, b"{}", ROBOT)
        mine = naming(theirs.blobs[-1])
        await home.put("ci", mine, "mine")
        await home.attach("alice", signed_bundle(KEY, subject=mine.digest))
        signature = signed_bundle(KEY, subject=theirs.digest)
        await home.attach("alice", signature)
        await distrust(home, signature)
        await home.work()
        assert await home.target("mine") is None
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


@pytest.mark.parametrize("asked", [pytest.param(True, id="read-meanwhile"), pytest.param(False, id="never-read")])
def test_a_shown_layer_is_there_however_many_that_are_held_name_it(tmp_path: Path, asked: bool) -> None:
    async def story(home: House) -> None:
        base = image("base")
        await home.push("alice", base, "v1")
        await sign(home, base)
        layer = base.blobs[-1]
        for robot in (ROBOT, home.people["ci2"]):
            await bring(home, b"{}", robot)
        for number in range(20):
            await home.put("ci2", _numbered(layer, number))
            if asked:
                assert await blob_visible(home, layer)
        mine = _numbered(layer, 100)
        assert "CLOSURE_INCOMPLETE" not in codes(await home.put("ci", mine, "mine"))
        await sign(home, mine)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_row_102_a_layer_that_is_shown_no_longer_is_not_there_for_a_witness_that_showed_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        base = image("base")
        await home.push("alice", base, "v1")
        signature = signed_bundle(KEY, subject=base.digest)
        await home.attach("alice", signature)
        layer = base.blobs[-1]
        for robot in (ROBOT, home.people["ci2"]):
            await bring(home, b"{}", robot)
        for number in range(20):
            await home.put("ci2", _numbered(layer, number))
        assert await blob_visible(home, layer)
        await distrust(home, signature)
        assert codes(await home.put("ci", _numbered(layer, 100), "mine")) == {"CLOSURE_INCOMPLETE"}
        # Looked for in vain: that is remembered until something is made visible here.
        assert codes(await home.put("ci", _numbered(layer, 101), "mine")) == {"CLOSURE_INCOMPLETE"}
        await home.attach("alice", signed_classic(KEY, subject=base.digest))
        assert "CLOSURE_INCOMPLETE" not in codes(await home.put("ci", _numbered(layer, 102), "mine"))

    tell(tmp_path, story)


# -- evidence


SECOND = signer(seed=2)


async def _sign_twice(home: House, artifact: Artifact) -> Evidence:
    """Sign with both keys; return what the first of them said."""
    first = signed_bundle(KEY, subject=artifact.digest)
    await home.attach("alice", first)
    await home.attach("alice", signed_bundle(SECOND, subject=artifact.digest))
    await home.work()
    return first


@pytest.mark.parametrize("how", ["distrusted", "deleted"])
def test_evidence_about_a_judged_child_is_asked_for_again_when_its_root_comes_back(tmp_path: Path, how: str) -> None:
    async def story(home: House) -> None:
        # With two keys needed the child is not admitted by the evidence about it: only its root shows both.
        policy = b'images: [{glob: "**"}]\nauthorities:\n  - name: key-2\n    key: {path: k2.pub}\n    ctlog: none\n'
        await home.trust({**trust_files(KEY), "second.yaml": policy, "k2.pub": SECOND.pem.encode()})
        await home.work()
        child = image("child")
        root = wrap(child)
        await home.push("alice", root, "v1")
        signature = await _sign_twice(home, root)
        evidence = signed_bundle(KEY, subject=child.digest)
        await home.attach("alice", evidence)
        assert await home.visible(evidence.digest)
        mine = wrap(Artifact(Blob(evidence.media_type, evidence.manifest)))
        await home.put("ci", mine, "mine")
        if how == "distrusted":
            await distrust(home, signature)
        else:
            await home.gate.delete_manifest(await administrator(home), Digest.parse(root.digest))
        await _sign_twice(home, mine)
        assert not await home.visible(evidence.digest)
        assert await home.target("mine") is None
        if how == "distrusted":
            await home.attach("alice", signed_classic(KEY, subject=root.digest))
        else:
            await home.put("alice", root, "v1")
        await home.work()
        assert await home.visible(evidence.digest)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


@pytest.mark.parametrize("late", [pytest.param(True, id="its-subject-comes"), pytest.param(False, id="it-is-verified")])
def test_an_index_that_names_anothers_evidence_is_asked_again_when_that_is_shown(tmp_path: Path, late: bool) -> None:
    async def story(home: House) -> None:
        subject = image("subject")
        if not late:
            await home.push("alice", subject, "v1")
        evidence = signed_bundle(KEY, subject=subject.digest)
        one = wrap(Artifact(Blob(evidence.media_type, evidence.manifest)))
        if late:
            await home.attach("alice", evidence)
        assert codes(await home.put("ci", one, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, one)
        if late:
            await home.push("alice", subject, "v1")
        else:
            await home.attach("alice", evidence)
        await home.work()
        assert await home.visible(evidence.digest)
        assert await home.target("mine") == one.digest

    tell(tmp_path, story)


def test_evidence_that_two_bring_in_parts_is_verified(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        people = [await home.person(name, Role.WRITER) for name in ("bob", "carol")]
        await home.projects.set_project(
            PROJECT, mode=None, visibility=None, writers_read_held=False, by=OPERATOR, reason="test", now=home.now
        )
        app = image("app")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest)
        await home.work()  # what the house was furnished with asks for everything once
        for person, blob in zip(people, signature.blobs.values(), strict=True):
            await bring(home, blob, person)
            await put_bytes(home, person.name, signature, str(signature.tag))
        await home.work()
        assert await home.target("v1") == app.digest
        assert await home.held_bytes() == 0, "verified evidence of what is admitted counts for nothing"

    tell(tmp_path, story)


# -- an index that comes to lead to more than can be judged


def test_an_index_that_leads_to_too_many_is_refused_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descendants, "MAX_DESCENDANTS", 4)

    async def story(home: House) -> None:
        children = [image(f"child{number}") for number in range(4)]
        inner = wrap(*children)
        outer = wrap(inner)
        await home.put("alice", outer, "v1")
        await home.push("alice", inner)
        await home.work()
        assert home.failures == []
        assert codes(await reevaluate(home, outer)) == {"CONTENT_MALFORMED"}
        await sign(home, outer)
        assert await home.target("v1") is None
        left = await home.database.read_aside(
            lambda connection: connection.execute("SELECT count(*) FROM work WHERE kind = 'reevaluate'").fetchone()[0]
        )
        assert left == 0
        outcome = await home.gate.reevaluate(
            REPOSITORY, Digest.parse(outer.digest), principal=SYSTEM, kind=TriggerKind.POLICY
        )
        assert isinstance(outcome, Held)

    tell(tmp_path, story)
