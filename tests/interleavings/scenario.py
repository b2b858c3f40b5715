"""What happens at the same time, and what it starts from.

Two images, ``APP`` and ``OTHER``, want the tag ``latest``; ``OTHER`` is admitted in every start, and ``APP`` is on its
way. A *kind* is one thing that somebody does; a *start* is a catalog that it is done to. Every kind can be tried from every
start: what cannot be done is refused, and that is one more thing to get right.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from gateway.catalog.sqlite.projects import HELD_SECONDS
from gateway.evidence.trust_policy import TrustPolicy
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from gateway.policy.revision import PolicyRevision
from tests.interleavings.rig import MAINTAINER, NOW, OPERATOR, REPOSITORY, WRITER, Rig, folder, furnish, run
from tests.support.catalog_file import with_tables
from tests.support.evidence import Evidence, signed_bundle, signed_classic, signer, trust_files
from tests.support.images import Artifact, image, index
from tests.support.scripted_engine import revision

KEY: Final = signer("ecdsa-p256", 1)
LATER_KEY: Final = signer("ecdsa-p256", 2)

APP: Final = image("app")
OTHER: Final = image("other")
CHILD: Final = image("child")
MANY: Final = index(CHILD, image("sibling", architecture="arm64"))
ARTIFACTS: Final = (APP, OTHER, MANY, *MANY.children)
LAYER: Final = APP.blobs[-1]
"""What is missing where the start says so."""

SIGNATURE: Final = signed_bundle(KEY, subject=APP.digest)
CLASSIC: Final = signed_classic(KEY, subject=APP.digest, reference="registry.example.test/team/app")
BOTH: Final = signed_classic(KEY, LATER_KEY, subject=APP.digest, reference="registry.example.test/team/app")
OTHER_SIGNATURE: Final = signed_bundle(KEY, subject=OTHER.digest)
LATER_SIGNATURE: Final = signed_bundle(LATER_KEY, subject=APP.digest)
INDEX_SIGNATURE: Final = signed_bundle(KEY, subject=MANY.digest)
SIGNERS: Final[Mapping[str, tuple[str, frozenset[str]]]] = MappingProxyType(
    {
        SIGNATURE.digest: (APP.digest, frozenset({KEY.id})),
        CLASSIC.digest: (APP.digest, frozenset({KEY.id})),
        BOTH.digest: (APP.digest, frozenset({KEY.id, LATER_KEY.id})),
        LATER_SIGNATURE.digest: (APP.digest, frozenset({LATER_KEY.id})),
        OTHER_SIGNATURE.digest: (OTHER.digest, frozenset({KEY.id})),
        INDEX_SIGNATURE.digest: (MANY.digest, frozenset({KEY.id})),
    }
)
"""Evidence -> its subject and who signed in it: what the oracle knows without verifying anything."""

TRUST: Final = TrustPolicy.load(trust_files(KEY))
TRUST_BOTH: Final = TrustPolicy.load(trust_files(KEY, LATER_KEY))
TRUST_LATER: Final = TrustPolicy.load(trust_files(LATER_KEY))
TRUSTED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        TRUST.digest: frozenset({KEY.id}),
        TRUST_BOTH.digest: frozenset({KEY.id, LATER_KEY.id}),
        TRUST_LATER.digest: frozenset({LATER_KEY.id}),
    }
)

POLICY: Final = revision("first", hold_tags=["gated"])
POLICY_DENY: Final = revision("second", hold_tags=["gated"], deny=[APP.digest])
POLICY_OPEN: Final = revision("third")
FORBIDDEN: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        POLICY.id: (frozenset[str](), frozenset({"gated"})),
        POLICY_DENY.id: (frozenset({APP.digest}), frozenset({"gated"})),
        POLICY_OPEN.id: (frozenset[str](), frozenset[str]()),
    }
)
"""Policy revision -> the digests that it denies, the tags that it holds."""

Do: TypeAlias = Callable[[Rig], Awaitable[object]]


def _revoke(digest: str) -> Do:
    async def revoke(rig: Rig) -> None:
        await rig.gate.revoke(REPOSITORY, Digest.parse(digest), principal=OPERATOR, reason="found bad")

    return revoke


async def _untag(rig: Rig) -> None:
    await rig.gate.delete_tag(await rig.grant(MAINTAINER), Tag("latest"))


def _delete(digest: str) -> Do:
    async def delete(rig: Rig) -> None:
        await rig.gate.delete_manifest(await rig.grant(MAINTAINER), Digest.parse(digest))

    return delete


def _trust(policy: TrustPolicy) -> Do:
    return lambda rig: rig.trust(policy)


def _policy(policy: PolicyRevision) -> Do:
    return lambda rig: rig.policy(policy)


async def _blob(rig: Rig) -> None:
    await rig.upload(LAYER.content)
    await rig.worker.run_once()


KINDS: Final[Mapping[str, Do]] = MappingProxyType(
    {
        "image": lambda rig: rig.put(APP, "latest"),
        "signature": lambda rig: rig.attach(SIGNATURE),
        "classic": lambda rig: rig.attach(CLASSIC),
        "classic-both": lambda rig: rig.attach(BOTH),
        "later-signature": lambda rig: rig.attach(LATER_SIGNATURE),
        "tag": lambda rig: rig.put(OTHER, "latest"),
        "gated-tag": lambda rig: rig.put(APP, "gated"),
        "revocation": _revoke(APP.digest),
        "policy-deny": _policy(POLICY_DENY),
        "policy-open": _policy(POLICY_OPEN),
        "trust-drop": _trust(TRUST_LATER),
        "trust-add": _trust(TRUST_BOTH),
        "untag": _untag,
        "delete": _delete(APP.digest),
        "delete-signature": _delete(SIGNATURE.digest),
        "demotion": lambda rig: rig.demote(WRITER),
        "blob": _blob,
        "child": lambda rig: rig.put(CHILD, None),
        "index": lambda rig: rig.put(MANY, "many"),
        "index-signature": lambda rig: rig.attach(INDEX_SIGNATURE),
        "child-revocation": _revoke(CHILD.digest),
        "child-delete": _delete(CHILD.digest),
        "expiry": lambda rig: rig.expiry.due((0, 0)),
        "worker": lambda rig: rig.worker.run_once(),
    }
)

CORE: Final = (
    "image",
    "signature",
    "tag",
    "revocation",
    "policy-deny",
    "trust-drop",
    "demotion",
    "untag",
    "delete",
    "delete-signature",
    "blob",
)
"""The pairs of these are run each time; of all kinds, from all starts, by ``python -m tests.interleavings.run --pairs``."""


def starts_for(kinds: Collection[str]) -> tuple[str, ...]:
    """Return the starts in which these kinds have something to do with one another."""
    if "blob" in kinds:
        return ("unlinked",) if "image" in kinds else ("waiting",) if "signature" in kinds else ("incomplete",)
    if "image" in kinds:
        return ("absent", "signed")
    return ("held",) if "signature" in kinds else ("admitted",)


async def _start(rig: Rig, *, missing: bool = False) -> None:
    """Store every blob (but ``LAYER``, where it is missing), and admit ``OTHER`` at ``latest``."""
    await furnish(rig, TRUST, POLICY)
    await stock(rig, but={LAYER.digest} if missing else set())
    for artifact in MANY.children[1:]:
        await rig.put(artifact, None)
    await rig.put(OTHER, "latest")
    await rig.attach(OTHER_SIGNATURE)


async def _absent(rig: Rig) -> None:
    await _start(rig)


async def _signed(rig: Rig) -> None:
    await _start(rig)
    await rig.attach(SIGNATURE)
    await rig.attach(INDEX_SIGNATURE)


async def _held(rig: Rig) -> None:
    await _start(rig)
    await rig.put(APP, "latest")


async def _incomplete(rig: Rig) -> None:
    await _start(rig, missing=True)
    await rig.attach(SIGNATURE)
    await rig.put(APP, "latest")


async def _waiting(rig: Rig) -> None:
    await _start(rig, missing=True)
    await rig.put(APP, "latest")


async def _unlinked(rig: Rig) -> None:
    await _start(rig, missing=True)
    await rig.attach(SIGNATURE)


async def _untrusted(rig: Rig) -> None:
    await _held(rig)
    await rig.attach(LATER_SIGNATURE)


async def _admitted(rig: Rig) -> None:
    await _held(rig)
    await rig.attach(SIGNATURE)


async def _gated(rig: Rig) -> None:
    await _admitted(rig)
    await rig.attach(CLASSIC)
    await rig.attach(LATER_SIGNATURE)
    await rig.put(APP, "gated")


async def _end(rig: Rig, artifact: Artifact) -> None:
    """Let the end of what waits have been announced, and be now for ``artifact``."""
    rig.clock[0] += HELD_SECONDS - 1
    await rig.expiry.due((0, 0))
    rig.clock[0] = NOW
    digest = Digest.parse(artifact.digest).hex
    await rig.database.write(
        lambda connection: (
            connection.execute(
                "UPDATE manifest SET announced = sha256 = :d, expires = CASE sha256 WHEN :d THEN :now ELSE expires END"
                " WHERE expires IS NOT NULL",
                {"d": digest, "now": NOW},
            ).rowcount
        )
    )


async def _ended(rig: Rig) -> None:
    await _held(rig)
    await _end(rig, APP)


async def _ended_child(rig: Rig) -> None:
    await _start(rig)
    await rig.put(CHILD, None)
    await rig.put(MANY, "many")
    await _end(rig, CHILD)


STARTS: Final[Mapping[str, Do]] = MappingProxyType(
    {
        "absent": _absent,
        "signed": _signed,
        "held": _held,
        "incomplete": _incomplete,
        "waiting": _waiting,
        "unlinked": _unlinked,
        "untrusted": _untrusted,
        "admitted": _admitted,
        "gated": _gated,
        "ended": _ended,
        "ended-child": _ended_child,
    }
)


async def stock(rig: Rig, *, but: set[str]) -> None:
    """Store every blob that any artifact or evidence names."""
    contents = [blob.content for artifact in ARTIFACTS for blob in artifact.blobs if blob.digest not in but]
    evidence: tuple[Evidence, ...] = (
        SIGNATURE,
        CLASSIC,
        BOTH,
        LATER_SIGNATURE,
        OTHER_SIGNATURE,
        INDEX_SIGNATURE,
    )
    contents.extend(content for each in evidence for content in each.blobs.values())
    for content in dict.fromkeys(contents):
        await rig.upload(content)


async def refill(rig: Rig) -> None:
    """Put the bytes of every blob into the content store of a rig that was opened over a prepared catalog."""
    contents = [blob.content for artifact in ARTIFACTS for blob in artifact.blobs]
    for each in (SIGNATURE, CLASSIC, BOTH, LATER_SIGNATURE, OTHER_SIGNATURE, INDEX_SIGNATURE):
        contents.extend(each.blobs.values())
    for content in contents:
        await rig.content.put(Digest.of(content), content)


def artifact_of(digest: str) -> Artifact | None:
    """Return the artifact with this digest."""
    return next((artifact for artifact in ARTIFACTS if artifact.digest == digest), None)


class Starts:
    """The prepared catalog files, each made once."""

    def __init__(self) -> None:
        self.folder = folder()
        self.names = tuple(STARTS)
        self._made: dict[str, Path] = {}

    def prepared(self, name: str) -> Path:
        """Return the closed catalog file of a start: what is due in it has been done."""
        if name not in self._made:
            path = self.folder / f"start-{name}.sqlite"
            run(self._make(with_tables(path), STARTS[name]))
            self._made[name] = path
        return self._made[name]

    async def _make(self, path: Path, start: Do) -> None:
        rig = Rig.open(path)
        try:
            await start(rig)
            await rig.drain()
            assert rig.failures == []
        finally:
            await rig.close()
