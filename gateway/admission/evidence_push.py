"""The PUT of evidence: a signature, an attestation, or the fallback index that lists them.

Its subject is judged again in the same transaction, *before* the 201 is sent: `cosign sign && kubectl apply` never races.

I/O: through the evaluator and the store.
Source: DESIGN 2 ("Evidence for a held or distrusted subject"), 3 ("Evidence arrives", "Evidence").
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.admission.classify import Classified, classify
from gateway.admission.closure import closure, revoked, world_key
from gateway.admission.evaluator import Proof
from gateway.admission.image_push import Attempt, put, stored_as
from gateway.admission.judgement import Errs, NoAnswer, Passes
from gateway.admission.records import event, reasons_json
from gateway.admission.rights import check_put, present
from gateway.admission.subject import Rejudged, rejudge, stands
from gateway.admission.tools import STALE, Stale, Tools
from gateway.admission.values import (
    Admitted,
    Held,
    Outcome,
    Push,
    Refused,
    Trigger,
    TriggerKind,
    Unreachable,
)
from gateway.audit.events import EventKind
from gateway.catalog.effects import Effect, MoveTag, RecordVerified
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import World, WorldKey
from gateway.errors import DocumentInvalid, ManifestInvalid, NameUnknown, Reason
from gateway.evidence.content import parse_content
from gateway.evidence.values import Rejected
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Subject:
    """The manifest that evidence is about, as it is now; ``manifest`` is None for an orphan."""

    manifest: Manifest | None
    key: WorldKey
    world: World


async def put_evidence(tools: Tools, push: Push, manifest: Manifest, classified: Classified) -> Outcome | Stale:
    """Verify, judge the subject again, and commit both at once. Raises `Denied`, `ManifestInvalid`."""
    claim = classified.claim
    if claim is None:
        raise ManifestInvalid("not evidence")
    attempt = await _attempt(tools, push, manifest, classified)
    if isinstance(attempt, Refused):
        return attempt
    subject = await _subject(tools, attempt, claim.subject)
    if isinstance(subject, Stale):
        return subject
    parts = closure(attempt.world)
    if parts.missing:
        return await _commit(tools, attempt, subject, (), (*parts.reasons,), None)
    first_seen = attempt.now if attempt.world.manifest is None else attempt.world.manifest.first_seen
    evidence = await tools.evaluator.read_evidence(manifest, claim, first_seen=first_seen)
    parse_content(evidence)
    if attempt.world.manifest is None and (full := _crowded(tools, subject.world)) is not None:
        return Refused((full,), None)
    proof = await tools.evaluator.prove(
        claim.subject, push.grant.repository, subject.world, extra=evidence, now=attempt.now
    )
    if isinstance(proof, NoAnswer):
        return Unreachable(proof.reason)
    if (stripped := _stripped(attempt, subject.world, proof)) is not None:
        return Refused((stripped,), None)
    rejudged = await _rejudged(tools, attempt, subject, proof)
    if isinstance(rejudged, NoAnswer):
        return Unreachable(rejudged.reason)
    verified = verification(manifest.digest, proof)
    effects: tuple[Effect, ...] = () if verified is None else (verified,)
    reasons = () if verified is not None else _why_unverified(manifest.digest, proof)
    return await _commit(tools, attempt, subject, effects, reasons, rejudged)


async def put_fallback(tools: Tools, push: Push, manifest: Manifest, classified: Classified) -> Outcome | Stale:
    """Keep a referrers-tag index whose every entry is evidence of its subject; refuse any other under that tag."""
    attempt = await _attempt(tools, push, manifest, classified)
    if isinstance(attempt, Refused):
        return attempt
    for child in attempt.world.children:
        if child.path:
            continue
        if (
            not child.present
            or child.cls is not ManifestClass.EVIDENCE
            or _about(child.body, child.media_type) != classified.subject
        ):
            message = f"{child.digest} is not evidence of {classified.subject}: this tag lists evidence only"
            return Refused((Reason("FALLBACK_INVALID", message, "deny", str(child.digest)),), None)
    tags: tuple[Effect, ...] = tuple(MoveTag(tag, manifest.digest, attempt.alias) for tag in classified.metadata_tags)
    effects = (put(tools, attempt, closure(attempt.world), held=False), *tags, _kept(attempt))
    if not await tools.store.commit(
        [(attempt.key, attempt.world)], effects, repository=attempt.key.repository, now=attempt.now
    ):
        return STALE
    return Admitted(stored_as(attempt, pending=(), decision_id=None))


async def _attempt(tools: Tools, push: Push, manifest: Manifest, classified: Classified) -> Attempt | Refused:
    """Read the world of the evidence manifest and check the caller's right and the tombstones."""
    if len(manifest.raw) > tools.settings.max_evidence_manifest_bytes:
        raise ManifestInvalid(f"a manifest of evidence is at most {tools.settings.max_evidence_manifest_bytes} bytes")
    key = world_key(
        manifest,
        repository=push.grant.repository,
        caller=push.grant.principal.id,
        tags=classified.metadata_tags,
    )
    now = tools.now()
    world = await tools.store.read_world(key, now=now)
    if world is None:
        raise NameUnknown(f"no project claims {push.grant.repository}")
    check_put(present(push.grant, world.standing), cls=classified.cls, overwriting=())
    if refusals := revoked(world):
        return Refused(refusals, None)
    if world.manifest is not None and stands(world.manifest) and world.manifest.cls is ManifestClass.IMAGE:
        message = "these bytes are admitted here as an image: they are not taken as evidence as well"
        return Refused((Reason("ADMITTED_AS_IMAGE", message, "deny"),), None)
    return Attempt(push, manifest, classified, key, world, now)


