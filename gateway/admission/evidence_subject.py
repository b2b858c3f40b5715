"""Whether evidence that is here may be kept as being about another subject than it is kept for.

A classic signature takes its subject from the tag that it is put under, so the same bytes can be put under the tags of two
digests. Somebody who may sign and no more could put another's signature under a wrong tag first: its true subject would be
admitted on evidence that is kept for a digest that never comes, and expires with it. So its subject is what its payload
names: a later PUT corrects a wrong one, and cannot make a right one wrong.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Evidence"); cosign specs/SIGNATURE_SPEC.md, "Tag-based discovery".
"""

from gateway.catalog.values import ManifestClass
from gateway.catalog.world import ManifestFacts
from gateway.errors import Reason
from gateway.evidence.content import parse_content
from gateway.evidence.values import EvidenceClaim, EvidenceObject
from gateway.evidence.verify import names_subject


def other_subject(stored: ManifestFacts | None, claim: EvidenceClaim, evidence: EvidenceObject | None) -> Reason | None:
    """Return why bytes that are here as evidence are not taken as evidence of ``claim.subject``; None where they are.

    ``evidence`` is None where one of its layers is not here for the caller: then nobody can say what it names. Raises
    `ManifestInvalid` for evidence that does not read as its format.
    """
    if evidence is not None:
        parse_content(evidence)
    if stored is None or stored.cls is not ManifestClass.EVIDENCE or stored.subject == claim.subject:
        return None
    if stored.verified:
        return _refusal(f"these bytes are verified evidence of {stored.subject}, and of nothing else")
    if evidence is None or not names_subject(evidence):
        return _refusal(f"these bytes are kept as evidence of {stored.subject}, and no layer names {claim.subject}")
    return None


def _refusal(message: str) -> Reason:
    return Reason("EVIDENCE_SUBJECT", message, "deny")
