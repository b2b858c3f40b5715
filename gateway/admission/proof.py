"""What is proven of an image, as the policy's input says it: the verdict of trust, and the evidence.

``trust`` is what decides, ``evidence.verified`` what is genuine: attestations of any type, and what only policies in warn
mode look at, are in the one and not in the other.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Evidence"), 6 and 7; `gateway.policy` owns the schema.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from gateway.admission.projection import Projection
from gateway.evidence.values import EvidenceReport, Rejected, TrustSatisfied, TrustStaticPass, TrustVerdict, Verified
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.budget import MAX_BUDGET_CANDIDATES, MAX_BUDGET_CHARACTERS, MAX_BUDGET_TEXTS, Budget
from gateway.policy.secrets import mask

MAX_VERIFIED: Final = 200
MAX_REJECTED: Final = 50
MAX_CLAIMS: Final = 64
"""Of one signature (``cosign sign -a``)."""


def trust(verdict: TrustVerdict) -> JsonObject:
    """Return the member ``trust``: what the trust policy says, and what and whose signatures that rests on."""
    if isinstance(verdict, TrustSatisfied):
        return {
            "satisfied": True,
            "static_pass": False,
            "policies": [requirement.policy for requirement in verdict.requirements],
            "signers": list[JsonValue](_signers(verdict)),
            "codes": [],
        }
    if isinstance(verdict, TrustStaticPass):
        return {"satisfied": True, "static_pass": True, "policies": [verdict.policy], "signers": [], "codes": []}
    codes: list[JsonValue] = [reason.code for reason in verdict.reasons]
    return {"satisfied": False, "static_pass": False, "policies": [], "signers": [], "codes": codes}


def _signers(verdict: TrustSatisfied) -> list[str]:
    """Return the keys whose signatures requirements rest on, once each, sorted.

    Told by the key itself, so that one key under two names, or in two files, is one. An attestation is no signature
    (DESIGN 3), and nothing rests on a policy in warn mode.
    """
    return sorted({signer for requirement in verdict.requirements for signer in requirement.signed_by})


def evidence(report: EvidenceReport, verdict: TrustVerdict, projection: Projection, *, room_bytes: int) -> JsonObject:
    """Return the member ``evidence``: what is genuine and what is not, apart, each up to its number.

    Without room, nothing is told, and that is noted whether there was something or not: the size of the input is then the
    same whatever anybody signs. All of it is on a budget: whoever may sign writes what he likes, as often as he
    likes, and an input that is too large for his sake would let nobody else's signature count. What does not fit is left
    out, and named. Each signer has his share of what is searched: what he says masks nobody else's claims.
    """
    if room_bytes <= 0:
        projection.note("evidence.verified")
        projection.note("evidence.rejected")
        return {"verified": [], "rejected": []}
    mine = projection.for_evidence(room_bytes=room_bytes)
    told = _told_first(_told_once(report.verified), verdict)
    if len(told) > MAX_VERIFIED:
        mine.note("evidence.verified")
    signers = {item.signer.id for item in told[:MAX_VERIFIED]}
    budgets = {signer: _share(len(signers)) for signer in signers}
    verified: list[JsonValue] = []
    # Who said something before what else is in it: one signature with many claims must not push out another.
    fitting = [
        (item, entry)
        for item in told[:MAX_VERIFIED]
        if (entry := _entry(item, mine, budgets[item.signer.id])) is not None
    ]
    if len(fitting) < len(told[:MAX_VERIFIED]):
        mine.note("evidence.verified")
    refused = [_rejected(item) for item in report.rejected[:MAX_REJECTED]]
    rejected: list[JsonValue] = [dict(entry) for entry in refused if mine.take(*entry, *entry.values())]
    if len(rejected) < len(report.rejected):
        mine.note("evidence.rejected")
    for number, (item, entry) in enumerate(fitting):
        annotations = _annotations(item, f"evidence.verified[{number}]", mine, budgets[item.signer.id])
        verified.append(entry | {"annotations": annotations})
    return {"verified": verified, "rejected": rejected}


def _share(signers: int) -> Budget:
    return Budget(
        texts=MAX_BUDGET_TEXTS // signers,
        candidates=MAX_BUDGET_CANDIDATES // signers,
        characters=MAX_BUDGET_CHARACTERS // signers,
    )


def _told_first(told: Sequence[Verified], verdict: TrustVerdict) -> Sequence[Verified]:
    """Return what the verdict rests on first, one statement of each signer before his second: nothing pushes it out."""
    if not isinstance(verdict, TrustSatisfied):
        return told
    carriers: dict[str, set[Digest]] = {}
    for requirement in verdict.requirements:
        carriers.setdefault(requirement.policy, set()).update(requirement.evidence)
    said: Counter[tuple[str, str]] = Counter()
    ranked = []
    for item in told:
        carries = item.evidence in carriers.get(item.policy, ())
        said[item.policy, item.signer.id] += carries
        ranked.append((item.policy not in carriers, not carries, said[item.policy, item.signer.id], item))
    return [item for *_, item in sorted(ranked, key=lambda rank: rank[:3])]


def _told_once(verified: Sequence[Verified]) -> Sequence[Verified]:
    """Return each statement as it was first here: whoever repeats it in other manifests must not push out another."""
    first: dict[tuple[Digest, str, str, str], Verified] = {}
    for item in verified:
        key = (item.signed, item.format.value, item.policy, item.authority)
        if key not in first or item.first_seen < first[key].first_seen:
            first[key] = item
    return tuple(first.values())


def _entry(item: Verified, projection: Projection, budget: Budget) -> JsonObject | None:
    """Return what is said of one statement without its annotations, or None where that does not fit."""
    said = mask(texts={} if item.predicate_type is None else {"type": item.predicate_type}, budget=budget).texts
    entry: JsonObject = {
        "evidence": str(item.evidence),
        "format": item.format.value,
        "signer": item.signer.id,
        "signer_name": item.signer.name,
        "authority": item.authority,
        "policy": item.policy,
        "predicate_type": said.get("type"),
        "first_seen": item.first_seen,
    }
    texts = [
        *entry,
        "annotations",
        str(item.first_seen),
        *(value for value in entry.values() if isinstance(value, str)),
    ]
    return entry if projection.take(*texts) else None


def _annotations(item: Verified, where: str, projection: Projection, budget: Budget) -> JsonObject:
    """Return as many of what the signature says itself as fit."""
    # Masked and no finding: what a signer says is not what the image says of itself, and must not deny it.
    scalars = {
        name: value
        for name, value in sorted(item.annotations.items())[:MAX_CLAIMS]
        if value is None or isinstance(value, bool | int | str)
    }
    written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in scalars.items()}
    masked = mask(annotations=written, budget=budget).annotations
    whole = len(scalars) == len(item.annotations) and not (scalars and budget.spent)
    kept = projection.texts(masked, f"{where}.annotations", whole=whole)
    return {
        shown: scalars[name] if kept[shown] == text else kept[shown]
        for shown, (name, text) in zip(masked, written.items(), strict=True)
        if shown in kept
    }


def _rejected(item: Rejected) -> dict[str, str]:
    return {"evidence": str(item.evidence), "code": item.code.value}