async def _subject(tools: Tools, attempt: Attempt, digest: Digest) -> Subject | Stale:
    """Read the subject with its world; an orphan's world says that there is none, and the commit holds it to that."""
    repository, caller = attempt.key.repository, attempt.key.caller
    view = await tools.manifests.by_digest(repository, digest, now=attempt.now, with_body=True)
    manifest, key = None, WorldKey(repository=repository, caller=caller, digest=digest)
    if view is not None and view.body is not None:
        manifest = Manifest.parse(view.body, content_type=view.media_type)
        key = world_key(manifest, repository=repository, caller=caller, tags=())
    world = await tools.store.read_world(key, now=attempt.now)
    if world is None or (world.manifest is None) != (manifest is None):
        return STALE
    return Subject(manifest, key, world)


async def _rejudged(tools: Tools, attempt: Attempt, subject: Subject, proof: Proof) -> Rejudged | NoAnswer | None:
    """Judge the subject again where evidence can change anything; None where it cannot."""
    facts = subject.world.manifest
    if subject.manifest is None or facts is None or facts.cls is not ManifestClass.IMAGE or stands(facts):
        return None
    trigger = Trigger(TriggerKind.EVIDENCE, attempt.push.grant.principal.id)
    return await rejudge(
        tools,
        subject.manifest,
        attempt.key.repository,
        subject.world,
        proof=proof,
        trigger=trigger,
        now=attempt.now,
    )


async def _commit(
    tools: Tools,
    attempt: Attempt,
    subject: Subject,
    verified: Sequence[Effect],
    unverified: tuple[Reason, ...],
    rejudged: Rejudged | None,
) -> Outcome | Stale:
    tags = tuple(MoveTag(tag, attempt.manifest.digest, attempt.alias) for tag in attempt.classified.metadata_tags)
    effects: list[Effect] = [
        put(tools, attempt, closure(attempt.world), held=not verified),
        *verified,
        *tags,
        _kept(attempt, verified=bool(verified), reasons=unverified),
    ]
    if rejudged is not None:
        effects.extend(rejudged.effects)
    if not await tools.store.commit(
        [(attempt.key, attempt.world), (subject.key, subject.world)],
        effects,
        repository=attempt.key.repository,
        now=attempt.now,
    ):
        return STALE
    stored = stored_as(attempt, pending=(), decision_id=None if rejudged is None else rejudged.decision_id)
    if unverified:
        return Held(stored, unverified)
    return Admitted(stored, _still_waiting(rejudged))


def verification(evidence: Digest, proof: Proof) -> RecordVerified | None:
    """Return the write that records who signed in this evidence manifest; None where nobody trusted did."""
    signers = {
        item.signer.id: (item.signer.id, item.signer.name, item.first_seen)
        for item in proof.report.verified
        if item.evidence == evidence
    }
    if not signers:
        return None
    return RecordVerified(evidence, tuple(signers[signer] for signer in sorted(signers)))


def _why_unverified(evidence: Digest, proof: Proof) -> tuple[Reason, ...]:
    rejected: Sequence[Rejected] = [item for item in proof.report.rejected if item.evidence == evidence]
    if not rejected:
        return (Reason("SIGNER_UNTRUSTED", "no trust policy names a key for this repository", "hold"),)
    unique = {item.code.value: Reason(item.code.value, item.message, "hold") for item in rejected}
    return tuple(unique.values())


def _still_waiting(rejudged: Rejudged | None) -> tuple[Reason, ...]:
    """Return why the subject is not visible although this evidence was kept and is good."""
    if rejudged is None or isinstance(rejudged.judgement, Passes | NoAnswer):
        return ()
    if isinstance(rejudged.judgement, Errs):
        return (Reason("POLICY_ERROR", rejudged.judgement.reason, "hold"),)
    return rejudged.judgement.reasons


def _stripped(attempt: Attempt, subject: World, proof: Proof) -> Reason | None:
    """Return a refusal where this PUT would take a verified layer away from the evidence tag it replaces."""
    kept = {layer.digest for layer in attempt.manifest.layers}
    for facts in attempt.world.tags:
        if facts.target is None or facts.target == attempt.manifest.digest:
            continue
        if all(facts.target != evidence.digest for evidence in subject.evidence):
            continue
        lost = {item.layer for item in proof.report.verified if item.evidence == facts.target} - kept
        if lost:
            message = f"tag {facts.tag} has a verified signature that this manifest drops: fetch it and add to it"
            return Reason("EVIDENCE_STRIPPED", message, "deny")
    return None


def _crowded(tools: Tools, subject: World) -> Reason | None:
    unverified = sum(1 for evidence in subject.evidence if not evidence.signers)
    if unverified < tools.settings.max_unverified_evidence:
        return None
    message = f"its subject has {unverified} unverified pieces of evidence already, the limit"
    return Reason("EVIDENCE_LIMIT", message, "deny")


def _about(body: bytes, media_type: str) -> Digest | None:
    """Return the subject that a stored evidence manifest names."""
    try:
        return classify(Manifest.parse(body, content_type=media_type), ()).subject
    except (ManifestInvalid, DocumentInvalid):
        return None


def _kept(attempt: Attempt, *, verified: bool = True, reasons: tuple[Reason, ...] = ()) -> Effect:
    return event(
        EventKind.EVIDENCE_STORED,
        principal=attempt.push.grant.principal.id,
        digest=attempt.manifest.digest,
        subject=None if attempt.classified.subject is None else str(attempt.classified.subject),
        verified=verified,
        reasons=reasons_json(reasons),
    )
