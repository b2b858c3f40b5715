"""`image`: what a manifest is, why, and asking again."""

import asyncio
from typing import Annotated

import typer

from gateway.admission.values import Admitted, Held, Outcome, PolicyErred, Refused, TriggerKind, Unreachable
from gateway.app import Parts, unix_now
from gateway.catalog.values import ManifestView
from gateway.cli.context import context_of, operator
from gateway.cli.references import ImageReference
from gateway.cli.terminal import when
from gateway.cli.typed import typed
from gateway.cli.why import explain, reasons_of, record_of
from gateway.errors import Denied, ManifestUnknown, Reason, Unavailable
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName

image = typer.Typer(no_args_is_help=True, help="Manifests: what they are, and why.")

MAX_DECISIONS = 50
WAIT_PAUSE_SECONDS = 0.25


async def find(parts: Parts, reference: ImageReference) -> ManifestView:
    """Return the manifest that a reference names; of a tag, what waits for it before what it points at."""
    now = unix_now()
    found: ManifestView | None
    if isinstance(reference.target, Digest):
        found = await parts.manifests.by_digest(reference.repository, reference.target, now=now, with_body=False)
    else:
        tag = await parts.manifests.by_tag(reference.repository, reference.target, now=now, with_body=False)
        found = None if tag is None else tag.pending or tag.target
    if found is None:
        raise ManifestUnknown(str(reference))
    return found


def view_record(view: ManifestView) -> dict[str, object]:
    """Return a manifest as commands show it."""
    return {
        "repository": view.repository.text,
        "digest": str(view.digest),
        "state": view.condition.value,
        "visible": view.visible,
        "class": view.cls.value,
        "media_type": view.media_type,
        "artifact_type": view.artifact_type,
        "size": view.size,
        "pushed_by": view.who,
        "first_seen": when(view.created),
        "expires": when(view.expires),
    }


@image.command("show")
def image_show(context: typer.Context, reference: str) -> None:
    """Show what a manifest is at this moment."""
    command = context_of(context)
    parsed = ImageReference.parse(reference, host=command.config().server.public_host)

    async def read(parts: Parts) -> ManifestView:
        return await find(parts, parsed)

    command.terminal.record(view_record(command.run(read)))


@image.command("why")
def image_why(context: typer.Context, reference: str) -> None:
    """Explain the last decision: what was asked, by whom, what was proven, what is missing, and what to type."""
    command = context_of(context)
    host = command.config().server.public_host
    parsed = ImageReference.parse(reference, host=host)

    async def read(parts: Parts) -> tuple[str, dict[str, object]]:
        view: ManifestView | None = None
        digest = parsed.target if isinstance(parsed.target, Digest) else None
        try:
            view = await find(parts, parsed)
            digest = view.digest
        except ManifestUnknown:
            if digest is None:
                raise
        decisions = await parts.store.decisions(parsed.repository, digest, limit=MAX_DECISIONS)
        if view is None and not decisions:
            raise ManifestUnknown(str(parsed))
        return explain(view, decisions, host=host), record_of(view, decisions)

    text, record = command.run(read)
    command.terminal.text(text, record)


@image.command("held")
def image_held(context: typer.Context, project: Annotated[str | None, typer.Argument()] = None) -> None:
    """List what waits, oldest first, with its newest reasons."""
    parsed = None if project is None else typed(ProjectName.parse, project)

    async def read(parts: Parts) -> list[dict[str, object]]:
        rows = []
        for view in await parts.manifests.held(parsed, limit=1000, now=unix_now()):
            decisions = await parts.store.decisions(view.repository, view.digest, limit=MAX_DECISIONS)
            codes = [reason.code for reason in reasons_of(view, decisions)]
            rows.append({**view_record(view), "reasons": codes})
        return rows

    command = context_of(context)
    command.terminal.rows(("repository", "digest", "reasons", "pushed_by", "first_seen", "expires"), command.run(read))


