"""What must be true of a catalog after any schedule, in plain Python over its rows.

Shares no code and no query with the gateway. The events are the order of what was committed: they are replayed on a model
that is small enough to be believed, and the rows must be what the model says. Then the rows are looked at by themselves:
what could be visible must be, and nothing else.

I/O: reads the catalog file on a connection of its own.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.interleavings.scenario import FORBIDDEN, SIGNERS, TRUSTED, artifact_of

ADMINISTRATORS = frozenset({"os:test", "system"})

_REMOVED = "SELECT digest FROM event WHERE kind IN ('manifest.deleted', 'manifest.expired')"


@dataclass
class _Tag:
    """A tag: the latest requests decide."""

    target: str | None = None
    pending: str | None = None


@dataclass
class _Model:
    """The catalog as the events tell it."""

    policy: str = ""
    trust: str = ""
    tags: dict[str, _Tag] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    admitted: dict[str, frozenset[str]] = field(default_factory=dict)
    """Admitted manifest -> the evidence that carried it then."""
    revoked: set[str] = field(default_factory=set)
    renewed: set[str] = field(default_factory=set)
    """Put since its end was announced."""
    members: set[str] = field(default_factory=lambda: set(ADMINISTRATORS))

    def tag(self, name: str) -> _Tag:
        return self.tags.setdefault(name, _Tag())

    def carriers(self, digest: str) -> frozenset[str]:
        """Return the stored evidence by which ``digest`` is trusted under the trust that is active."""
        keys = TRUSTED[self.trust]
        return frozenset(
            evidence for evidence in self.stored & SIGNERS.keys()
            if SIGNERS[evidence][0] == digest and SIGNERS[evidence][1] & keys
        )  # fmt: skip

    def grounded(self, digest: str) -> bool:
        """Return whether ``digest`` was admitted, and something that carried it is still there."""
        return bool(self.admitted.get(digest, frozenset()) & self.stored)


class Oracle:
    """Reads one catalog file and says what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._connection.row_factory = sqlite3.Row
        self.wrong: list[str] = []
        self._model = _Model()

    def check(self, *, acknowledged: Iterable[str], visible: Collection[str]) -> list[str]:
        """Return every violation. ``acknowledged``: digests whose PUT was answered 201; ``visible``: what readers see."""
        try:
            self._replay()
            self._compare()
            self._nothing_lost(acknowledged)
            self._nothing_waits()
            self._visible(visible)
        finally:
            self._connection.close()
        return self.wrong

    def _rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(statement, values)]

    # what happened, in its order

    def _replay(self) -> None:
        decisions = {row["id"]: row for row in self._rows("SELECT * FROM decision")}
        for event in self._rows("SELECT * FROM event ORDER BY id"):
            event["data"] = json.loads(event["data"])
            kind, digest, data, model = event["kind"], event["digest"], event["data"], self._model
            self._allowed(event)
            match kind:
                case "member.added":
                    model.members.add(data["principal"])
                case "member.removed":
                    model.members.discard(data["principal"])
                case "policy.activated":
                    model.policy = data["revision"]
                case "trust.applied":
                    model.trust = data["revision"]
                case "evidence.stored":
                    model.stored.add(digest)
                case "manifest.held":
                    self._decided(event, decisions, "held")
                    model.stored.add(digest)
                    model.renewed.add(digest)
                case "manifest.expiring":
                    model.renewed.discard(digest)
                case "manifest.admitted":
                    self._admitted(event, decisions)
                case "tag.moved" | "tag.promoted" | "tag.pending":
                    self._tagged(event, decisions)
                case "tag.dropped":
                    model.tag(data["tag"]).pending = None
                case "tag.deleted":
                    model.tags[data["tag"]] = _Tag()
                case "manifest.revoked":
                    model.revoked.add(digest)
                case "manifest.deleted":
                    self._deleted(event)
                case "manifest.expired":
                    self._expired(digest)
                    self._gone(digest)

    def _allowed(self, event: Mapping[str, Any]) -> None:
        """Nobody does anything, or has it done, after the right to it was taken away."""
        if event["kind"].partition(".")[0] not in ("manifest", "tag", "evidence"):
            return
        who = {event["principal_id"]}
        if event["kind"] == "tag.promoted":
            who.add(event["data"]["requester"])
        for principal in who - self._model.members:
            self.wrong.append(f"stale: {event['kind']} for {principal}, whose right had gone")

    def _decided(
        self, event: Mapping[str, Any], decisions: Mapping[str, Mapping[str, Any]], outcome: str, tag: str | None = None
    ) -> None:
        """Every event of a decision has its record, and it was made under what was active when it was committed."""
        what = f"{event['kind']} of {_short(event['digest'])}"
        found = decisions.get(event["decision_id"] or "")
        if found is None:
            self.wrong.append(f"{what} has no decision record")
            return
        if (found["digest"], found["outcome"], found["tag"]) != (event["digest"], outcome, tag):
            self.wrong.append(f"{what} has another decision's record: {found['outcome']} {found['tag']}")
        record = json.loads(found["record"])
        if record["policy_revision"] != self._model.policy:
            self.wrong.append(f"stale: {what} was decided under a policy that had been replaced")
        if record["trust_revision"] != self._model.trust:
            self.wrong.append(f"stale: {what} was decided under a trust policy that had been replaced")

    def _admitted(self, event: Mapping[str, Any], decisions: Mapping[str, Mapping[str, Any]]) -> None:
        digest, model = event["digest"], self._model
        self._decided(event, decisions, "admitted")
        if digest in FORBIDDEN[model.policy][0]:
            self.wrong.append(f"stale: {_short(digest)} was admitted, and the active policy denies it")
        if digest in model.revoked:
            self.wrong.append(f"revoked: {_short(digest)} was admitted after its revocation")
        carriers = model.carriers(digest)
        if not carriers:
            self.wrong.append(f"stale: {_short(digest)} was admitted, and nobody trusted has signed it")
        model.stored.add(digest)
        model.admitted[digest] = carriers

    def _tagged(self, event: Mapping[str, Any], decisions: Mapping[str, Mapping[str, Any]]) -> None:
        digest, kind, model = event["digest"], event["kind"], self._model
        name = event["data"]["tag"]
        model.stored.add(digest)
        self._decided(event, decisions, "held" if kind == "tag.pending" else "admitted", name)
        if kind == "tag.pending":
            model.tag(name).pending = digest
            return
        if name in FORBIDDEN[model.policy][1]:
            self.wrong.append(f"stale: tag {name} moved, and the active policy holds it")
        if digest in model.revoked:
            self.wrong.append(f"revoked: tag {name} moved to {_short(digest)} after its revocation")
        if not model.grounded(digest):
            self.wrong.append(f"tag {name} moved to {_short(digest)}, which was not admitted")
        if kind == "tag.promoted" and model.tag(name).pending != digest:
            self.wrong.append(
                f"rollback: tag {name} was promoted to {_short(digest)}, which did not wait for it any more"
            )
        model.tags[name] = _Tag(target=digest)

    def _deleted(self, event: Mapping[str, Any]) -> None:
        digest, model = event["digest"], self._model
        subject = SIGNERS.get(digest, ("", frozenset[str]()))[0]
        if (
            digest in model.admitted.get(subject, frozenset())
            and subject not in model.revoked
            and event["principal_id"] not in ADMINISTRATORS
        ):
            self.wrong.append(
                f"evidence {_short(digest)}, which an admission rests on, was deleted by {event['principal_id']}"
            )
        self._gone(digest)

    def _expired(self, digest: str) -> None:
        """Only what waits expires: neither what is admitted or carried, nor what was put again, nor what is relied on."""
        model = self._model
        if digest in model.admitted:
            self.wrong.append(f"lost: {_short(digest)} expired, and was admitted")
        if digest in model.renewed:
            self.wrong.append(f"lost: {_short(digest)} expired, and was put again after its end was announced")
        if digest not in model.revoked and digest in self._carried():
            self.wrong.append(f"lost: {_short(digest)} expired, and a visible index carries it")
        subject, keys = SIGNERS.get(digest, ("", frozenset[str]()))
        if subject in model.stored and keys & TRUSTED[model.trust]:
            self.wrong.append(f"lost: {_short(digest)} expired, signed by somebody trusted, and its subject is here")

    def _carried(self) -> set[str]:
        model = self._model
        roots = [digest for digest in model.admitted if model.grounded(digest) and digest not in model.revoked]
        found = [artifact for root in roots if (artifact := artifact_of(root)) is not None]
        return {part.digest for artifact in found for part in artifact.walk()} - set(roots)

    def _gone(self, digest: str) -> None:
        model = self._model
        model.stored.discard(digest)
        model.admitted.pop(digest, None)
        for tag in model.tags.values():
            tag.target = None if tag.target == digest else tag.target
            tag.pending = None if tag.pending == digest else tag.pending

    # what there is

    def _compare(self) -> None:
        model = self._model
        rows = {f"sha256:{row['sha256']}": row for row in self._rows("SELECT * FROM manifest")}
        if set(rows) != model.stored:
            self.wrong.append(f"lost or found: {sorted(map(_short, set(rows) ^ model.stored))}")
        admitted = {digest for digest, row in rows.items() if row["state"] == 1}
        if admitted != set(model.admitted):
            self.wrong.append(f"admitted without an event, or the other way round: {admitted ^ set(model.admitted)}")
        tombs = {f"sha256:{row['sha256']}" for row in self._rows("SELECT sha256 FROM tombstone")}
        if tombs != model.revoked:
            self.wrong.append("the tombstones are not what the events say")
        self._compare_tags()

    def _compare_tags(self) -> None:
        names = {row["id"]: f"sha256:{row['sha256']}" for row in self._rows("SELECT id, sha256 FROM manifest")}
        found = {}
        for row in self._rows("SELECT * FROM tag"):
            pending = row["pending_id"]
            if pending is not None and row["pending_generation"] != row["generation"]:
                self.wrong.append(f"rollback: tag {row['name']} has something pending that was superseded")
            if (pending is None) != (row["requester_id"] is None):
                self.wrong.append(f"tag {row['name']} has a requester and nothing pending, or the other way round")
            found[row["name"]] = (names.get(row["target_id"]), names.get(pending))
        expected = {name: (tag.target, tag.pending) for name, tag in self._model.tags.items()}
        for name in sorted(found.keys() | expected.keys()):
            if name.startswith("sha256-"):
                continue
            if found.get(name, (None, None)) != expected.get(name, (None, None)):
                self.wrong.append(
                    f"rollback: tag {name} is {found.get(name)}, and the requests say {expected.get(name)}"
                )

    def _nothing_lost(self, acknowledged: Iterable[str]) -> None:
        deleted = {row["digest"] for row in self._rows(_REMOVED)}
        for digest in acknowledged:
            if digest not in self._model.stored | deleted:
                self.wrong.append(f"lost: {_short(digest)} was acknowledged and is not there")

    def _nothing_waits(self) -> None:
        """After the background work: whatever the active policy and trust would admit is admitted, tags included."""
        if left := self._rows("SELECT kind, key FROM work"):
            self.wrong.append(f"work is left: {left}")
        model = self._model
        here = {row["digest"] for row in self._rows("SELECT b.digest FROM repo_blob k JOIN blob b ON b.id = k.blob_id")}
        for digest in sorted(model.stored - model.admitted.keys() - model.revoked):
            if self._whole(digest, here) and model.carriers(digest) and digest not in FORBIDDEN[model.policy][0]:
                self.wrong.append(f"lost promotion: {_short(digest)} is complete, signed and allowed, and waits")
        for name, tag in model.tags.items():
            if tag.pending is None or tag.pending in model.revoked or name in FORBIDDEN[model.policy][1]:
                continue
            if model.grounded(tag.pending) and self._whole(tag.pending, here):
                self.wrong.append(f"lost promotion: {_short(tag.pending)} is admitted, and tag {name} waits for it")

    def _whole(self, digest: str, here: set[str]) -> bool:
        """Return whether ``digest`` is an image of which every part is here."""
        artifact = artifact_of(digest)
        if artifact is None:
            return False
        parts = [*artifact.walk()]
        return all(
            part.digest in self._model.stored and part.digest not in self._model.revoked for part in parts
        ) and all(blob.digest in here for part in parts for blob in part.blobs)

    def _visible(self, visible: Collection[str]) -> None:
        """What readers see is what the model says: no less and no more."""
        model = self._model
        images = {digest for digest in model.admitted if model.grounded(digest) and digest not in model.revoked}
        for root in sorted(images):
            artifact = artifact_of(root)
            children = () if artifact is None else artifact.walk()
            images |= {
                child.digest for child in children if child.digest in model.stored and child.digest not in model.revoked
            }
        proven = {
            f"sha256:{row['sha256']}"
            for row in self._rows("SELECT m.sha256 FROM manifest m JOIN verified v ON v.evidence_id = m.id")
        }
        for evidence in sorted(model.stored & SIGNERS.keys()):
            subject, keys = SIGNERS[evidence]
            if evidence not in proven and keys & TRUSTED[model.trust] and subject in model.stored:
                self.wrong.append(
                    f"lost: {_short(evidence)} is signed by somebody trusted, and is not known as verified"
                )
            if evidence in proven and subject in images:
                images.add(evidence)
        if images != set(visible):
            self.wrong.append(
                f"visible: {sorted(map(_short, images ^ set(visible)))} is seen and should not be, or not"
            )


def _short(digest: str | None) -> str:
    return "nothing" if digest is None else digest[7:15]
