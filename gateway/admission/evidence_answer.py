"""What the PUT of evidence is told, of itself and of its subject.

Whoever may sign and lets his token read nothing is told of evidence whose subject is here what he would be told of evidence
whose subject never came. Otherwise a token of push alone learns by signing a digest whether it waits here, what is said
against it, and what it lacks.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Evidence", "Answers to a missing right").
"""

from collections.abc import Sequence

from gateway.admission.attempt import Attempt, stored_as
from gateway.admission.evaluator import Proof
from gateway.admission.judgement import Errs, NoAnswer, Passes
from gateway.admission.subject import Rejudged
from gateway.admission.values import Admitted, Held
from gateway.errors import Reason
from gateway.evidence.values import Rejected
from gateway.oci.digest import Digest


def answer(attempt: Attempt, unverified: tuple[Reason, ...], rejudged: Rejudged | None) -> Admitted | Held:
    """Return the answer: ``unverified`` is what is wrong with the evidence, ``rejudged`` the verdict on its subject."""
    told = rejudged if attempt.push.grant.reads else None
    stored = stored_as(attempt, pending=(), decision_id=None if told is None else told.decision_id)
    return Held(stored, unverified) if unverified else Admitted(stored, _still_waiting(told))


def why_unverified(evidence: Digest, proof: Proof) -> tuple[Reason, ...]:
    """Return why nobody trusted has signed in this piece of evidence."""
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
