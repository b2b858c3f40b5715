"""From candidates to facts: what of the evidence for a subject is verified, and by which authority.

The order in `_judge_object` is the security argument: size and form of all of it, then the signatures over the very bytes
that are stored, and only then what the payloads say, held against the subject at hand. A verifier that fails in any way has
verified nothing, and so has one to which a single layer, or the config, is no evidence: what one layer verifies shows all.

Pure: no I/O, no third-party import.
Source: DESIGN 6; cosign specs/SIGNATURE_SPEC.md, "Verification"; in-toto attestation v1, "Validation".
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from gateway.errors import DigestInvalid
from gateway.evidence import content, signed_identity, simple_signing, statement
from gateway.evidence.authorities import KeyAuthority
from gateway.evidence.content import LayerReader, UnverifiedLayer
from gateway.evidence.keys import HashName
from gateway.evidence.limits import (
    MAX_OBJECT_VERIFICATIONS,
    MAX_SHARE_VERIFICATIONS,
    MAX_SIGNATURE_DOCUMENT_BYTES,
    MAX_STATEMENT_NODES,
    MAX_VERIFICATIONS,
)
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import (
    EvidenceFormat,
    EvidenceObject,
    EvidenceReport,
    Refused,
    Rejected,
    RejectionCode,
    Verified,
)
from gateway.oci import strict_json
from gateway.oci.descriptor import Descriptor
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject

_Result: TypeAlias = Verified | Rejected


@dataclass(frozen=True, slots=True)
class _Voice:
    """An authority, and the policy in whose name it speaks."""

    policy: str
    authority: KeyAuthority


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a payload says, read after its signature; ``docker_reference`` is None where the format has none."""

    predicate_type: str | None
    statement: JsonObject | None
    annotations: JsonObject
    docker_reference: str | None


@dataclass(slots=True)
class _Evaluation:
    """What one evaluation is about, and how many signature checks are left to it."""

    subject: Digest
    repository: RepositoryName
    registry_hosts: frozenset[str]
    voices: tuple[_Voice, ...]
    spent: Counter[str] = field(default_factory=Counter)

    def spend(self, evidence: EvidenceObject) -> None:
        """Count one signature check of ``evidence``. Raises `Refused` once it, its share or its group had all they may."""
        known = evidence.share is None
        limits = (
            ("verified before" if known else "the rest", MAX_VERIFICATIONS, "for a subject"),
            *(
                ()
                if known
                else ((f"share {evidence.share}", MAX_SHARE_VERIFICATIONS, "of what one principal brought"),)
            ),
            (str(evidence.manifest.digest), MAX_OBJECT_VERIFICATIONS, "of one manifest"),
        )
        for name, limit, whose in limits:
            if self.spent[name] >= limit:
                raise Refused(RejectionCode.LIMIT_EXCEEDED, f"more than {limit} signature checks {whose}")
        self.spent.update(name for name, _, _ in limits)


def verify_all(
    subject: Digest,
    repository: RepositoryName,
    evidence: Sequence[EvidenceObject],
    trust: TrustPolicy,
    *,
    registry_hosts: frozenset[str],
    now: int,
) -> EvidenceReport:
    """Return every piece of ``evidence`` as verified or rejected for ``subject`` in ``repository``, tried in its order.

    ``registry_hosts`` are the names of this registry, ``host`` or ``host:port``. ``now`` is in seconds since the epoch;
    a key has no validity window, so nothing that is verified by key alone depends on it. Never raises for anything that
    is in the evidence.
    """
    voices = tuple(
        _Voice(policy.name, authority)
        for policy in trust.matching(repository, registry_hosts=registry_hosts)
        for authority in policy.keys
    )
    evaluation = _Evaluation(subject, repository, registry_hosts, voices)
    results: list[_Result] = []
    for candidate in evidence:
        results += _guarded(candidate, None, partial(_judge_object, evaluation, candidate))
    return EvidenceReport(
        tuple(result for result in results if isinstance(result, Verified)),
        tuple(result for result in results if isinstance(result, Rejected)),
    )


