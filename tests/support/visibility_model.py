"""The definition of visibility in plain Python, from DESIGN 3 rather than from the statements: the oracle.

Sets and dictionaries, one repository at a time, nothing cached and no hint kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.access.values import Condition
from gateway.catalog.effects import Support
from gateway.catalog.values import ManifestClass
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest


@dataclass
class Row:
    """A manifest in a repository. ``requirements`` hold (signer, seen, evidence), one of which is enough."""

    manifest: Manifest
    cls: ManifestClass
    subject: Digest | None
    number: int
    admitted: bool = False
    requirements: list[list[tuple[str, int, Digest]]] = field(default_factory=list)
    until: int | None = None
    edges: list[tuple[Digest, tuple[Digest, ...]]] = field(default_factory=list)
    verified: dict[str, int] = field(default_factory=dict)
    blobs: set[Digest] = field(default_factory=set)
    missing: set[Digest] = field(default_factory=set)


@dataclass
class TagRow:
    """A tag, deleted or not."""

    generation: int = 0
    target: Digest | None = None
    pending: Digest | None = None


@dataclass
class Shared:
    """What holds beyond one repository: revoked bytes of the project, revoked signers."""

    tombstones: set[Digest] = field(default_factory=set)
    distrust: dict[str, int] = field(default_factory=dict)


class Model:
    """One repository."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.exists = False
        self.rows: dict[Digest, Row] = {}
        self.blobs: set[Digest] = set()
        self.tags: dict[str, TagRow] = {}
        self.tombstones: set[Digest] = set()
        self._numbers = 0

    # -- what happens

    def link(self, blob: Digest) -> None:
        self.exists = True
        self.blobs.add(blob)
        for row in self.rows.values():
            if blob in row.missing:
                row.missing.discard(blob)
                if blob in named(row.manifest):
                    row.blobs.add(blob)
                self._completed(row)

    def unlink(self, blob: Digest) -> bool:
        """Remove the blob; return whether nothing named it."""
        if any(blob in row.blobs for row in self.rows.values()):
            return False
        self.blobs.discard(blob)
        return True

    def put(self, manifest: Manifest, cls: ManifestClass, subject: Digest | None) -> tuple[Digest, ...]:
        """Store or refresh; return what is missing of it."""
        self.exists = True
        missing = tuple(
            dict.fromkeys(
                part
                for part in (*named(manifest), *(entry.digest for entry in manifest.manifests))
                if part not in self.blobs and part not in self.rows
            )
        )
        row = self.rows.get(manifest.digest)
        if row is None:
            self._numbers += 1
            row = self.rows[manifest.digest] = Row(manifest, cls, subject, self._numbers)
        elif cls is ManifestClass.EVIDENCE and row.cls is ManifestClass.IMAGE and not row.admitted:
            row.cls, row.subject = cls, subject
        row.blobs |= named(manifest) & self.blobs
        row.missing = set(missing)
        self._completed(row)
        return missing

    def _completed(self, row: Row) -> None:
        """Where it waits for nothing, nothing waits for it."""
        if row.missing:
            return
        for parent in self.rows.values():
            if row.manifest.digest in parent.missing:
                parent.missing.discard(row.manifest.digest)
                self._completed(parent)

    def admit(
        self,
        digest: Digest,
        requirements: Sequence[Sequence[Support]],
        edges: Sequence[tuple[Digest, tuple[Digest, ...]]],
        until: int | None,
    ) -> None:
        row = self.rows[digest]
        row.admitted, row.until, row.edges = True, until, list(edges)
        row.requirements = []
        for supports in requirements:
            earliest: dict[str, tuple[int, Digest]] = {}
            for support in supports:
                found = (support.seen, support.evidence)
                earliest[support.signer] = min(found, earliest.get(support.signer, found))
            row.requirements.append([(signer, seen, evidence) for signer, (seen, evidence) in earliest.items()])

    def verify(self, digest: Digest, signers: Sequence[tuple[str, int]]) -> None:
        found = self.rows[digest].verified
        for signer, seen in signers:
            found[signer] = min(seen, found.get(signer, seen))

    def delete(self, digest: Digest) -> None:
        del self.rows[digest]
        for row in self.rows.values():
            row.requirements = [[kept for kept in each if kept[2] != digest] for each in row.requirements]
        for tag in self.tags.values():
            if digest in (tag.target, tag.pending):
                tag.generation += 1
                tag.target = None if tag.target == digest else tag.target
                tag.pending = None if tag.pending == digest else tag.pending

    # -- what is seen

    def alive(self, signer: str, seen: int) -> bool:
        since = self.shared.distrust.get(signer)
        return since is None or seen < since

    def revoked(self, digest: Digest) -> bool:
        return digest in self.shared.tombstones or digest in self.tombstones

    def own(self, row: Row, now: int) -> bool:
        grounded = all(any(self.alive(signer, seen) for signer, seen, _ in each) for each in row.requirements)
        return row.admitted and (row.until is None or row.until > now) and grounded

    def carried(self, digest: Digest, now: int) -> bool:
        for root in self.rows.values():
            if root.cls is not ManifestClass.IMAGE or not self.own(root, now) or self.revoked(root.manifest.digest):
                continue
            for child, path in root.edges:
                if child == digest and all(step in self.rows and not self.revoked(step) for step in path):
                    return True
        return False

    def condition(self, digest: Digest, now: int) -> Condition:
        row = self.rows[digest]
        if self.revoked(digest):
            return Condition.REVOKED
        match row.cls:
            case ManifestClass.IMAGE:
                if self.own(row, now):
                    return Condition.ADMITTED
                if self.carried(digest, now):
                    return Condition.CARRIED
                return Condition.DISTRUSTED if row.admitted else Condition.HELD
            case ManifestClass.EVIDENCE:
                if not self.live_evidence(row):
                    return Condition.DISTRUSTED if row.verified else Condition.HELD
                return Condition.ADMITTED if self.image_visible(row.subject, now) else Condition.HELD
            case ManifestClass.FALLBACK:
                entries = [self.rows.get(entry.digest) for entry in row.manifest.manifests]
                good = all(
                    entry is not None
                    and entry.cls is ManifestClass.EVIDENCE
                    and entry.subject == row.subject
                    and not self.revoked(entry.manifest.digest)
                    and self.live_evidence(entry)
                    for entry in entries
                )
                return Condition.ADMITTED if good and self.image_visible(row.subject, now) else Condition.HELD
            case ManifestClass.CACHE:
                return Condition.HELD

    def live_evidence(self, row: Row) -> bool:
        return any(self.alive(signer, seen) for signer, seen in row.verified.items())

    def image_visible(self, digest: Digest | None, now: int) -> bool:
        row = None if digest is None else self.rows.get(digest)
        return row is not None and row.cls is ManifestClass.IMAGE and self.visible(row.manifest.digest, now)

    def visible(self, digest: Digest, now: int) -> bool:
        return self.condition(digest, now) in (Condition.ADMITTED, Condition.CARRIED)

    def blob_visible(self, blob: Digest, now: int) -> bool:
        return any(blob in row.blobs and self.visible(digest, now) for digest, row in self.rows.items())


def named(manifest: Manifest) -> set[Digest]:
    """Return the blobs that a manifest names."""
    parts = (*manifest.layers, *((manifest.config,) if manifest.config else ()))
    return {part.digest for part in parts}
