"""What `doctor` looks at, each check with what to do where it fails.

I/O: reads files and the catalog.
"""

import datetime
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from gateway import app
from gateway.app import Parts
from gateway.catalog.upgrade import current, head
from gateway.cli.directories import trust_files
from gateway.config import Config
from gateway.errors import GatewayError
from gateway.evidence.trust_policy import TrustPolicy
from gateway.policy.build import build

MIN_FREE_BYTES: Final = 1024**3
CERTIFICATE_DAYS: Final = 21


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and its result. ``advice`` is a sentence: what was seen, or what to do."""

    check: str
    good: bool
    advice: str


def diagnose(
    settings: Config, *, run: Callable[[Callable[[Parts], Awaitable[list[Finding]]]], list[Finding]]
) -> list[Finding]:
    """Return every check's finding. A check that raises is a finding, not the end."""
    findings = [_certificate(settings), _private_files(settings), _space(settings), _schema(settings)]
    if all(finding.good for finding in findings if finding.check == "catalog schema"):
        findings.extend(run(lambda parts: _catalog(parts, settings)))
    return findings


def _certificate(settings: Config) -> Finding:
    tls = settings.server.tls
    if tls.mode == "off":
        return Finding("certificate", True, "TLS is off; only loopback is served")
    path = settings.path(tls.certificate)
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return Finding("certificate", False, f"{path} cannot be read as a certificate ({error})")
    left = certificate.not_valid_after_utc - datetime.datetime.now(tz=datetime.UTC)
    advice = f"valid for {left.days} days"
    return Finding(
        "certificate", left.days >= CERTIFICATE_DAYS, advice if left.days >= 0 else f"{path} has expired: renew it"
    )


def _private_files(settings: Config) -> Finding:
    token_keys = settings.path(settings.identity.key_directory)
    places = [token_keys, *sorted(token_keys.glob("*")), settings.path(settings.storage.path)]
    if settings.server.tls.mode != "off":
        places.append(settings.path(settings.server.tls.key))
    for place in places:
        if not place.exists():
            return Finding("private files", False, f"{place} does not exist")
        if place.stat().st_mode & 0o077:
            return Finding("private files", False, f"others can read {place}: chmod go= {place}")
    return Finding("private files", True, "keys and data are their owner's only")


def _space(settings: Config) -> Finding:
    place = _existing(settings.path(settings.storage.path))
    free = shutil.disk_usage(place).free
    return Finding("disk space", free >= MIN_FREE_BYTES, f"{free // 1024**2} MiB free at {place}")


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _schema(settings: Config) -> Finding:
    try:
        found = current(app.catalog_path(settings))
    except GatewayError as error:
        return Finding("catalog schema", False, error.message)
    good = found == head()
    return Finding(
        "catalog schema", good, f"at {found}" if good else f"at {found}: `registry-gateway upgrade` brings {head()}"
    )


async def _catalog(parts: Parts, settings: Config) -> list[Finding]:
    return [await _policy(parts, settings), await _trust(parts, settings)]


async def _policy(parts: Parts, settings: Config) -> Finding:
    row = await parts.revisions.active("policy")
    if row is None:
        return Finding("policy", False, "none is active: `registry-gateway policy activate DIR --reason TEXT`")
    directory = settings.path(settings.policy.directory)
    try:
        await parts.active.activate_policy()
        same = build(directory).id == row.digest
    except GatewayError as error:
        return Finding("policy", False, error.message)
    if not same:
        return Finding("policy", False, f"{directory} is not what is active: activate it, or put it back")
    return Finding("policy", True, f"{row.digest} is active and the directory is the same")


async def _trust(parts: Parts, settings: Config) -> Finding:
    row = await parts.revisions.active("trust")
    directory = settings.path(settings.trust.directory)
    try:
        loaded = TrustPolicy.load(trust_files(directory))
    except GatewayError as error:
        return Finding("trust", False, error.message)
    if row is None or row.digest != loaded.digest:
        return Finding("trust", False, f"{directory} is not what is active: `registry-gateway trust apply {directory}`")
    if not loaded.policies:
        return Finding("trust", True, "nobody may sign yet: everything that is pushed waits")
    return Finding("trust", True, f"{len(loaded.policies)} policies are active and the directory is the same")
