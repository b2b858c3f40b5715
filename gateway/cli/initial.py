"""What `init` writes: a folder with configuration, keys, catalog, the first policy and an administrator.

I/O: writes the folder.
Source: INTERFACE 2 and 3.
"""

import asyncio
import contextlib
import datetime
import ipaddress
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from gateway import app
from gateway.access.values import InstanceRole
from gateway.catalog.upgrade import upgrade
from gateway.cli.context import operator
from gateway.cli.secrets import new_password, password_hash
from gateway.config.reading import DEFAULT_FILE, parse
from gateway.config.sections import Config
from gateway.errors import ConfigInvalid, Conflict
from gateway.evidence.trust_policy import TrustPolicy
from gateway.identity.key_files import create_signing_key
from gateway.identity.values import Principal, PrincipalKind
from gateway.policy.build import build
from gateway.policy.pack import copy_policies
from gateway.server.tls import issue_self_signed, write_issued

ADMINISTRATOR: Final = "admin"

_TEMPLATE: Final = """\
# registry-gateway: every key is in docs/configuration.md. Relative paths are relative to this file.

[server]
listen = "{listen}"
public_url = "{public_url}"

[server.tls]
mode = "{mode}"
{files}
[storage]
path = "data"

[policy]
directory = "policies"
engine = "wasm"

[trust]
directory = "trust"
"""

_TRUST_README: Final = """\
# Who may sign

One or more YAML files that say which keys must have signed which repositories, and the public keys in `keys/`. Example:

    apiVersion: registry-gateway/v1
    kind: TrustPolicy
    metadata: {name: release}
    spec:
      images: [{glob: "myproject/**"}]
      authorities: [{name: release, key: {path: keys/cosign.pub}, ctlog: none}]

Then: `registry-gateway trust check .` and `registry-gateway trust apply . --reason "first keys"`.
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What was made. ``password`` is the administrator's, shown once."""

    config_file: Path
    public_url: str
    ca_file: Path | None
    account: str
    password: str


def initialise(
    directory: Path, *, listen: str, public_url: str | None, tls: Literal["self-signed", "files", "off"]
) -> Made:
    """Write a new folder. Raises `Conflict` for one that is not empty, `ConfigInvalid` for a setting that is none."""
    if directory.exists() and any(directory.iterdir()):
        raise Conflict(f"{directory} is not empty: init writes into a new folder only")
    scheme = "http" if tls == "off" else "https"
    url = public_url or f"{scheme}://localhost:{listen.rpartition(':')[2]}"
    text = _TEMPLATE.format(listen=listen, public_url=url, mode=tls, files=_tls_files(tls))
    settings = parse(text, {}, directory=directory.resolve(), name=DEFAULT_FILE)
    with _writable_by_its_owner():
        return _write(directory, settings, text, url=url, tls=tls)


@contextlib.contextmanager
def _writable_by_its_owner() -> Iterator[None]:
    """Give what is written inside at most 0755 and 0644, whoever writes it; a stricter umask stays.

    By the process's umask and not by a mode at each place, since some are made elsewhere and one is easily forgotten. A
    command that makes a folder has no other thread that would see it.
    """
    before = os.umask(0o077)
    os.umask(before | 0o022)
    try:
        yield
    finally:
        os.umask(before)


def _write(
    directory: Path, settings: Config, text: str, *, url: str, tls: Literal["self-signed", "files", "off"]
) -> Made:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    now = app.unix_now()
    if tls == "self-signed":
        moment = datetime.datetime.fromtimestamp(now, tz=datetime.UTC)
        write_issued(issue_self_signed(_names(settings), now=moment), directory / "keys" / "tls")
    token_keys = settings.path(settings.identity.key_directory)
    token_keys.mkdir(parents=True, mode=0o700)
    create_signing_key(token_keys, now=now)
    settings.path(settings.storage.path).mkdir(mode=0o700)
    upgrade(app.catalog_path(settings), by=operator(), now=now)
    trust = settings.path(settings.trust.directory)
    (trust / "keys").mkdir(parents=True)
    (trust / "README.md").write_text(_TRUST_README, encoding="utf-8")
    copy_policies(settings.path(settings.policy.directory))
    (directory / DEFAULT_FILE).write_text(text, encoding="utf-8")
    password = asyncio.run(_first_rows(settings, now=now))
    ca = directory / "keys" / "tls" / "ca.pem" if tls == "self-signed" else None
    return Made(directory / DEFAULT_FILE, url, ca, ADMINISTRATOR, password)


async def _first_rows(settings: Config, *, now: int) -> str:
    """Activate the shipped policy and an empty trust policy, and create the administrator; return his password."""
    revision = build(settings.path(settings.policy.directory))
    trust = TrustPolicy.load({})
    password = new_password()
    parts = app.compose(settings)
    try:
        by = operator()
        await parts.revisions.activate(
            "policy", revision.id, revision.to_bytes(), reason="shipped with the gateway", by=by, now=now
        )
        await parts.revisions.activate("trust", trust.digest, trust.serialise(), reason="nobody yet", by=by, now=now)
        principal = Principal(f"u:{uuid.uuid4()}", PrincipalKind.USER, ADMINISTRATOR)
        await parts.principals.create_account(principal, await password_hash(password), by=by, now=now)
        await parts.members.set_instance_role(principal.id, InstanceRole.ADMINISTRATOR, granted=True, by=by, now=now)
    finally:
        await parts.close()
    return password


def _tls_files(tls: str) -> str:
    if tls == "off":
        return ""
    if tls == "files":
        return 'certificate = "keys/tls/certificate.pem"  # put the chain here, leaf first\nkey = "keys/tls/key.pem"\n'
    return 'certificate = "keys/tls/certificate.pem"\nkey = "keys/tls/key.pem"\n'


def _names(settings: Config) -> list[str]:
    """Return the names of the certificate: the public one first, then those of this machine."""
    public = urlsplit(settings.server.public_url).hostname
    if public is None:
        raise ConfigInvalid("public_url has no host")
    found = [public, "localhost", "127.0.0.1", "::1"]
    address = ipaddress.ip_address(settings.server.address[0])
    if not address.is_unspecified:
        found.append(str(address))
    else:
        found.append(socket.gethostname())
    return list(dict.fromkeys(found))
