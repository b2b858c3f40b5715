"""From a report on evidence to a verdict: is the trust policy satisfied, and by whom?

Every matching policy in ``mode: enforce`` must pass, each by any of its authorities. A policy in ``mode: warn`` is
reported on and decides nothing, not even that a repository has a policy: what is admitted without proof is for the
project's own mode to say, where it is marked and audited.

Pure: no I/O, no third-party import.
Source: DESIGN 2 ("Admission needs both"), 3 and 6; sigstore policy-controller v0.15 for how policies combine.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.errors import Reason, Severity
from gateway.evidence.authorities import ImagePolicy, KeyAuthority
from gateway.evidence.limits import MAX_REQUIREMENT_SIGNERS
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import (
    EvidenceFormat,
    EvidenceReport,
    Rejected,
    RejectionCode,
    Requirement,
    SignerIdentity,
    TrustSatisfied,
    TrustStaticPass,
    TrustUnsatisfied,
    TrustVerdict,
    Verified,
)
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

NO_TRUST_POLICY: Final = "NO_TRUST_POLICY"
SIGNATURE_MISSING: Final = "SIGNATURE_MISSING"
SIGNER_UNTRUSTED: Final = "SIGNER_UNTRUSTED"
ATTESTATION_MISSING: Final = "ATTESTATION_MISSING"
TRUST_STATIC_FAIL: Final = "TRUST_STATIC_FAIL"

_SIGNATURE_FORMATS: Final = (EvidenceFormat.COSIGN_SIGNATURE, EvidenceFormat.SIGSTORE_BUNDLE)
_WRONG_SIGNER: Final = frozenset(
    {
        RejectionCode.NO_MATCHING_KEY,
        RejectionCode.UNSUPPORTED_CERTIFICATE,
        RejectionCode.REPOSITORY_MISMATCH,
        RejectionCode.FORMAT_NOT_ALLOWED,
    }
)
_MAX_NAMES: Final = 3


def judge_trust(
    report: EvidenceReport, repository: RepositoryName, trust: TrustPolicy, *, registry_hosts: frozenset[str]
) -> TrustVerdict:
    """Return whether ``trust`` is satisfied for ``repository`` by what ``report`` found verified.

    ``report`` is that of `verify_all` for the same repository, policy and hosts.
    """
    requirements: list[Requirement] = []
    static_passes: list[str] = []
    reasons: list[Reason] = []
    warnings: list[Reason] = []
    policies = trust.matching(repository, registry_hosts=registry_hosts)
    for policy in policies:
        if policy.passes_always:
            if policy.enforce:
                static_passes.append(policy.name)
        elif carriers := tuple(_carriers(policy, report)):
            if policy.enforce:
                requirements.append(_requirement(len(requirements), policy.name, carriers))
        else:
            (reasons if policy.enforce else warnings).append(_why_not(policy, report))
    if not any(policy.enforce for policy in policies):
        return TrustUnsatisfied((_no_policy(repository, policies), *warnings))
    if reasons:
        return TrustUnsatisfied((*reasons, *warnings))
    if requirements:
        return TrustSatisfied(tuple(requirements), tuple(warnings))
    return TrustStaticPass(static_passes[0], tuple(warnings))


def _carriers(policy: ImagePolicy, report: EvidenceReport) -> Iterator[Verified]:
    """Return the verified evidence by which authorities of ``policy`` pass; none where none passes."""
    for authority in policy.keys:
        mine = [each for each in report.verified if (each.policy, each.authority) == (policy.name, authority.name)]
        if not authority.attestations:
            yield from (each for each in mine if each.is_signature)
            continue
        made = [each for each in mine if not each.is_signature]
        wanted = {requirement.predicate_type for requirement in authority.attestations}
        if wanted <= {each.predicate_type for each in made}:
            yield from (each for each in made if each.predicate_type in wanted)


def _requirement(slot: int, policy: str, carriers: Sequence[Verified]) -> Requirement:
    """Return the requirement that ``carriers`` carry; of more signers than are kept, those seen first are."""
    ordered = sorted(carriers, key=lambda each: (each.first_seen, each.signer.id, str(each.evidence)))
    signers: dict[str, SignerIdentity] = {}
    evidence: dict[Digest, None] = {}
    for each in ordered:
        if each.signer.id not in signers and len(signers) == MAX_REQUIREMENT_SIGNERS:
            continue
        signers.setdefault(each.signer.id, each.signer)
        evidence[each.evidence] = None
    signed_by = dict.fromkeys(each.signer.id for each in ordered if each.is_signature and each.signer.id in signers)
    return Requirement(slot, policy, tuple(signers.values()), tuple(evidence), tuple(signed_by))


def _why_not(policy: ImagePolicy, report: EvidenceReport) -> Reason:
    """Return why ``policy`` does not pass, in the terms of what would make it pass."""
    if not policy.keys:
        message = f"trust policy {policy.name} lets nothing pass"
        return Reason(TRUST_STATIC_FAIL, message, "deny" if policy.enforce else "warn")
    severity: Severity = "hold" if policy.enforce else "warn"
    signers = [authority for authority in policy.keys if not authority.attestations]
    if not signers:
        return Reason(ATTESTATION_MISSING, _missing_attestations(policy, report), severity)
    wrong = next((each for each in report.rejected if _is_foreign_signature(each)), None)
    if wrong is not None or any(each.is_signature for each in report.verified):
        message = f"trust policy {policy.name} wants a signature by {_names(signers)}, and none of those here counts"
        return Reason(SIGNER_UNTRUSTED, message + _detail(wrong), severity)
    message = f"trust policy {policy.name} wants a signature by {_names(signers)}, and there is none"
    return Reason(SIGNATURE_MISSING, message + _detail(next(iter(report.rejected), None)), severity)


def _is_foreign_signature(rejected: Rejected) -> bool:
    """Return whether this may be a signature, by somebody or in a way that is not trusted here."""
    return rejected.code in _WRONG_SIGNER and rejected.format in _SIGNATURE_FORMATS


def _missing_attestations(policy: ImagePolicy, report: EvidenceReport) -> str:
    authority = policy.keys[0]
    there = {
        each.predicate_type
        for each in report.verified
        if (each.policy, each.authority) == (policy.name, authority.name) and not each.is_signature
    }
    missing = [each.predicate_type for each in authority.attestations if each.predicate_type not in there]
    return f"trust policy {policy.name} wants attestations by {_names([authority])}; missing: {', '.join(missing)}"


def _no_policy(repository: RepositoryName, policies: Sequence[ImagePolicy]) -> Reason:
    if policies:
        names = ", ".join(policy.name for policy in policies[:_MAX_NAMES])
        message = f"only policies in warn mode ({names}) match {repository}, and those admit nothing"
    else:
        message = f"no trust policy says who may sign for {repository}"
    return Reason(NO_TRUST_POLICY, message, "hold")


def _names(authorities: Sequence[KeyAuthority]) -> str:
    names = [authority.signer.name for authority in authorities]
    rest = len(names) - _MAX_NAMES
    return " or ".join(names[:_MAX_NAMES]) + (f" or {rest} more" if rest > 0 else "")


def _detail(rejected: Rejected | None) -> str:
    return "" if rejected is None else f" ({rejected.code}: {rejected.message})"
