"""What is proven, and what the rules say: the calls between a world and a verdict.

Which evidence there is, and its bytes, come from `EvidenceReader`.

I/O: content store, policy engine, a bounded pool for verification and one for describing what is judged.
Source: DESIGN 2 and 6.
"""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from gateway.access.values import ProjectFacts
from gateway.admission import judgement, parts
from gateway.admission.closure import Closure
from gateway.admission.document import Described, Document, Question, Who, describe, document
from gateway.admission.evidence_reading import EvidenceReader
from gateway.admission.judgement import Errs, Fails, Judgement, NoAnswer
from gateway.admission.values import Trigger
from gateway.catalog.world import ActiveRevision, TagFacts, World
from gateway.content.store import BlobStore
from gateway.errors import BlobUnknown, DocumentInvalid, ManifestInvalid, PolicyInvalid, Reason, SizeInvalid
from gateway.evidence.judge import judge_trust
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import EvidenceObject, EvidenceReport, TrustVerdict
from gateway.evidence.verify import verify_all
from gateway.oci.config import MAX_CONFIG_BYTES
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName
from gateway.policy.engine import PolicyEngine
from gateway.policy.values import PolicyBroken, PolicyFinding, PolicyOutcome, PolicyUnavailable

INLINE_BYTES: Final = 8 * 1024
"""Manifests and configs up to here are described on the event loop: 0.3 ms, where a thread costs 0.2 ms to reach."""

_INLINE_EVIDENCE_BYTES: Final = 64 * 1024  # hashed, decoded and parsed in a millisecond
T = TypeVar("T")


class TrustSource(Protocol):
    """The active trust policy, by revision."""

    async def trust_policy(self, revision: ActiveRevision) -> TrustPolicy | None:
        """Return the trust policy with this digest, None where it is not the active one any more."""
        ...


@dataclass(frozen=True, slots=True)
class EvaluatorSettings:
    """Limits and names. ``registry`` is the public host; ``registry_hosts`` also holds its listed aliases."""

    registry: str
    registry_hosts: frozenset[str]
    policy_seconds: float
    verification_seconds: float


@dataclass(frozen=True, slots=True)
class Proof:
    """What is proven about one subject, and what trust makes of it."""

    report: EvidenceReport
    trust: TrustVerdict


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verdict was made from, for the decision record. ``input_document`` is canonical JSON."""

    findings: tuple[PolicyFinding, ...] = ()
    input_document: bytes | None = None

    @property
    def input_sha256(self) -> str | None:
        """The digest under which the input is stored."""
        return None if self.input_document is None else hashlib.sha256(self.input_document).hexdigest()


@dataclass(slots=True)
class Once:
    """The description of one manifest in one world, made for its first decision and the same for those of its tags."""

    described: Described | None = None
    manifest: Manifest | None = None
    world: World | None = None
    proof: Proof | None = None

    def found(self, case: "Case") -> Described | None:
        """Return the description if it is of this very case: one on somebody else's behalf is."""
        same = self.manifest is case.manifest and self.world is case.world and self.proof is case.proof
        return self.described if same else None

    def keep(self, case: "Case", described: Described) -> None:
        """Keep the description of this case."""
        self.described, self.manifest, self.world, self.proof = described, case.manifest, case.world, case.proof


@dataclass(frozen=True, slots=True)
class Case:
    """One manifest to be judged: its world, what is proven, and on whose behalf."""

    manifest: Manifest
    repository: RepositoryName
    world: World
    closure: Closure
    proof: Proof
    trigger: Trigger
    who: Who
    once: Once = field(default_factory=Once, repr=False, compare=False)

    @property
    def project(self) -> ProjectFacts:
        """The project it is in."""
        return self.world.standing.project


