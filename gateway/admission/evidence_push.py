"""The PUT of evidence: a signature, an attestation, or the fallback index that lists them.

Its subject is judged again in the same transaction, *before* the 201 is sent: `cosign sign && kubectl apply` never races.

I/O: through the evaluator and the store.
Source: DESIGN 2 ("Evidence for a held or distrusted subject"), 3 ("Evidence arrives", "Evidence").
"""

from dataclasses import dataclass
from functools import partial

from gateway.admission.attempt import Attempt, over_quota, put, refuse, stored_as, write
from gateway.admission.classify import Classified
from gateway.admission.closure import closure, revoked, world_key
from gateway.admission.evaluator import Basis, Proof
from gateway.admission.evidence_answer import answer, why_unverified
from gateway.admission.evidence_subject import other_subject
from gateway.admission.fallback import oversized, subject_of
from gateway.admission.judgement import Fails, NoAnswer
from gateway.admission.records import event, reasons_json
from gateway.admission.repeats import said_before, said_in
from gateway.admission.rights import check_put, present
from gateway.admission.subject import Rejudged, is_relied_on, rejudge, stands, verification
from gateway.admission.tags import dropped_as_evidence
from gateway.admission.tools import STALE, Stale, Tools, unanswered
from gateway.admission.values import Admitted, Outcome, Push, Trigger, TriggerKind
from gateway.audit.events import EventKind
from gateway.catalog.effects import Effect, EnqueueWork, MoveTag, RecordVerified
from gateway.catalog.evidence_order import repeats
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import EvidenceFacts, World, WorldKey
from gateway.errors import ManifestInvalid, NameUnknown, Reason
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
    if refusals := _forbidden(attempt):
        return await refuse(tools, attempt, Fails(refusals), Basis(), None)
    parts = closure(attempt.world)
    if parts.refusals:
        # Every limit below goes by the lengths that the manifest says.
        return await refuse(tools, attempt, Fails(parts.refusals), Basis(), None)
    subject = await _subject(tools, attempt, claim.subject)
    if isinstance(subject, Stale):
        return subject
    evidence = None
    if not parts.missing:
        first_seen = attempt.now if attempt.world.manifest is None else attempt.world.manifest.first_seen
        evidence = await tools.evidence.read(manifest, claim, first_seen=first_seen)
    elsewhere = await tools.evaluator.look(evidence, partial(other_subject, attempt.world.manifest, claim, evidence))
    if isinstance(elsewhere, NoAnswer):
        return unanswered(elsewhere)
    if elsewhere is not None:
        return await refuse(tools, attempt, Fails((elsewhere,)), Basis(), None)
    proof = await tools.evaluator.prove(
        claim.subject,
        push.grant.repository,
        subject.world,
        extra=evidence,
        replaced=frozenset(facts.target for facts in attempt.world.tags if facts.target is not None),
        now=attempt.now,
    )
    if isinstance(proof, NoAnswer):
        return unanswered(proof)
    verified = verification(manifest, claim.subject, subject.world, proof)
    told = said_before(manifest.digest, subject.world.evidence, proof.report)
    refusal = _stripped(attempt, subject.world, proof)
    if refusal is None and said_in(proof.report, manifest.digest) <= told and not _begins_tag(attempt, verified):
        refusal = _crowded(tools, attempt, subject.world) or over_quota(attempt)
    if refusal is not None:
        return await refuse(tools, attempt, Fails((refusal,)), Basis(), proof)
    if evidence is None:
        return await _commit(tools, attempt, subject, None, parts.reasons, None)
    rejudged = await _rejudged(tools, attempt, subject, proof)
    if isinstance(rejudged, NoAnswer):
        return unanswered(rejudged)
    reasons = () if verified is not None else why_unverified(manifest.digest, proof)
    return await _commit(tools, attempt, subject, verified, reasons, rejudged)