@image.command("drift")
def image_drift(context: typer.Context, project: Annotated[str | None, typer.Argument()] = None) -> None:
    """List what is admitted and would not be any more, by its newest judgement."""
    parsed = None if project is None else typed(ProjectName.parse, project)

    async def read(parts: Parts) -> list[dict[str, object]]:
        return [
            {
                "repository": row.repository.text,
                "digest": str(row.digest),
                "at": when(row.at),
                "decision": row.id,
                "reasons": row.record.get("reasons"),
            }
            for row in await parts.store.drift(parsed, limit=1000)
        ]

    command = context_of(context)
    command.terminal.rows(("repository", "digest", "at", "decision", "reasons"), command.run(read))


@image.command("reevaluate")
def image_reevaluate(context: typer.Context, reference: str) -> None:
    """Judge a stored manifest again under the active policy and trust."""
    command = context_of(context)
    parsed = ImageReference.parse(reference, host=command.config().server.public_host)

    async def reevaluate(parts: Parts) -> Outcome:
        await parts.active.activate_policy()
        view = await find(parts, parsed)
        return await parts.gate.reevaluate(
            view.repository, view.digest, principal=operator(), kind=TriggerKind.REEVALUATE
        )

    outcome = command.run(reevaluate)
    match outcome:
        case Admitted():
            command.terminal.record({"state": "admitted", "decision": outcome.stored.decision_id})
        case Held():
            raise _not_admitted(outcome.reasons)
        case Refused():
            raise _not_admitted(outcome.reasons)
        case PolicyErred():
            raise _not_admitted((Reason("POLICY_ERROR", outcome.reason),))
        case Unreachable():
            raise Unavailable(outcome.reason)


@image.command("wait")
def image_wait(
    context: typer.Context,
    reference: str,
    timeout: Annotated[int, typer.Option(help="Seconds to wait at most.", min=0)] = 60,
) -> None:
    """Wait until a manifest is visible: exits 0 then, 1 with the reasons when the time is over."""
    command = context_of(context)
    parsed = ImageReference.parse(reference, host=command.config().server.public_host)

    async def wait(parts: Parts) -> tuple[Reason, ...] | None:
        for _ in range(max(1, int(timeout / WAIT_PAUSE_SECONDS))):
            if await _is_visible(parts, parsed):
                return None
            await asyncio.sleep(WAIT_PAUSE_SECONDS)
        view = await find(parts, parsed)
        decisions = await parts.store.decisions(view.repository, view.digest, limit=MAX_DECISIONS)
        tag = None if isinstance(parsed.target, Digest) else parsed.target.text
        return reasons_of(view, decisions, tag=tag)

    reasons = command.run(wait)
    if reasons is not None:
        raise _not_admitted(reasons)


@image.command("revoke")
def image_revoke(
    context: typer.Context, reference: str, reason: Annotated[str, typer.Option(help="Kept in the audit event.")]
) -> None:
    """Hide a manifest's bytes in its whole project, at once, whatever carries them."""
    command = context_of(context)
    parsed = ImageReference.parse(reference, host=command.config().server.public_host)

    async def revoke(parts: Parts) -> Digest:
        digest = parsed.target if isinstance(parsed.target, Digest) else (await find(parts, parsed)).digest
        await parts.gate.revoke(parsed.repository, digest, principal=operator(), reason=reason)
        return digest

    command.terminal.record({"revoked": str(command.run(revoke)), "reason": reason})


async def _is_visible(parts: Parts, reference: ImageReference) -> bool:
    now = unix_now()
    if isinstance(reference.target, Digest):
        view = await parts.manifests.by_digest(reference.repository, reference.target, now=now, with_body=False)
        return view is not None and view.visible
    tag = await parts.manifests.by_tag(reference.repository, reference.target, now=now, with_body=False)
    return tag is not None and tag.pending is None and tag.target is not None and tag.target.visible


def _not_admitted(reasons: tuple[Reason, ...]) -> Denied:
    told = "; ".join(f"{reason.code}: {reason.message}" for reason in reasons) or "no decision is recorded"
    given = reasons or (Reason("UNDECIDED", told, "hold"),)
    return Denied(f"not admitted: {told}", reasons=given)
