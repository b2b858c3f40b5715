"""What `doctor` looks at, each check with what to do where it fails.

I/O: reads files and the catalog; asks the OPA server where there is one.
"""

import datetime
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography import x509

from gateway import app
from gateway.app import Parts
from gateway.catalog.schema_revision import HEAD, current, require_head
from gateway.cli.directories import trust_files
from gateway.config.sections import Config
from gateway.errors import GatewayError
from gateway.evidence.trust_policy import TrustPolicy
from gateway.identity.key_files import load_key_ring
from gateway.policy.build import build
from gateway.policy.opa_engine import OpaEngine
from gateway.server.startable import check_open_files, check_secret_files
from gateway.server.tls import server_context

MIN_FREE_BYTES: Final = 1024**3
CERTIFICATE_DAYS: Final = 21
ROBOT_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and its result. ``advice`` is a sentence: what was seen, and what to do where it is not ``ok``."""

    check: str
    result: Literal["ok", "warning", "FAILED"]
    advice: str


def diagnose(
    settings: Config, *, run: Callable[[Callable[[Parts], Awaitable[list[Finding]]]], list[Finding]], now: int
) -> list[Finding]:
    """Return every check's finding. A check that raises is a finding, not the end."""
    findings = [
        _certificate(settings, now=now),
        _token_keys(settings, now=now),
        _secret_files(settings),
        _open_files(),
        _private_files(settings),
        _space(settings),
        _schema(settings),
    ]
    # Without a catalog and the secrets that it is opened with there is nothing to ask the rest of.
    if all(finding.result != "FAILED" for finding in findings if finding.check in ("catalog schema", "secret files")):
        try:
            findings.extend(run(lambda parts: _catalog(parts, settings, now=now)))
        except GatewayError as error:
            findings.append(Finding("stores", "FAILED", error.message))
    return findings


def _certificate(settings: Config, *, now: int) -> Finding:
    """Load the pair as the listener does, and look when the certificate ends."""
    tls = settings.server.tls
    if tls.mode == "off":
        return Finding("certificate", "ok", "TLS is off; only loopback is served")
    path, key = settings.path(tls.certificate), settings.path(tls.key)
    try:
        server_context(certificate=path, key=key, minimum=tls.minimum)
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except GatewayError as error:
        return Finding("certificate", "FAILED", error.message)
    except (OSError, ValueError) as error:
        return Finding("certificate", "FAILED", f"{path} cannot be read as a certificate ({error})")
    moment = datetime.datetime.fromtimestamp(now, tz=datetime.UTC)
    days = (certificate.not_valid_after_utc - moment).days
    if days < 0:
        return Finding("certificate", "FAILED", f"{path} has expired: renew it, and restart the gateway")
    if certificate.not_valid_before_utc > moment:
        start = certificate.not_valid_before_utc
        return Finding("certificate", "FAILED", f"{path} is not valid before {start:%Y-%m-%d %H:%M:%S} UTC")
    if days < CERTIFICATE_DAYS:
        return Finding("certificate", "warning", f"valid for {days} days: renew {path}, and restart the gateway")
    return Finding("certificate", "ok", f"valid for {days} days, and the key is its own")


def _token_keys(settings: Config, *, now: int) -> Finding:
    directory = settings.path(settings.identity.key_directory)
    try:
        ring = load_key_ring(directory)
        ring.signing(now)
    except GatewayError as error:
        return Finding("token keys", "FAILED", f"{error.message} ({directory}): nobody can log in without one")
    return Finding("token keys", "ok", f"{len(ring.keys)} in {directory}, one of which signs now")


def _secret_files(settings: Config) -> Finding:
    """Read what the configuration names a file for, as the gateway does when it starts."""
    try:
        check_secret_files(settings)
    except GatewayError as error:
        return Finding("secret files", "FAILED", error.message)
    return Finding("secret files", "ok", "every file that the configuration names a secret in is readable")


def _open_files() -> Finding:
    """Look at the limit as the gateway does when it starts: that of who runs this, which may be another."""
    try:
        connections = check_open_files()
    except GatewayError as error:
        return Finding("open files", "FAILED", error.message)
    return Finding("open files", "ok", f"enough for {connections} connections")