async def put_fallback(tools: Tools, push: Push, manifest: Manifest, classified: Classified) -> Outcome | Stale:
    """Keep a referrers-tag index whose every entry is evidence of its subject; refuse any other under that tag."""
    attempt = await _attempt(tools, push, manifest, classified)
    if refusals := _forbidden(attempt):
        return await refuse(tools, attempt, Fails(refusals), Basis(), None)
    # Breadth first: what an entry names itself is not evidence, and the entry has been refused before that is reached.
    for child in attempt.world.children:
        if (
            not child.present
            or child.cls is not ManifestClass.EVIDENCE
            or subject_of(child.body, child.media_type) != classified.subject
        ):
            message = f"{child.digest} is not evidence of {classified.subject}: this tag lists evidence only"
            invalid = Reason("FALLBACK_INVALID", message, "deny", str(child.digest))
            return await refuse(tools, attempt, Fails((invalid,)), Basis(), None)
    # A list of something is bounded by what it lists, and must not keep a signature from what waits for it.
    if (refusal := oversized(manifest) or (None if manifest.manifests else over_quota(attempt))) is not None:
        return await refuse(tools, attempt, Fails((refusal,)), Basis(), None)
    tags: tuple[Effect, ...] = tuple(MoveTag(tag, manifest.digest, attempt.alias) for tag in classified.metadata_tags)
    effects = (put(attempt, closure(attempt.world), held=False), *dropped_as_evidence(attempt), *tags, _kept(attempt))
    if not await write(tools, attempt, effects):
        return STALE
    return Admitted(stored_as(attempt, pending=(), decision_id=None))


async def _attempt(tools: Tools, push: Push, manifest: Manifest, classified: Classified) -> Attempt:
    """Read the world of the evidence manifest and check the caller's right."""
    if len(manifest.raw) > tools.settings.max_evidence_manifest_bytes:
        raise ManifestInvalid(f"a manifest of evidence is at most {tools.settings.max_evidence_manifest_bytes} bytes")
    key = world_key(
        manifest,
        repository=push.grant.repository,
        caller=push.grant.principal.id,
        tags=classified.metadata_tags,
        pushing=True,
        reads=push.grant.reads,
        session=push.session,
    )
    now = tools.now()
    world = await tools.store.read_world(key, now=now)
    if world is None:
        raise NameUnknown(f"no project claims {push.grant.repository}")
    check_put(present(push.grant, world.standing), cls=classified.cls, overwriting=())
    return Attempt(push, manifest, classified, key, world, now)


def _forbidden(attempt: Attempt) -> tuple[Reason, ...]:
    """Return why these bytes are not taken as evidence here, whatever they say."""
    if refusals := revoked(attempt.world):
        return refusals
    if is_relied_on(attempt.world.manifest):
        message = (
            "these bytes are admitted here as an image or as a part of one: they are not taken as evidence as well"
        )
        return (Reason("ADMITTED_AS_IMAGE", message, "deny"),)
    return ()


async def _subject(tools: Tools, attempt: Attempt, digest: Digest) -> Subject | Stale:
    """Read the subject with its world; an orphan's world says that there is none, and the commit holds it to that."""
    repository, caller = attempt.key.repository, attempt.key.caller
    view = await tools.manifests.by_digest(repository, digest, now=attempt.now, with_body=True)
    manifest, key = None, WorldKey(repository=repository, caller=caller, digest=digest)
    if view is not None and view.body is not None:
        manifest = Manifest.parse_stored(view.body, media_type=view.media_type)
        key = world_key(manifest, repository=repository, caller=caller, tags=())
    world = await tools.store.read_world(key, now=attempt.now)
    if world is None or (world.manifest is None) != (manifest is None):
        return STALE
    return Subject(manifest, key, world)


async def _rejudged(tools: Tools, attempt: Attempt, subject: Subject, proof: Proof) -> Rejudged | NoAnswer | None:
    """Judge the subject again where evidence can change anything; None where it cannot.

    A subject that stands needs no engine. Its waiting tags do, which may want just this attestation: where the engine does
    not answer, they are left to the background. So is a subject that the caller is told nothing of.
    """
    facts, repository = subject.world.manifest, attempt.key.repository
    if subject.manifest is None or facts is None or facts.cls is not ManifestClass.IMAGE:
        return None
    digest = subject.manifest.digest
    if stands(facts) and all(tag.pending != digest for tag in subject.world.tags):
        return None
    trigger, world = Trigger(TriggerKind.EVIDENCE, attempt.push.grant.principal.id), subject.world
    rejudged = await rejudge(tools, subject.manifest, repository, world, proof=proof, trigger=trigger, now=attempt.now)
    if isinstance(rejudged, NoAnswer) and (stands(facts) or not (attempt.push.grant.reads or rejudged.stale)):
        data = {"repository": repository.text, "digest": str(digest), "kind": TriggerKind.EVIDENCE.value}
        later = EnqueueWork("reevaluate", f"{repository}@{digest}", data, attempt.now)
        return Rejudged(rejudged, (later,), (), None)
    return rejudged