def names_subject(evidence: EvidenceObject) -> bool:
    """Return whether a layer says, signed by nobody in particular, that it is about the subject that is claimed for it.

    A statement is read up to the ordinary number of values: nobody has signed it, and who asks serves others meanwhile.
    """
    layers = LayerReader(evidence)

    def claimed(descriptor: Descriptor) -> bool:
        try:
            _read_claims(
                evidence.claim.subject,
                evidence.claim.format,
                layers.read(descriptor),
                max_nodes=strict_json.MAX_NODES,
            )
        except Refused:
            return False
        return True

    return any(
        claimed(descriptor) for descriptor in {layer.digest: layer for layer in evidence.manifest.layers}.values()
    )


def _guarded(
    evidence: EvidenceObject, layer: Digest | None, judge: Callable[[], Iterator[_Result]]
) -> tuple[_Result, ...]:
    """Return what ``judge`` finds; whatever it raises is a rejection, and what it found before that does not count."""
    try:
        return tuple(judge())
    except Refused as refused:
        code, message = refused.code, refused.message
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as surprise:  # a panic in a Rust extension is no `Exception` (CVE-2026-44310 is a panic)
        code, message = RejectionCode.SURPRISE, f"the verifier failed: {type(surprise).__name__}"
    return (Rejected(evidence.manifest.digest, layer, code, message, evidence.claim.format),)


def _judge_object(evaluation: _Evaluation, evidence: EvidenceObject) -> Iterator[_Result]:
    _check_claim(evaluation.subject, evidence.claim.subject)
    content.check_size(evidence)
    content.check_config(evidence)
    reader, layers = LayerReader(evidence), list[tuple[Descriptor, UnverifiedLayer]]()
    faults: list[_Result] = []
    for descriptor in evidence.manifest.layers:
        faults += _guarded(evidence, descriptor.digest, partial(_read_into, layers, reader, descriptor))
    if faults:
        yield from faults
        return
    for descriptor, layer in layers:
        yield from _guarded(evidence, descriptor.digest, partial(_judge_layer, evaluation, evidence, descriptor, layer))


def _read_into(
    layers: list[tuple[Descriptor, UnverifiedLayer]], reader: LayerReader, descriptor: Descriptor
) -> Iterator[_Result]:
    layers.append((descriptor, reader.read(descriptor)))
    yield from ()


def _check_claim(subject: Digest, claimed: Digest) -> None:
    """Raise `Refused` unless the evidence is attached to ``subject`` by its SHA-256: no format binds anything else."""
    if subject.algorithm != "sha256" or claimed.algorithm != "sha256":
        raise Refused(RejectionCode.DIGEST_ALGORITHM, "evidence binds its subject by SHA-256 only")
    if claimed != subject:
        raise Refused(RejectionCode.DIGEST_MISMATCH, f"attached to {claimed}")


def _judge_layer(
    evaluation: _Evaluation, evidence: EvidenceObject, descriptor: Descriptor, layer: UnverifiedLayer
) -> Iterator[_Result]:
    voices = _who_signed(evaluation, evidence, layer)
    if not voices:
        raise _nobody(layer)
    claims = _read_claims(evaluation.subject, evidence.claim.format, layer, max_nodes=MAX_STATEMENT_NODES)
    signed = Digest.of(layer.signed)
    for voice in voices:
        try:
            _check_terms(evaluation, evidence.claim.format, voice, claims)
        except Refused as refused:
            message = f"policy {voice.policy}, authority {voice.authority.name}: {refused.message}"
            yield Rejected(evidence.manifest.digest, descriptor.digest, refused.code, message, evidence.claim.format)
        else:
            yield Verified(
                evidence=evidence.manifest.digest,
                layer=descriptor.digest,
                signed=signed,
                format=evidence.claim.format,
                signer=voice.authority.signer,
                authority=voice.authority.name,
                policy=voice.policy,
                predicate_type=claims.predicate_type,
                statement=claims.statement,
                annotations=claims.annotations,
                first_seen=evidence.first_seen,
            )


