"""What can be configured: every section and key, with its bounds.

Secrets are never values here: files name them. Relative paths are relative to the file.

Pure: no I/O.
Source: INTERFACE 4.
"""

import ipaddress
import re
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.evidence.limits import MAX_ATTESTATION_BYTES, MAX_EVIDENCE_MANIFEST_BYTES

MEBIBYTE: Final = 1024 * 1024
MAX_PORT: Final = 65535
_HOST_PORT: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?)(?::(?P<port>[0-9]{1,5}))?"
)
"""No user, path, query or fragment: what is compared with a Host header and printed in commands is exactly this."""


def _is_host(text: str) -> bool:
    """Return whether ``text`` is ``HOST[:PORT]``."""
    found = _HOST_PORT.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= MAX_PORT


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Tls(_Section):
    """How the one listener speaks TLS. ``off`` only on a loopback address."""

    mode: Literal["self-signed", "files", "off"] = "self-signed"
    certificate: Path = Field(default=Path("keys/tls/certificate.pem"), description="PEM chain, leaf first")
    key: Path = Field(default=Path("keys/tls/key.pem"), description="PEM private key")
    minimum: Literal["1.3", "1.2"] = Field(default="1.3", description="1.2 allows ECDHE with AEAD only")


class Limits(_Section):
    """Sizes in bytes, times in seconds (DESIGN 11)."""

    manifest_bytes: int = Field(default=4 * MEBIBYTE, ge=4 * MEBIBYTE, le=16 * MEBIBYTE)
    # Up to what the parsers of evidence take, and no further: a larger number would be a promise that they do not keep.
    evidence_manifest_bytes: int = Field(default=MEBIBYTE, ge=64 * 1024, le=MAX_EVIDENCE_MANIFEST_BYTES)
    evidence_bytes: int = Field(default=32 * MEBIBYTE, ge=MEBIBYTE, le=MAX_ATTESTATION_BYTES)
    blob_bytes: int = Field(default=64 * 1024 * MEBIBYTE, ge=MEBIBYTE)
    head_seconds: float = Field(default=10.0, gt=0, le=120)
    drain_seconds: float = Field(default=30.0, ge=0, le=600)
    upload_idle_seconds: int = Field(default=24 * 3600, ge=60)
    held_seconds: int = Field(default=7 * 24 * 3600, ge=60)
    verification_seconds: float = Field(default=10.0, gt=0, le=60)