class Evaluator:
    """Asks what is proven, then what the rules say."""

    def __init__(
        self,
        *,
        blobs: BlobStore,
        evidence: EvidenceReader,
        engine: PolicyEngine,
        trust: TrustSource,
        pool: Executor,
        describing: Executor,
        settings: EvaluatorSettings,
    ) -> None:
        self._blobs = blobs
        self._evidence = evidence
        self._engine = engine
        self._trust = trust
        self._pool = pool
        self._describing = describing
        self._settings = settings

    async def prove(
        self,
        subject: Digest,
        repository: RepositoryName,
        world: World,
        *,
        extra: EvidenceObject | None,
        replaced: frozenset[Digest] = frozenset(),
        now: int,
    ) -> Proof | NoAnswer:
        """Return what the stored evidence and ``extra`` prove about ``subject``, under the active trust policy.

        ``extra`` is verified first, then what it would replace: neither waits behind what others have brought.
        """
        policy = TrustPolicy.load({}) if world.trust is None else await self._trust.trust_policy(world.trust)
        if policy is None:
            return NoAnswer("the trust policy was replaced meanwhile", stale=True)
        objects = await self._evidence.stored(subject, world, replaced=replaced)
        if extra is not None:
            objects = [extra, *(found for found in objects if found.manifest.digest != extra.manifest.digest)]
        hosts = self._settings.registry_hosts

        def verify() -> Proof:
            report = verify_all(subject, repository, objects, policy, registry_hosts=hosts, now=now)
            return Proof(report, judge_trust(report, repository, policy, registry_hosts=hosts))

        if not objects:
            return verify()
        return await self._verifying(verify, late="the evidence was not verified in time")

    async def look(self, evidence: EvidenceObject | None, looking: Callable[[], T]) -> T | NoAnswer:
        """Return what ``looking`` at unverified evidence finds, or raise what it raises; long ones on a thread."""
        if evidence is None or sum(len(content) for content in evidence.blobs.values()) <= _INLINE_EVIDENCE_BYTES:
            return looking()
        return await self._verifying(looking, late="the evidence was not read in time")

    async def _verifying(self, work: Callable[[], T], *, late: str) -> T | NoAnswer:
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.wait_for(running, self._settings.verification_seconds)
        except TimeoutError:
            return NoAnswer(late)

    async def judge(self, case: Case, *, now: int) -> tuple[Judgement, Basis]:
        """Return the manifest decision of a case (no tag in the input).

        Where a part is missing that decides it, and no rule is asked; but on behalf of an activation that hides what it
        denies, the rules are asked about what is here of a manifest that was admitted with all its parts.
        """
        decided = judgement.incomplete(case.closure)
        facts = case.world.manifest
        if decided is not None and (case.trigger.hides is None or facts is None or not facts.admitted):
            return decided, Basis()
        outcome, basis = await self._ask(case, tag=None, now=now)
        if isinstance(outcome, Fails | Errs):
            return outcome, basis
        report, trust = case.proof.report, case.proof.trust
        verdict = judgement.combine(closure=case.closure, report=report, trust=trust, policy=outcome)
        if decided is not None and not isinstance(verdict, Fails | NoAnswer):
            return decided, basis
        return verdict, basis

    async def judge_tag(self, case: Case, tag: TagFacts, *, now: int) -> tuple[Judgement, Basis]:
        """Return the tag decision: the rules' verdict on this manifest under this tag, for the tag's requester."""
        outcome, basis = await self._ask(case, tag=tag, now=now)
        if isinstance(outcome, Fails | Errs):
            return outcome, basis
        return judgement.combine_tag(outcome), basis

    async def _ask(self, case: Case, *, tag: TagFacts | None, now: int) -> tuple[PolicyOutcome | Fails | Errs, Basis]:
        if case.world.policy is None:
            return PolicyUnavailable(
                "no policy is active: `registry-gateway policy activate DIR --reason TEXT`"
            ), Basis()
        try:
            described = await self._described(case)
            if described is None:
                return PolicyUnavailable("what the image says of itself was not read in time"), Basis()
            asked = document(
                Question(
                    registry=self._settings.registry,
                    project=case.project,
                    repository=case.repository,
                    trigger=case.trigger,
                    who=case.who,
                    described=described,
                    tag=tag,
                    now=now,
                )
            )
        except parts.TooMuch as refusal:
            return Fails((Reason("CONTENT_LIMIT", refusal.message, "deny"),)), Basis()
        except (ManifestInvalid, DocumentInvalid, PolicyInvalid) as refusal:
            return Fails((Reason("CONTENT_MALFORMED", refusal.message, "deny"),)), Basis()
        except BlobUnknown as lost:
            return PolicyUnavailable(f"{lost.digest} cannot be read"), Basis()
        outcome = await self._evaluate(asked, case.world.policy)
        findings = () if isinstance(outcome, PolicyBroken | PolicyUnavailable) else outcome.findings
        return outcome, Basis(findings, asked.encoded)

    async def _evaluate(self, asked: Document, expected: ActiveRevision) -> PolicyOutcome:
        """Ask the engine. An engine that is not at the catalog's active revision has no say, whatever it would answer."""
        revision = self._engine.revision()
        if revision is None or revision.id != expected.digest:
            return PolicyUnavailable("this worker does not have the active policy revision yet")
        outcome = await self._engine.evaluate(asked.value, deadline_seconds=self._settings.policy_seconds)
        if not isinstance(outcome, PolicyUnavailable) and outcome.revision != expected.digest:
            # It was given another revision while it was asked. The commit would not see that where the catalog's active
            # one was swapped and swapped back.
            return PolicyUnavailable("the policy was replaced while it was asked")
        return outcome

    async def _described(self, case: Case) -> Described | None:
        """Return what every decision of this case says alike: read, parsed and searched for secrets once.

        None where that takes too long. Raises `parts.TooMuch`, before anything is read where the sizes say so already.
        """
        found = case.once.found(case)
        if found is not None:
            return found
        manifests = parts.manifests_of(case.manifest, case.world)
        configs = {}
        declared = parts.config_digests(manifests)
        parts.check_configs(declared)
        for digest, size in declared:
            if size > MAX_CONFIG_BYTES:
                raise ManifestInvalid(f"an image config is at most {MAX_CONFIG_BYTES} bytes", field="config")
            try:
                configs[digest] = await self._blobs.read(digest, max_bytes=size)
            except SizeInvalid:
                raise ManifestInvalid("the config is not as long as it says", field="config") from None
            except BlobUnknown:
                if not case.closure.missing:
                    raise
        # Of what is incomplete, a part that cannot be read is left out: half a part keeps no question from being asked.
        if case.closure.missing:
            manifests = tuple(
                one for one in manifests if all(digest in configs for digest, _ in parts.config_digests((one,)))
            )
            if not manifests or manifests[0].digest != case.manifest.digest:
                raise BlobUnknown(str(case.manifest.digest))
        report, trust = case.proof.report, case.proof.trust

        def make() -> Described:
            return describe(parts.parts(manifests, configs), report, trust)

        length = sum(len(manifest.raw) for manifest in manifests) + sum(len(config) for config in configs.values())
        if length <= INLINE_BYTES and not report.verified:
            made = make()
        else:
            # Megabytes are searched for secrets: not on the event loop, and not where signatures are verified.
            running = asyncio.get_running_loop().run_in_executor(self._describing, make)
            try:
                made = await asyncio.wait_for(running, self._settings.verification_seconds)
            except TimeoutError:
                return None
        case.once.keep(case, made)
        return made
