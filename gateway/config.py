"""The configuration: one file and the environment, parsed once into one frozen value.

An unknown key is an error that names the nearest known one, since a misspelt limit is no limit. Environment variables
``REGISTRY_GATEWAY__SECTION__KEY`` win over the file. Secrets are never values here: files name them.
This is the one module that reads the environment (STYLE 5).

I/O: reads the file; nothing else.
Source: INTERFACE 4.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.errors import ConfigInvalid
from gateway.evidence.limits import MAX_ATTESTATION_BYTES, MAX_EVIDENCE_MANIFEST_BYTES

ENVIRONMENT_PREFIX: Final = "REGISTRY_GATEWAY__"
DEFAULT_FILE: Final = "gateway.toml"
MEBIBYTE: Final = 1024 * 1024
MAX_PORT: Final = 65535
_LATER: Final = re.compile(
    r"audit|identity\.(issuer|provider)|mirror|policy\.shadow|projects|server\.trusted_proxies|storage\.(catalog|content)|upstream"
)
"""Of INTERFACE 4, with nothing behind them yet: whoever wrote one did not misspell it."""
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


class Identity(_Section):
    """Local accounts and our own tokens."""

    token_seconds: int = Field(default=300, ge=60, le=900)
    key_directory: Path = Path("keys/token")


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


def read_secret(file: Path, *, key: str) -> str:
    """Return the secret in ``file``: one word of printable ASCII, as it travels in a header.

    Raises `ConfigInvalid`, which names the setting ``key`` and shows nothing of the file. Empty is not "nobody" either.
    """
    try:
        text = file.read_bytes().decode("ascii").strip()
    except OSError as error:
        raise ConfigInvalid(f"{key}: {file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable() or " " in text:
        raise ConfigInvalid(f"{key}: {file} must hold one secret, a line of printable ASCII without spaces") from None
    return text


def find_file(option: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the configuration file that the command line and the environment name."""
    return option or Path(environment.get("REGISTRY_GATEWAY_CONFIG", DEFAULT_FILE))


def process_environment() -> Mapping[str, str]:
    """Return the environment of this process: read here and nowhere else."""
    return os.environ


def load(file: Path, environment: Mapping[str, str]) -> Config:
    """Return the configuration in ``file`` with the environment's overrides. Raises `ConfigInvalid`."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigInvalid(f"{file}: {error.strerror}; `registry-gateway init DIR` writes one") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{file} is not UTF-8") from None
    return parse(text, environment, directory=file.resolve().parent, name=str(file))


def parse(text: str, environment: Mapping[str, str], *, directory: Path, name: str) -> Config:
    """Return the configuration that ``text`` (TOML) is, with the environment's overrides. Raises `ConfigInvalid`."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"{name}: not TOML: {error}") from None
    overridden = _override(document, environment)
    if "directory" in document:  # ours to set: believed from a file, it would move every relative path
        raise ConfigInvalid(f"{overridden.get(('directory',), name)}: {_unknown(['directory'])}")
    try:
        return Config.model_validate({**document, "directory": directory})
    except ValidationError as error:
        where, sentence = _first(error)
        raise ConfigInvalid(f"{overridden.get(where, name)}: {sentence}") from None


def _override(document: dict[str, Any], environment: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Put the environment's values into the document; return which variable set which key, for messages."""
    overridden: dict[tuple[str, ...], str] = {}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        *sections, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ConfigInvalid(f"{variable}: {section} is not a section")
        place[key] = environment[variable]
        overridden[*sections, key] = variable
    return overridden


def _first(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """Return where the first mistake is and one sentence about it."""
    detail = error.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in detail["loc"]]
    if detail["type"] == "extra_forbidden":
        return tuple(where), _unknown(where)
    return tuple(where), f"{'.'.join(where) or 'the file'}: {detail['msg'].removeprefix('Value error, ')}"


def _unknown(where: list[str]) -> str:
    """Return the sentence about an unknown key: that it is for later, or the nearest known name."""
    if _LATER.fullmatch(".".join(where)):
        return f"{'.'.join(where)}: is not there yet in this version; remove it"
    known = _known_keys(where[:-1])
    near = difflib.get_close_matches(where[-1], known, n=1)
    hint = f", did you mean {near[0]}?" if near else f", the known ones are {', '.join(known)}"
    return f"{'.'.join(where)}: unknown key{hint}"


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for name in section:
        annotation = model.model_fields[name].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(name for name in model.model_fields if name != "directory" or model is not Config)