def _who_signed(evaluation: _Evaluation, evidence: EvidenceObject, layer: UnverifiedLayer) -> tuple[_Voice, ...]:
    """Return the authorities whose key made one of the layer's signatures over the layer's own bytes.

    A key that several policies name is tried once for each set of hashes.
    """
    answers: dict[tuple[bytes, tuple[HashName, ...]], bool] = {}
    found = []
    for voice in evaluation.voices:
        key, hashes = voice.authority.key, voice.authority.hashes(evidence.claim.format)
        if (key.spki, hashes) not in answers:
            answers[key.spki, hashes] = False
            for signature in layer.signatures:
                evaluation.spend(evidence)
                if key.made(signature, layer.signed, hashes=hashes):
                    answers[key.spki, hashes] = True
                    break
        if answers[key.spki, hashes]:
            found.append(voice)
    return tuple(found)


def _nobody(layer: UnverifiedLayer) -> Refused:
    if layer.certified:
        return Refused(
            RejectionCode.UNSUPPORTED_CERTIFICATE, "made with a certificate (keyless), which is not verified yet"
        )
    return Refused(RejectionCode.NO_MATCHING_KEY, "made by none of the keys that are trusted for this repository")


def _read_claims(subject: Digest, form: EvidenceFormat, layer: UnverifiedLayer, *, max_nodes: int) -> _Claims:
    """Return what the payload says about ``subject``. Raises `Refused` where it says nothing about it."""
    if form is EvidenceFormat.COSIGN_SIGNATURE:
        payload = simple_signing.parse(layer.payload)
        _check_manifest_digest(payload.manifest_digest, subject)
        return _Claims(None, None, payload.optional, payload.docker_reference)
    said = statement.parse(layer.payload, max_nodes=max_nodes)
    if said.is_signature:
        if form is not EvidenceFormat.SIGSTORE_BUNDLE:
            raise Refused(RejectionCode.UNSUPPORTED_CONTENT, "a plain signature in the form of an attestation")
        if layer.size_bytes > MAX_SIGNATURE_DOCUMENT_BYTES:
            raise Refused(
                RejectionCode.LIMIT_EXCEEDED, f"a signature is larger than {MAX_SIGNATURE_DOCUMENT_BYTES} bytes"
            )
    return _Claims(said.predicate_type, said.document, said.annotations_for(subject), None)


def _check_manifest_digest(text: str, subject: Digest) -> None:
    try:
        signed = Digest.parse(text)
    except DigestInvalid as invalid:
        raise Refused(RejectionCode.PAYLOAD_MALFORMED, f"docker-manifest-digest: {invalid.reason}") from None
    if signed.algorithm != "sha256":
        raise Refused(RejectionCode.DIGEST_ALGORITHM, f"signed for {signed.algorithm}, and only sha256 counts")
    if signed != subject:
        raise Refused(RejectionCode.DIGEST_MISMATCH, f"signed for {signed}")


def _check_terms(evaluation: _Evaluation, form: EvidenceFormat, voice: _Voice, claims: _Claims) -> None:
    """Raise `Refused` where the authority does not take this: another format, or signed for another repository."""
    wanted = voice.authority.signature_format
    if not wanted.allows(form):
        raise Refused(RejectionCode.FORMAT_NOT_ALLOWED, f"{form} where signatureFormat is {wanted}")
    if claims.docker_reference is not None:
        signed_identity.check(
            claims.docker_reference,
            voice.authority.signed_identity,
            repository=evaluation.repository,
            registry_hosts=evaluation.registry_hosts,
            subject=evaluation.subject,
        )
