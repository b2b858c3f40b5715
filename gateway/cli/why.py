"""Decisions told to a person, as a good compiler tells an error: what, where, why, what is missing, what to type.

Pure: no I/O.
Source: INTERFACE 6.
"""

from collections.abc import Iterator, Sequence

from gateway.access.values import Condition
from gateway.admission.remedy import command
from gateway.catalog.values import DecisionRow, ManifestView
from gateway.cli.terminal import when
from gateway.errors import Reason, Severity
from gateway.evidence.values import COSIGN_SIGN
from gateway.oci.strict_json import JsonObject, JsonValue

_STATES = {
    Condition.ADMITTED: "admitted: whoever may pull here sees it",
    Condition.CARRIED: "carried: visible by digest, since a visible index names and judged it",
    Condition.HELD: "held: stored, and not visible to whoever only pulls",
    Condition.DISTRUSTED: "distrusted: a key that its admission rests on was revoked",
    Condition.REVOKED: "revoked: hidden in the whole project",
}


def reasons_of(view: ManifestView, decisions: Sequence[DecisionRow], *, tag: str | None = None) -> tuple[Reason, ...]:
    """Return why a manifest waits, by its newest decision; or, where it is visible, why ``tag`` does by the tag's own.

    A tag's decision is the rules' alone: what trust misses stands in the manifest's.
    """
    asked = tag if view.visible else None
    newest = next((row for row in decisions if row.tag == asked), None)
    return () if newest is None else tuple(_reason(item) for item in _reasons(newest))


def explain(
    view: ManifestView | None, decisions: Sequence[DecisionRow], *, host: str, pushed_by: str | None = None
) -> str:
    """Return the explanation of a manifest's newest decision, and of each tag's.

    ``pushed_by`` is the name of who pushed it; without it, the id is told.
    """
    return "\n".join(line.replace("\n", "\\n") for line in _lines(view, decisions, host=host, pushed_by=pushed_by))


def explain_decision(row: DecisionRow) -> str:
    """Return the explanation of one decision."""
    lines = (f"{row.repository}@{row.digest}", *_decision(row))
    return "\n".join(line.replace("\n", "\\n") for line in lines)


def record_of(view: ManifestView | None, decisions: Sequence[DecisionRow]) -> dict[str, object]:
    """Return the same as data."""
    return {
        "digest": str(view.digest) if view is not None else str(decisions[0].digest),
        "repository": view.repository.text if view is not None else decisions[0].repository.text,
        "state": None if view is None else view.condition.value,
        "visible": view is not None and view.visible,
        "decisions": [decision_record(row) for row in decisions],
    }


def decision_record(row: DecisionRow) -> dict[str, object]:
    """Return one decision as data."""
    return {"id": row.id, "tag": row.tag, "outcome": row.outcome, "at": when(row.at), **row.record}


def _lines(
    view: ManifestView | None, decisions: Sequence[DecisionRow], *, host: str, pushed_by: str | None
) -> Iterator[str]:
    if view is not None:
        yield f"{view.repository}@{view.digest}"
        yield f"  is {_STATES[view.condition]}"
        yield f"  first seen {when(view.created)}, pushed by {pushed_by or view.who}"
    else:
        yield f"{decisions[0].repository}@{decisions[0].digest}"
        yield "  is not stored here: it was refused"
    if not decisions:
        yield "  no decision is recorded about it (evidence and build caches have none)"
        return
    newest = next((row for row in decisions if row.tag is None), None)
    if newest is not None:
        yield ""
        yield from _decision(newest)
    for row in _newest_by_tag(decisions):
        yield ""
        yield from _decision(row)
    if view is not None and not view.visible:
        typed = command(host, view.repository, view.digest, reasons_of(view, decisions), subject=view.subject)
        if typed is not None:
            yield ""
            yield "help: supply what is missing:"
            yield f"    {typed}"


def _decision(row: DecisionRow) -> Iterator[str]:
    subject = "manifest" if row.tag is None else f"tag {row.tag}"
    yield f"{row.outcome}: {subject}, decided {when(row.at)} (decision {row.id})"
    who, trigger = row.record.get("who"), row.record.get("trigger")
    if isinstance(who, dict) and isinstance(trigger, dict):
        yield f"  for {who.get('name')} ({who.get('id')}), because of {trigger.get('kind')}"
    for reason in _reasons(row):
        yield f"  {_severity(reason)}[{reason.get('code')}]: {reason.get('message')}"
        if reason.get("subject"):
            yield f"      --> {reason.get('subject')}"
    yield from _evidence(row)
    yield f"  policy {_short(row.record.get('policy_revision'))}, trust {_short(row.record.get('trust_revision'))}"


def _evidence(row: DecisionRow) -> Iterator[str]:
    evidence = row.record.get("evidence")
    for item in evidence if isinstance(evidence, list) else []:
        if not isinstance(item, dict):
            continue
        if "rejected" in item:
            why = f"{item.get('rejected')}: {item.get('message')}"
            yield f"  evidence {_short(item.get('evidence'))} counts for nothing: {why}"
        else:
            predicate = item.get("predicate_type")
            kind = "signature" if predicate in (None, COSIGN_SIGN) else predicate
            yield f"  proven: {kind} by {item.get('signer_name')} ({item.get('format')}, policy {item.get('policy')})"


def _newest_by_tag(decisions: Sequence[DecisionRow]) -> list[DecisionRow]:
    newest: dict[str, DecisionRow] = {}
    for row in decisions:
        if row.tag is not None:
            newest.setdefault(row.tag, row)
    return [newest[tag] for tag in sorted(newest)]


def _reasons(row: DecisionRow) -> list[JsonObject]:
    reasons = row.record.get("reasons")
    return [item for item in reasons if isinstance(item, dict)] if isinstance(reasons, list) else []


def _reason(item: JsonObject) -> Reason:
    severity = item.get("severity")
    # What a record of another version says of its severity decided nothing here: it waits.
    known: Severity = "deny" if severity == "deny" else "warn" if severity == "warn" else "hold"
    return Reason(str(item.get("code")), str(item.get("message")), known)


def _severity(reason: JsonObject) -> str:
    return {"deny": "error", "hold": "waiting", "warn": "warning"}.get(str(reason.get("severity")), "note")


def _short(value: JsonValue) -> str:
    return str(value)[:19] if value else "none"
