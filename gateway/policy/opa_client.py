"""The client of an OPA server: one question, over a Unix socket or TLS, with nothing between the answer and us.

A subclass of opa-python-client's, because its defaults are wrong for decisions: it retries deterministic policy errors,
drops OPA's error body, cannot reach a socket or a private CA, and reads *undefined* as an ordinary answer. Nothing of it
that writes to a server is used: a policy comes by the operator's bundle, never from here.

I/O: HTTP.
Source: opa-python-client 3.0.0; OPA REST API, "Data API".
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, TypeAlias
from urllib.parse import urlsplit

import aiohttp
from opa_client.opa_async import AsyncOpaClient  # type: ignore[import-untyped]  # The package has no annotations.

from gateway.errors import ConfigInvalid, DocumentInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject, JsonValue

DECISION_PATH: Final = "/v1/data/registry/admission/decision"
REVISION_PATH: Final = "/v1/data/registry/admission/revision"
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_MAX_ANSWER_NODES: Final = 500_000
"""Each of 1,001 subjects times each rule is a finding of about ten values; 30 rules of the operator's fit."""
_MAX_DEPTH: Final = 32
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_STRICT: Final = {"strict-builtin-errors": "true"}
"""Without it, OPA turns the error of a builtin into undefined, and a deny into an admission."""


@dataclass(frozen=True, slots=True)
class OpaAddress:
    """Where the server is: a Unix socket, or a host with TLS and a CA of its own.

    ``ca_file`` None means the system's CAs. ``client_certificate`` is a PEM certificate and its key. ``token`` is sent as
    Bearer (`--authentication=token`).
    """

    socket: Path | None = None
    host: str = "localhost"
    port: int = 8181
    tls: bool = True
    ca_file: Path | None = None
    client_certificate: tuple[Path, Path] | None = None
    token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, *, ca_file: Path | None = None, token: str | None = None) -> Self:
        """Return the address that ``text`` writes: ``unix:///path`` or ``http(s)://HOST[:PORT]``, and nothing more.

        Raises `ConfigInvalid`, also for one that would send inputs and tokens over a network in the clear.
        """
        parts = urlsplit(text)
        if parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1 and not parts.query:
            return cls(socket=Path(parts.path), tls=False, token=token)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if parts.scheme not in {"http", "https"} or not host or parts.path.strip("/") or parts.query or "@" in text:
            raise ConfigInvalid(f"{text!r} is not unix:///PATH or http(s)://HOST:PORT")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ConfigInvalid(f"the policy engine at {host} must be reached with https")
        return cls(
            host=host, port=8181 if port is None else port, tls=parts.scheme == "https", ca_file=ca_file, token=token
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """HTTP 200: the document's value; ``defined`` is False where there was none."""

    value: JsonValue
    defined: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answered and has no value: its own words, for the operator."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """No answer: not there, cut off, or too late."""

    reason: str


OpaAnswer: TypeAlias = Answered | Refused | Unreached


class OpaClient(AsyncOpaClient):  # type: ignore[misc]  # The base class has no annotations.
    """`AsyncOpaClient` with our own transport and one way to ask."""

    def __init__(self, address: OpaAddress, *, max_connections: int = 16) -> None:
        super().__init__(
            host=f"[{address.host}]" if ":" in address.host else address.host,
            port=address.port,
            ssl=address.tls and address.socket is None,
            token=address.token,
            retries=0,
        )
        self._session: aiohttp.ClientSession | None = None
        self._address = address
        self._max_connections = max_connections

    async def _init_session(self) -> None:
        self._connector = self._make_connector()
        self._session = aiohttp.ClientSession(
            headers=self.headers,
            connector=self._connector,
            # The environment's proxies and .netrc are not ours to follow.
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def ask(self, path: str, body: bytes, *, deadline_seconds: float) -> OpaAnswer:
        """Return what the server says of ``path``, one of the constants above, for the JSON document ``body``.

        Never retries: an error of the policy is the same the second time, and the caller's client retries the push.
        Leaving early closes the connection, which makes OPA stop evaluating.
        """
        if self._session is None:
            return Unreached("the policy engine is closed")
        base = f"{self.schema}{self.host}:{self.port}"
        try:
            async with self._session.post(
                base + path,
                params=_STRICT,
                data=body,
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=deadline_seconds),
                allow_redirects=False,
            ) as response:
                # The body before the status: an error's reason is in it.
                content = await _read(response)
                return _understood(response.status, content)
        except TimeoutError:
            return Unreached("the policy engine took too long")
        except (aiohttp.ClientError, OSError) as error:
            return Unreached(f"the policy engine cannot be reached: {type(error).__name__}")

    def _make_connector(self) -> aiohttp.BaseConnector:
        if self._address.socket is not None:
            return aiohttp.UnixConnector(str(self._address.socket), limit=self._max_connections)
        if not self._address.tls:
            return aiohttp.TCPConnector(limit=self._max_connections)
        return aiohttp.TCPConnector(ssl=_tls_context(self._address), limit=self._max_connections)


def _tls_context(address: OpaAddress) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if address.ca_file is None else str(address.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if address.client_certificate is not None:
            certificate, key = address.client_certificate
            context.load_cert_chain(str(certificate), str(key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(f"the TLS files of the policy engine cannot be read: {error}") from None
    return context


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(content)


def _understood(status: int, content: bytes) -> OpaAnswer:
    try:
        document = strict_json.parse_object(
            content, max_bytes=MAX_ANSWER_BYTES, max_depth=_MAX_DEPTH, max_nodes=_MAX_ANSWER_NODES
        )
    except DocumentInvalid as error:
        return Refused(status, f"HTTP {status} with a body that is not its own: {error.reason}")
    if status == 200:
        return Answered(document.get("result"), "result" in document)
    return Refused(status, f"HTTP {status}: {_words(document)}")


def _words(document: Mapping[str, JsonValue]) -> str:
    """Return OPA's code and message, and its first error with the place in the policy."""
    parts = [str(document[name]) for name in ("code", "message") if isinstance(document.get(name), str)]
    errors = document.get("errors")
    first: JsonValue = errors[0] if isinstance(errors, list) and errors else None
    if isinstance(first, dict):
        parts.append(_error(first))
    return ": ".join(parts)[:1000] or "no reason given"


def _error(error: JsonObject) -> str:
    location = error.get("location")
    place = f" at {location.get('file')}:{location.get('row')}" if isinstance(location, dict) else ""
    return f"{error.get('code')}: {error.get('message')}{place}"
