"""`image`: what a manifest is, why, and asking again."""

import asyncio
import re
from functools import partial
from typing import Annotated

import typer

from gateway.admission.values import Admitted, Held, Outcome, PolicyErred, Refused, TriggerKind, Unreachable
from gateway.app import Parts, unix_now
from gateway.catalog.values import ManifestView
from gateway.cli.context import context_of, find_project, operator
from gateway.cli.explaining import decisions_about, explained, explained_decision, find, name_of
from gateway.cli.references import ImageReference
from gateway.cli.terminal import when
from gateway.cli.typed import typed
from gateway.cli.why import reasons_of
from gateway.errors import Denied, Reason, Unavailable
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName

image = typer.Typer(no_args_is_help=True, help="Manifests: what they are, and why.")

_DECISION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WAIT_PAUSE_SECONDS = 0.25
LOOKS_OF_A_STEP = 40
"""A line every ten seconds."""
MAX_ROWS = 1000


def view_record(view: ManifestView, *, pushed_by: str) -> dict[str, object]:
    """Return a manifest as commands show it; ``pushed_by`` is the name of who pushed it."""
    return {
        "repository": view.repository.text,
        "digest": str(view.digest),
        "state": view.condition.value,
        "visible": view.visible,
        "class": view.cls.value,
        "subject": None if view.subject is None else str(view.subject),
        "media_type": view.media_type,
        "artifact_type": view.artifact_type,
        "size": view.size,
        "pushed_by": pushed_by,
        "pushed_by_id": view.who,
        "first_seen": when(view.created),
        "expires": when(view.expires),
    }


@image.command("show")
def image_show(context: typer.Context, reference: str) -> None:
    """Show what a manifest is at this moment."""
    command = context_of(context)
    parsed = ImageReference.parse(reference, host=command.config().server.public_host)

    async def read(parts: Parts) -> dict[str, object]:
        view = await find(parts, parsed)
        return view_record(view, pushed_by=await name_of(parts, view.who))

    command.terminal.record(command.run(read))


@image.command("why")
def image_why(
    context: typer.Context,
    reference: Annotated[
        str, typer.Argument(help="REPOSITORY:TAG, REPOSITORY@DIGEST, or the decision id of a refusal.")
    ],
) -> None:
    """Explain the last decision: what was asked, by whom, what was proven, what is missing, and what to type."""
    command = context_of(context)
    host = command.config().server.public_host
    if _DECISION_ID.fullmatch(reference):
        read = partial(explained_decision, decision_id=reference)
    else:
        read = partial(explained, reference=ImageReference.parse(reference, host=host), host=host)
    text, record = command.run(read)
    command.terminal.text(text, record)


@image.command("held")
def image_held(context: typer.Context, project: Annotated[str | None, typer.Argument()] = None) -> None:
    """List what waits, with its newest reasons: images, build caches, and evidence that nobody trusted has signed."""
    parsed = None if project is None else typed(ProjectName.parse, project)

    async def read(parts: Parts) -> list[dict[str, object]]:
        if parsed is not None:
            await find_project(parts, parsed)
        rows = []
        names: dict[str, str] = {}
        for view in await parts.manifests.held(parsed, limit=MAX_ROWS, now=unix_now()):
            if view.who not in names:
                names[view.who] = await name_of(parts, view.who)
            reasons = reasons_of(view, await decisions_about(parts, view))
            rows.append(
                {**view_record(view, pushed_by=names[view.who]), "reasons": [_as_data(each) for each in reasons]}
            )
        return rows

    command = context_of(context)
    rows = command.run(read)
    command.terminal.rows(("repository", "digest", "class", "reasons", "pushed_by", "expires"), rows)
    command.terminal.limited(rows, limit=MAX_ROWS)


@image.command("drift")
def image_drift(context: typer.Context, project: Annotated[str | None, typer.Argument()] = None) -> None:
    """List what is admitted and would not be any more, by its newest judgement."""
    parsed = None if project is None else typed(ProjectName.parse, project)

    async def read(parts: Parts) -> list[dict[str, object]]:
        if parsed is not None:
            await find_project(parts, parsed)
        return [
            {
                "repository": row.repository.text,
                "digest": str(row.digest),
                "at": when(row.at),
                "decision": row.id,
                "reasons": row.record.get("reasons"),
            }
            for row in await parts.store.drift(parsed, limit=MAX_ROWS)
        ]

    command = context_of(context)
    rows = command.run(read)
    command.terminal.rows(("repository", "digest", "at", "decision", "reasons"), rows)
    command.terminal.limited(rows, limit=MAX_ROWS)


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

    async def wait(parts: Parts) -> ManifestView | tuple[Reason, ...]:
        for look in range(max(1, int(timeout / WAIT_PAUSE_SECONDS))):
            seen = await _visible(parts, parsed)
            if seen is not None:
                return seen
            if look % LOOKS_OF_A_STEP == 0:
                command.terminal.step(f"{parsed} is not visible yet, {look * WAIT_PAUSE_SECONDS:.0f} of {timeout} s")
            await asyncio.sleep(WAIT_PAUSE_SECONDS)
        view = await find(parts, parsed)
        tag = None if isinstance(parsed.target, Digest) else parsed.target.text
        return reasons_of(view, await decisions_about(parts, view), tag=tag)

    found = command.run(wait)
    if not isinstance(found, ManifestView):
        raise _not_admitted(found)
    record = {"reference": str(parsed), "digest": str(found.digest), "state": found.condition.value, "visible": True}
    command.terminal.done(f"{parsed} is visible: {found.digest}", record)


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


async def _visible(parts: Parts, reference: ImageReference) -> ManifestView | None:
    """Return what the reference names where everybody who may pull sees it, and nothing waits for its tag."""
    now = unix_now()
    if isinstance(reference.target, Digest):
        view = await parts.manifests.by_digest(reference.repository, reference.target, now=now, with_body=False)
    else:
        tag = await parts.manifests.by_tag(reference.repository, reference.target, now=now, with_body=False)
        view = None if tag is None or tag.pending is not None else tag.target
    return view if view is not None and view.visible else None


def _as_data(reason: Reason) -> dict[str, object]:
    return {"code": reason.code, "message": reason.message, "severity": reason.severity}


def _not_admitted(reasons: tuple[Reason, ...]) -> Denied:
    told = "; ".join(f"{reason.code}: {reason.message}" for reason in reasons) or "no decision is recorded"
    given = reasons or (Reason("UNDECIDED", told, "hold"),)
    return Denied(f"not admitted: {told}", reasons=given)