async def _commit(
    tools: Tools,
    attempt: Attempt,
    subject: Subject,
    verified: RecordVerified | None,
    unverified: tuple[Reason, ...],
    rejudged: Rejudged | None,
) -> Outcome | Stale:
    tags = tuple(MoveTag(tag, attempt.manifest.digest, attempt.alias) for tag in attempt.classified.metadata_tags)
    known = _stored(attempt, subject.world)
    # What was verified once stays so, and has no clock while its subject is here: an admission may rest on it, also when
    # a key has gone since. Of a subject that never comes it ends as anything else that waits.
    waits = verified is None and (known is None or not known.signed)
    effects: list[Effect] = [
        put(attempt, closure(attempt.world), held=waits, clock=waits or subject.manifest is None),
        *(() if verified is None else (verified,)),
        *dropped_as_evidence(attempt),
        *tags,
        _kept(attempt, verified=verified is not None, reasons=unverified),
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
    return answer(attempt, unverified, rejudged)


def _stripped(attempt: Attempt, subject: World, proof: Proof) -> Reason | None:
    """Return a refusal where this PUT would take a verified signature away from the evidence tag it replaces."""
    kept = said_in(proof.report, attempt.manifest.digest)
    for facts in attempt.world.tags:
        if facts.target is None or all(facts.target != evidence.digest for evidence in subject.evidence):
            continue
        if said_in(proof.report, facts.target) - kept:
            message = f"tag {facts.tag} has a verified signature that this manifest drops: fetch it and add to it"
            return Reason("EVIDENCE_STRIPPED", message, "deny")
    return None


def _begins_tag(attempt: Attempt, verified: RecordVerified | None) -> bool:
    """Return whether this is verified, and the first that was ever put under its evidence tag.

    Whoever finds signatures by tag needs it there, also where somebody has put what it says elsewhere before.
    """
    wanted = attempt.classified.metadata_tags
    return verified is not None and bool(wanted) and all(attempt.facts(tag).generation == 0 for tag in wanted)


def _crowded(tools: Tools, attempt: Attempt, subject: World) -> Reason | None:
    """Return why one more piece is not kept that nobody trusted has signed, or that repeats what is verified here.

    One principal fills a quarter of a subject's room at most: whoever else signs later has some left.
    """
    if _stored(attempt, subject) is not None:
        return None
    principal = attempt.push.grant.principal
    repeated = repeats(subject.evidence)
    more = [facts.who for facts in subject.evidence if not facts.signed or facts.digest in repeated]
    own, settings = more.count(principal.id), tools.settings
    if own >= settings.max_unverified_evidence_of_one:
        message = (
            f"{principal.name} has pushed {own} pieces of evidence of its subject already that prove nothing new: "
            f"at most {settings.max_unverified_evidence_of_one} of one principal"
        )
        return Reason("EVIDENCE_LIMIT", message, "deny")
    if len(more) >= settings.max_unverified_evidence:
        message = (
            f"its subject has {len(more)} pieces of evidence already that prove nothing new: "
            f"at most {settings.max_unverified_evidence} of one subject"
        )
        return Reason("EVIDENCE_LIMIT", message, "deny")
    return None


def _stored(attempt: Attempt, subject: World) -> EvidenceFacts | None:
    """Return what is known of this evidence, where it is here already."""
    return next((facts for facts in subject.evidence if facts.digest == attempt.manifest.digest), None)


def _kept(attempt: Attempt, *, verified: bool = True, reasons: tuple[Reason, ...] = ()) -> Effect:
    return event(
        EventKind.EVIDENCE_STORED,
        principal=attempt.push.grant.principal.id,
        digest=attempt.manifest.digest,
        subject=None if attempt.classified.subject is None else str(attempt.classified.subject),
        verified=verified,
        reasons=reasons_json(reasons),
    )