class Server(_Section):
    """The listener, and the name that clients use."""

    listen: str = Field(default="127.0.0.1:5000", description="HOST:PORT")
    public_url: str = Field(default="https://localhost:5000", description="what clients type, scheme included")
    hosts: tuple[str, ...] = Field(default=(), description="other Host values to accept, HOST or HOST:PORT")
    workers: int = Field(default=1, ge=1, description="processes that serve: one, in this version")
    tls: Tls = Tls()
    limits: Limits = Limits()

    @field_validator("listen")
    @classmethod
    def _listen_is_an_address(cls, text: str) -> str:
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > MAX_PORT:
            raise ValueError("is HOST:PORT, as in 127.0.0.1:5000")
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            raise ValueError(f"{host} is not an IP address: 0.0.0.0 and [::] are all of this machine's") from None
        return text

    @field_validator("workers")
    @classmethod
    def _one_worker(cls, workers: int) -> int:
        if workers != 1:
            raise ValueError("this version serves with one worker over one SQLite catalog: only 1 is supported")
        return workers

    @field_validator("hosts", mode="before")
    @classmethod
    def _hosts_from_the_environment(cls, value: object) -> object:
        """Split a text: a variable has no other way to hold a list."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("hosts")
    @classmethod
    def _hosts_are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not _is_host(host):
                raise ValueError(f"{host!r} is not HOST or HOST:PORT")
        return hosts

    @model_validator(mode="after")
    def _plain_only_on_loopback(self) -> Self:
        scheme = "http" if self.tls.mode == "off" else "https"
        given, separator, host = self.public_url.partition("://")
        if given != scheme or not separator or not _is_host(host):
            raise ValueError(f"public_url is {scheme}://HOST[:PORT] and nothing more")
        if self.tls.mode == "off" and not ipaddress.ip_address(self.address[0]).is_loopback:
            raise ValueError('tls.mode = "off" is accepted on loopback addresses only')
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def public_host(self) -> str:
        """``HOST[:PORT]`` as it stands in image references."""
        return urlsplit(self.public_url).netloc


class Storage(_Section):
    """Where content and catalog are."""

    path: Path = Path("data")


class Issuer(_Section):
    """A CI platform whose tokens are taken as passwords, as far as a rule of `federation add` says what for."""

    name: str = Field(description="what rules call it", pattern="^[a-z0-9][a-z0-9-]{0,62}$")
    issuer: str = Field(description='the `iss` of its tokens, "https://..."')
    jwks_file: Path | None = Field(default=None, description="its keys, pinned: then nothing is fetched")
    ca: Path | None = Field(default=None, description="PEM, of a private CA that signed its certificate")
    internal: bool = Field(default=False, description="its address may be a private one")
    immutable_claims: tuple[str, ...] = Field(
        default=(), description="its ids that are never given again, besides the known"
    )

    @field_validator("issuer")
    @classmethod
    def _issuer_is_a_url(cls, text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme != "https" or not _is_host(parts.netloc) or parts.query or parts.fragment:
            raise ValueError("is https://HOST[:PORT][/PATH] and nothing more")
        return text

    @model_validator(mode="after")
    def _pinned_or_fetched(self) -> Self:
        if self.jwks_file is not None and (self.ca is not None or self.internal):
            raise ValueError("with jwks_file nothing is fetched: ca and internal have no meaning")
        return self


class Identity(_Section):
    """Local accounts, our own tokens, and whose tokens are taken besides."""

    token_seconds: int = Field(default=300, ge=60, le=900)
    key_directory: Path = Path("keys/token")
    issuer: tuple[Issuer, ...] = Field(default=(), description="CI platforms")

    @field_validator("issuer")
    @classmethod
    def _issuers_are_told_apart(cls, issuers: tuple[Issuer, ...]) -> tuple[Issuer, ...]:
        if len({issuer.name for issuer in issuers}) != len(issuers):
            raise ValueError("two issuers have one name")
        for issuer in issuers:
            same = [other for other in issuers if other.issuer == issuer.issuer]
            # Clusters by the dozen call themselves by the same address: then only the key tells whose a token is.
            if len(same) > 1 and any(other.jwks_file is None for other in same):
                raise ValueError(f"two issuers are {issuer.issuer}: then each needs its keys pinned by jwks_file")
        return issuers


class Policy(_Section):
    """The admission policy: its directory is input, the catalog holds what is active."""

    directory: Path = Path("policies")
    engine: Literal["wasm", "opa"] = "wasm"
    address: str = Field(default="", description="of the OPA server: unix:///path or http(s)://HOST:PORT")
    ca: Path | None = None
    token_file: Path | None = None
    seconds: float = Field(default=2.0, gt=0, le=10, description="for one evaluation")

    @model_validator(mode="after")
    def _opa_has_an_address(self) -> Self:
        if self.engine == "opa" and not self.address.startswith(("unix:///", "http://", "https://")):
            raise ValueError('engine = "opa" needs address = "unix:///..." or "https://HOST:PORT"')
        return self


class Trust(_Section):
    """Who may sign: the directory is input, the catalog holds what is active."""

    directory: Path = Path("trust")


class Log(_Section):
    """The application log, one JSON line per request and per decision, on stderr."""

    requests: bool = True


class Metrics(_Section):
    """Prometheus at ``/metrics``. Off unless a file with a bearer secret is named."""

    token_file: Path | None = None


class Config(_Section):
    """The whole configuration. Relative paths are relative to ``directory``, where the file is."""

    directory: Path = Path()
    server: Server = Server()
    storage: Storage = Storage()
    identity: Identity = Identity()
    policy: Policy = Policy()
    trust: Trust = Trust()
    log: Log = Log()
    metrics: Metrics = Metrics()

    def path(self, path: Path) -> Path:
        """Return a configured path made absolute."""
        return path if path.is_absolute() else self.directory / path
