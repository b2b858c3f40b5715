"""What admission decided, told to the client that pushed.

Never 202: oras and notation take it for a failure. What is held was stored, so it is 201, with warnings that say what is
missing and what to type.

Pure: no I/O, no third-party import.
Source: DESIGN 2, the table of outcomes; OCI distribution-spec v1.1.1, "Warnings"; RFC 9111, 5.5.
"""

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from gateway.admission.values import Admitted, Held, Outcome, PolicyErred, Refused, Stored, Unreachable
from gateway.api.answer import NOT_KEPT, Answer, Header
from gateway.api.refusals import denied_detail, missing_detail, one_line, refused, summary
from gateway.errors import Denied, Reason, Unavailable
from gateway.oci.names import RepositoryName

MAX_WARNING_BYTES: Final = 4096
"""Of all warnings of an answer together: the distribution-spec's bound."""
RETRY_AFTER_SECONDS: Final = 5
STATE: Final = "registry-gateway-state"


def put_answer(outcome: Outcome, repository: RepositoryName, *, name_tags: bool) -> Answer:
    """Return the answer to a PUT of a manifest. ``name_tags``: the tags came in the query, so the answer names them."""
    match outcome:
        case Admitted():
            told = list(_admitted_warnings(outcome))
            unverified = (STATE, "unverified") if outcome.unverified else None
            return _stored(outcome.stored, repository, state=unverified, told=told, name_tags=name_tags)
        case Held():
            told = list(_held_warnings(outcome))
            state = (STATE, "distrusted" if outcome.distrusted else "held")
            answer = _stored(outcome.stored, repository, state=state, told=told, name_tags=name_tags)
            return answer.adding(NOT_KEPT)
        case Refused():
            return refused(
                403,
                Denied.code,
                _with_decision(summary(outcome.reasons), outcome.decision_id),
                {
                    **denied_detail(
                        outcome.reasons, decision_id=outcome.decision_id, policy_revision=outcome.policy_revision
                    ),
                    **missing_detail(outcome.reasons, command=outcome.remedy),
                },
            )
        case PolicyErred():
            reason = Reason("POLICY_ERROR", f"the admission policy cannot judge this manifest: {outcome.reason}")
            return refused(
                403,
                Denied.code,
                _with_decision(summary((reason,)), outcome.decision_id),
                denied_detail((reason,), decision_id=outcome.decision_id, policy_revision=outcome.policy_revision),
            )
        case Unreachable():
            return refused(
                503,
                Unavailable.code,
                f"the manifest cannot be judged at this moment, and nothing was stored: {outcome.reason}",
                denied_detail((Reason("ADMISSION_UNAVAILABLE", outcome.reason),)),
                ("retry-after", str(RETRY_AFTER_SECONDS)),
            )
        case _:
            assert_never(outcome)


def decision_id(outcome: Outcome) -> str | None:
    """Return the id under which the decision is found in the audit log."""
    match outcome:
        case Admitted() | Held():
            return outcome.stored.decision_id
        case Refused() | PolicyErred():
            return outcome.decision_id
        case Unreachable():
            return None
        case _:
            assert_never(outcome)


def warnings(texts: Iterable[str]) -> tuple[Header, ...]:
    """Return ``texts`` as Warning headers, as many as fit into `MAX_WARNING_BYTES`; the last may be cut."""
    left = MAX_WARNING_BYTES
    found: list[Header] = []
    for text in texts:
        quoted = _quoted(one_line(text), most=left - len('299 - ""'))
        if not quoted:
            break
        value = f'299 - "{quoted}"'
        found.append(("warning", value))
        left -= len(value)
    return tuple(found)


def _quoted(text: str, *, most: int) -> str:
    """Return ``text`` as the inside of a quoted string of at most ``most`` characters: printable ASCII, escaped."""
    if len(text) <= most and text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text  # Nearly always; the walk below costs a PUT that is held 0.1 ms.
    out: list[str] = []
    size = 0
    for character in text:
        safe = character if " " <= character <= "~" else "?"
        piece = f"\\{safe}" if safe in '"\\' else safe
        size += len(piece)
        if size > most:
            break
        out.append(piece)
    return "".join(out)


def _stored(
    stored: Stored, repository: RepositoryName, *, state: Header | None, told: Iterable[str], name_tags: bool
) -> Answer:
    headers: list[Header] = [
        ("location", f"/v2/{repository}/manifests/{stored.digest}"),
        ("docker-content-digest", str(stored.digest)),
    ]
    if stored.subject is not None:
        headers.append(("oci-subject", str(stored.subject)))
    if name_tags:
        headers.extend(("oci-tag", tag.text) for tag in stored.tags)
    if state is not None:
        headers.append(state)
    return Answer(201, (*headers, *warnings(told)))


def _held_warnings(outcome: Held) -> Iterator[str]:
    yield _with_decision("stored and held: not visible to whoever only pulls", outcome.stored.decision_id)
    for reason in outcome.reasons:
        yield f"{reason.code}: {reason.message}"
    if outcome.remedy is not None:
        yield f"to supply what is missing: {outcome.remedy}"


def _admitted_warnings(outcome: Admitted) -> Iterator[str]:
    if outcome.unverified:
        yield _with_decision("admitted unverified: this project only warns", outcome.stored.decision_id)
    if outcome.stored.pending:
        named = ", ".join(tag.text for tag in outcome.stored.pending)
        yield _with_decision(f"not moved yet, the tags wait: {named}", outcome.stored.decision_id)
    for reason in outcome.warnings:
        yield f"{reason.code}: {reason.message}"


def _with_decision(text: str, decision: str | None) -> str:
    return text if decision is None else f"{text} (decision {decision})"
