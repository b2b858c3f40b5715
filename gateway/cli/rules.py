"""`trust` and `policy`: who may sign, and what the rules are; checked, then activated with a reason."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import Parts, unix_now
from gateway.catalog.values import RevisionRow
from gateway.cli.context import context_of, find_project, operator
from gateway.cli.directories import trust_files
from gateway.cli.terminal import when
from gateway.cli.typed import typed
from gateway.config.sections import Config
from gateway.errors import ConfigInvalid, Conflict, GatewayError, Unavailable
from gateway.evidence.authorities import ImagePolicy
from gateway.evidence.reach import strange_hosts, wide_keys
from gateway.evidence.trust_policy import TrustPolicy
from gateway.oci.names import ProjectName
from gateway.policy.build import build, run_tests
from gateway.policy.opa_tool import find as find_opa
from gateway.policy.revision import PolicyRevision

trust = typer.Typer(no_args_is_help=True, help="Who may sign what.")
policy = typer.Typer(no_args_is_help=True, help="The admission rules.")

_Reason = Annotated[str, typer.Option("--reason", help="Kept with the revision and in the audit event.")]
_Opa = Annotated[Path | None, typer.Option("--opa", help="The opa program; the one in PATH without it.")]


def _policies(policies: Iterable[ImagePolicy]) -> list[dict[str, object]]:
    return [
        {
            "name": item.name,
            "project": None if item.project is None else item.project.text,
            "globs": [glob.text for glob in item.globs],
            "authorities": [authority.name for authority in item.authorities],
            "mode": "enforce" if item.enforce else "warn",
        }
        for item in policies
    ]


def _hosts(configured: Config) -> frozenset[str]:
    return frozenset({configured.server.public_host, *configured.server.hosts})


@trust.command("check")
def trust_check(context: typer.Context, place: Path) -> None:
    """Check a trust policy file or directory and show what it says; warn of a key that covers several projects.

    It warns too of a glob with a host that is none of this registry, as the configuration says.
    """
    loaded = TrustPolicy.load(trust_files(place))
    command = context_of(context)
    terminal = command.terminal
    for key in wide_keys(loaded):
        terminal.note(f"warning: {key}")
    try:
        hosts = _hosts(command.config())
    except ConfigInvalid as error:
        # A policy is checked where there is no registry too, such as in its own repository.
        if any(glob.host is not None for each in loaded.policies for glob in each.globs):
            terminal.note(f"warning: hosts in globs were not looked at, there is no configuration: {error.message}")
    else:
        for strange in strange_hosts(loaded, registry_hosts=hosts):
            terminal.note(f"warning: {strange}")
    terminal.rows(("name", "project", "globs", "authorities", "mode"), _policies(loaded.policies))


@trust.command("apply")
def trust_apply(context: typer.Context, place: Path, reason: _Reason = "") -> None:
    """Make a trust policy file or directory the active one; what waits is judged again."""
    loaded = TrustPolicy.load(trust_files(place))

    async def apply(parts: Parts) -> RevisionRow:
        return await parts.revisions.activate(
            "trust", loaded.digest, loaded.serialise(), reason=reason, by=operator(), now=unix_now()
        )

    command = context_of(context)
    row = command.run(apply)
    command.terminal.record({"revision": row.digest, "generation": row.active_generation, "reason": row.reason})


@trust.command("show")
def trust_show(context: typer.Context, project: Annotated[str | None, typer.Argument()] = None) -> None:
    """Show the active trust policy; of a project, every policy that can be about a repository of it."""

    command = context_of(context)
    configured = command.config()
    parsed = None if project is None else typed(ProjectName.parse, project)

    async def read(parts: Parts) -> RevisionRow | None:
        if parsed is not None:
            await find_project(parts, parsed)
        return await parts.revisions.active("trust")

    row = command.run(read)
    found = () if row is None else TrustPolicy.deserialise(row.content).policies
    hosts = _hosts(configured)
    shown = [item for item in found if parsed is None or item.can_match(parsed, registry_hosts=hosts)]
    command.terminal.rows(("name", "project", "globs", "authorities", "mode"), _policies(shown))


def _revision(revision: PolicyRevision) -> dict[str, object]:
    return {
        "revision": revision.id,
        "rules_digest": revision.rules_digest,
        "data_digest": revision.data_digest,
        "rules": [rule.code for rule in revision.rules],
    }


@policy.command("check")
def policy_check(context: typer.Context, directory: Path, opa: _Opa = None) -> None:
    """Compile, check and test a policies directory, and show the revision that it would be.

    Where opa is not there and the rules are the shipped ones, their compiled form is taken and no test runs; `tested` says
    whether one did.
    """
    terminal = context_of(context).terminal
    terminal.step(f"checking, testing and compiling the rules in {directory}")
    revision = build(directory, opa=opa)
    terminal.record({**_revision(revision), "tested": find_opa(opa) is not None})


@policy.command("test")
def policy_test(context: typer.Context, directory: Path, opa: _Opa = None) -> None:
    """Run the Rego tests of a policies directory, and say how many ran. Needs the opa program, whatever the rules are."""
    terminal = context_of(context).terminal
    terminal.step(f"testing the rules in {directory}")
    ran = run_tests(directory, opa=opa)
    terminal.done(f"{ran} tests ran and passed", {"directory": str(directory), "tests": ran})


@policy.command("activate")
def policy_activate(
    context: typer.Context,
    directory: Path,
    reason: _Reason,
    revoke: Annotated[
        bool,
        typer.Option(
            "--revoke",
            help="Hide what is admitted in each repository where the new policy denies it: `image unrevoke` ends that.",
        ),
    ] = False,
    opa: _Opa = None,
) -> None:
    """Make a policies directory the active policy, at once for all workers; what waits is judged again."""
    command = context_of(context)
    command.terminal.step(f"checking, testing and compiling the rules in {directory}")
    revision = build(directory, opa=opa)

    async def activate(parts: Parts) -> RevisionRow:
        command.terminal.step(f"loading revision {revision.id} into the engine")
        await parts.engine.activate(revision)
        command.terminal.step("making it the active one")
        return await parts.revisions.activate(
            "policy", revision.id, revision.to_bytes(), reason=reason, by=operator(), now=unix_now(), hides=revoke
        )

    row = command.run(activate)
    command.terminal.record({**_revision(revision), "generation": row.active_generation, "reason": row.reason})


@policy.command("status")
def policy_status(context: typer.Context) -> None:
    """Show the active policy, and whether the policies directory is the same; or why that cannot be told."""
    command = context_of(context)
    configured = command.config()

    async def read(parts: Parts) -> RevisionRow | None:
        return await parts.revisions.active("policy")

    row = command.run(read)
    if row is None:
        raise Unavailable("no policy is active: `registry-gateway policy activate DIR --reason TEXT`")
    active = PolicyRevision.from_bytes(row.content)
    directory = configured.path(configured.policy.directory)
    same, problem = _compared(directory, row.digest)
    command.terminal.record(
        {
            **_revision(active),
            "engine": configured.policy.engine,
            "generation": row.active_generation,
            "reason": row.reason,
            "by": row.made_by,
            "activated": when(row.activated),
            "directory": str(directory),
            "directory_is_active": same,
            "directory_problem": problem,
        }
    )


def _compared(directory: Path, active: str) -> tuple[bool | None, str | None]:
    """Return whether a policies directory is the revision ``active``; None, and why, where it builds to none here.

    Not a refusal: what decides is in the catalog, and is asked for most where the directory is half edited.
    """
    try:
        return build(directory).id == active, None
    except GatewayError as error:
        return None, error.message


@policy.command("bundle")
def policy_bundle(context: typer.Context, directory: Path) -> None:
    """Write the active policy as files for an OPA server (opa run --server -b DIRECTORY); a new directory."""
    if directory.exists():
        raise Conflict(f"{directory} exists already: name a new directory")

    async def read(parts: Parts) -> RevisionRow | None:
        return await parts.revisions.active("policy")

    command = context_of(context)
    row = command.run(read)
    if row is None:
        raise Unavailable("no policy is active: `registry-gateway policy activate DIR --reason TEXT`")
    files = PolicyRevision.from_bytes(row.content).opa_files()
    for name, content in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    command.terminal.record({"revision": row.digest, "directory": str(directory), "files": len(files)})