def _private_files(settings: Config) -> Finding:
    token_keys = settings.path(settings.identity.key_directory)
    places = [token_keys, *sorted(token_keys.glob("*")), settings.path(settings.storage.path)]
    if settings.server.tls.mode != "off":
        places.append(settings.path(settings.server.tls.key))
    for place in places:
        if not place.exists():
            return Finding("private files", "FAILED", f"{place} does not exist")
        if place.stat().st_mode & 0o077:
            return Finding("private files", "FAILED", f"others can read {place}: chmod go= {place}")
    return Finding("private files", "ok", "keys and data are their owner's only")


def _space(settings: Config) -> Finding:
    place = _existing(settings.path(settings.storage.path))
    free = shutil.disk_usage(place).free
    seen = f"{free // 1024**2} MiB free at {place}"
    if free < MIN_FREE_BYTES:
        return Finding("disk space", "FAILED", f"{seen}: make space, pushes are refused with 507 when there is none")
    return Finding("disk space", "ok", seen)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _schema(settings: Config) -> Finding:
    path = app.catalog_path(settings)
    try:
        found = current(path)
        if found == HEAD:
            require_head(path)
    except GatewayError as error:
        return Finding("catalog schema", "FAILED", error.message)
    if found == HEAD:
        return Finding("catalog schema", "ok", f"at {found}")
    seen = "there is no catalog" if found is None else f"at {found}"
    return Finding("catalog schema", "FAILED", f"{seen}: `registry-gateway upgrade` brings {HEAD}")


async def _catalog(parts: Parts, settings: Config, *, now: int) -> list[Finding]:
    return [
        await _policy(parts, settings),
        await _engine(parts, settings),
        await _trust(parts, settings),
        await _robots(parts, now=now),
    ]


async def _policy(parts: Parts, settings: Config) -> Finding:
    row = await parts.revisions.active("policy")
    if row is None:
        return Finding("policy", "FAILED", "none is active: `registry-gateway policy activate DIR --reason TEXT`")
    directory = settings.path(settings.policy.directory)
    try:
        same = build(directory).id == row.digest
    except GatewayError as error:
        return Finding("policy", "FAILED", error.message)
    if not same:
        return Finding("policy", "FAILED", f"{directory} is not what is active: activate it, or put it back")
    return Finding("policy", "ok", f"{row.digest} is active and the directory is the same")


async def _engine(parts: Parts, settings: Config) -> Finding:
    """Load the active revision as a worker does, and ask an OPA server whether it has it."""
    try:
        await parts.active.activate_policy()
    except GatewayError as error:
        return Finding("policy engine", "FAILED", error.message)
    if not isinstance(parts.engine, OpaEngine):
        return Finding("policy engine", "ok", "wasm, in the process")
    failed = await parts.engine.probe(deadline_seconds=settings.policy.seconds)
    address = settings.policy.address
    if failed is not None:
        return Finding("policy engine", "FAILED", f"{address}: {failed.reason}; no push is judged: see `policy bundle`")
    return Finding("policy engine", "ok", f"OPA at {address} has the active revision")


async def _trust(parts: Parts, settings: Config) -> Finding:
    row = await parts.revisions.active("trust")
    directory = settings.path(settings.trust.directory)
    try:
        loaded = TrustPolicy.load(trust_files(directory))
    except GatewayError as error:
        return Finding("trust", "FAILED", error.message)
    if row is None or row.digest != loaded.digest:
        advice = f"{directory} is not what is active: `registry-gateway trust apply {directory}`"
        return Finding("trust", "FAILED", advice)
    if not loaded.policies:
        return Finding("trust", "ok", "nobody may sign yet: everything that is pushed waits")
    return Finding("trust", "ok", f"{len(loaded.policies)} policies are active and the directory is the same")


async def _robots(parts: Parts, *, now: int) -> Finding:
    """Look for robots whose secret is where images run: with it, a cluster gets what waits (DESIGN 3)."""
    roaming = await parts.stats.roaming_robots(since=now - ROBOT_DAYS * 24 * 3600)
    if not roaming:
        return Finding("robots", "ok", "none that pushes pulls from several addresses")
    seen = ", ".join(f"{name} from {addresses}" for name, addresses in roaming.items())
    advice = f"push, and pulled from several addresses: {seen}. Who pushes sees what waits: give clusters reader robots"
    return Finding("robots", "warning", advice)
