"""The endpoint table: (method, path, query) -> what is asked, and what it needs. What is not in it does not exist.

One table, one matcher made from it, no registration anywhere else. A repository's name may hold slashes and the words of
the routes (``team/blobs/app``), so a path is read from the right, where the words are.

Pure: no I/O, no third-party import.
Source: OCI distribution-spec v1.1.1, "Endpoints", and its main branch (end-7b); INTERFACE 5; security rows 2, 14, 28.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from gateway.access.grant import Action
from gateway.api.forms import Fields
from gateway.errors import RequestInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag, parse_reference

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class Endpoint(StrEnum):
    """What can be asked; also the ``route`` of logs and metrics, a closed set."""

    PING = "ping"
    CATALOG = "catalog"
    TAGS = "tags"
    MANIFEST_READ = "manifest-read"
    MANIFEST_PUT = "manifest-put"
    MANIFEST_DELETE = "manifest-delete"
    REFERRERS = "referrers"
    BLOB_READ = "blob-read"
    BLOB_DELETE = "blob-delete"
    UPLOAD_START = "upload-start"
    UPLOAD_STATUS = "upload-status"
    UPLOAD_APPEND = "upload-append"
    UPLOAD_FINISH = "upload-finish"
    UPLOAD_CANCEL = "upload-cancel"
    TOKEN_GET = "token-get"  # noqa: S105 - the name of a route
    TOKEN_POST = "token-post"  # noqa: S105 - the name of a route
    FEDERATION_TOKEN = "federation-token"  # noqa: S105 - the name of a route
    FEDERATION_REVOKE = "federation-revoke"
    LIVE = "live"
    READY = "ready"
    METRICS = "metrics"
    KEYS = "keys"
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Nothing:
    """For everybody."""


@dataclass(frozen=True, slots=True)
class OwnSecret:
    """For whoever has the endpoint's own secret, which gives nothing else (security row 24)."""


@dataclass(frozen=True, slots=True)
class AnyToken:
    """A token of an active principal, whatever it allows."""


@dataclass(frozen=True, slots=True)
class CatalogToken:
    """A token with the scope of the catalog."""


@dataclass(frozen=True, slots=True)
class Actions:
    """A token with all of these actions in the repository of the path."""

    actions: tuple[Action, ...]


Needs: TypeAlias = Nothing | OwnSecret | AnyToken | CatalogToken | Actions

_PULL: Final = Actions(("pull",))
_PUSH: Final = Actions(("push",))
_DELETE: Final = Actions(("delete",))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. ``query``: the only parameters that are read."""

    methods: tuple[Method, ...]
    path: str
    endpoint: Endpoint
    needs: Needs
    query: frozenset[str] = frozenset()


_READS: Final[tuple[Method, ...]] = ("GET", "HEAD")
_PAGE: Final = frozenset({"n", "last"})
_SESSION: Final = "/v2/<name>/blobs/uploads/<session>"

TABLE: Final[tuple[Row, ...]] = (
    Row(_READS, "/v2/<name>/manifests/<reference>", Endpoint.MANIFEST_READ, _PULL),
    Row(_READS, "/v2/<name>/blobs/<digest>", Endpoint.BLOB_READ, _PULL),
    Row(("PUT",), "/v2/<name>/manifests/<reference>", Endpoint.MANIFEST_PUT, _PUSH, frozenset({"tag"})),
    Row(("DELETE",), "/v2/<name>/manifests/<reference>", Endpoint.MANIFEST_DELETE, _DELETE),
    Row(("DELETE",), "/v2/<name>/blobs/<digest>", Endpoint.BLOB_DELETE, _DELETE),
    Row(
        ("POST",),
        "/v2/<name>/blobs/uploads/",
        Endpoint.UPLOAD_START,
        # The source of a mount needs ``pull`` too; without it the answer is an ordinary upload, not a refusal.
        _PUSH,
        frozenset({"digest", "digest-algorithm", "mount", "from"}),
    ),
    # Its own session is all that a caller gets to see or end here, so that the right to push is right for all four.
    Row(_READS, _SESSION, Endpoint.UPLOAD_STATUS, _PUSH),
    Row(("PATCH",), _SESSION, Endpoint.UPLOAD_APPEND, _PUSH),
    Row(("PUT",), _SESSION, Endpoint.UPLOAD_FINISH, _PUSH, frozenset({"digest"})),
    Row(("DELETE",), _SESSION, Endpoint.UPLOAD_CANCEL, _PUSH),
    Row(_READS, "/v2/<name>/referrers/<digest>", Endpoint.REFERRERS, _PULL, frozenset({"artifactType", "after"})),
    Row(_READS, "/v2/<name>/tags/list", Endpoint.TAGS, _PULL, _PAGE),
    Row(_READS, "/v2/", Endpoint.PING, AnyToken()),
    Row(_READS, "/v2", Endpoint.PING, AnyToken()),
    Row(_READS, "/v2/_catalog", Endpoint.CATALOG, CatalogToken(), _PAGE),
    Row(("GET",), "/token", Endpoint.TOKEN_GET, Nothing(), frozenset({"service", "scope"})),
    Row(("POST",), "/token", Endpoint.TOKEN_POST, Nothing()),
    Row(("POST",), "/federation/token", Endpoint.FEDERATION_TOKEN, Nothing()),
    Row(("POST",), "/federation/revoke", Endpoint.FEDERATION_REVOKE, Nothing()),
    Row(_READS, "/livez", Endpoint.LIVE, Nothing()),
    Row(_READS, "/readyz", Endpoint.READY, Nothing()),
    Row(_READS, "/metrics", Endpoint.METRICS, OwnSecret()),
    Row(_READS, "/.well-known/jwks.json", Endpoint.KEYS, Nothing()),
    Row(_READS, "/.well-known/registry-gateway", Endpoint.ABOUT, Nothing()),
)

REPEATABLE: Final = frozenset({"scope", "tag"})
"""Parameters that may be given more than once; of any other, two are two readings."""

MAX_SESSION_CHARS: Final = 128

MAX_REMEMBERED_PATHS: Final = 2048
"""Of at most 2 KiB each: what a path is depends on nothing else. Refused ones are not kept."""

Query: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Target:
    """What the path names, parsed. Only what the row's path has is not None."""

    name: RepositoryName | None = None
    reference: Digest | Tag | None = None
    digest: Digest | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The row of a request, and what its path names."""

    row: Row
    target: Target


@dataclass(frozen=True, slots=True)
class OtherMethod:
    """The path exists, for these methods."""

    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSuchAddress:
    """The path does not exist."""


Match: TypeAlias = Found | OtherMethod | NoSuchAddress

_PARAMETERS: Final = {"name": "(.+)", "reference": "([^/]+)", "digest": "([^/]+)", "session": "([^/]+)"}
_PARAMETER: Final = re.compile(r"<([a-z]+)>")


class Router:
    """The one matcher of a table."""

    def __init__(self, table: Sequence[Row]) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        for row in table:
            methods = self._rows.setdefault(row.path, {})
            for method in row.methods:
                if method in methods:
                    raise ValueError(f"two rows for {method} {row.path}")
                methods[method] = row
        self._paths = tuple(self._rows)
        self._parameters = tuple(tuple(_PARAMETER.findall(path)) for path in self._paths)
        self._pattern = re.compile(
            "|".join(f"(?P<p{number}>{_expression(path)})" for number, path in enumerate(self._paths))
        )
        self.match = functools.lru_cache(MAX_REMEMBERED_PATHS)(self._match)

    def _match(self, method: str, path: str) -> Match:
        """Return what ``method`` on ``path`` is. Raises `NameInvalid`, `TagInvalid`, `DigestInvalid` for what it names."""
        matched = self._pattern.fullmatch(path)
        if matched is None or matched.lastgroup is None or matched.lastindex is None:
            return NoSuchAddress()
        number = int(matched.lastgroup[1:])
        rows = self._rows[self._paths[number]]
        row = rows.get(method)
        if row is None:
            return OtherMethod(tuple(rows))
        first = matched.lastindex + 1
        names = self._parameters[number]
        return Found(row, _target({name: matched[first + place] for place, name in enumerate(names)}))


def select(row: Row, query: Fields) -> Query:
    """Return the parameters that ``row`` reads. Raises `RequestInvalid` for one that is given twice and must not be."""
    selected: dict[str, tuple[str, ...]] = {}
    for name, value in query:
        if name not in row.query:
            continue
        before = selected.get(name, ())
        if before and name not in REPEATABLE:
            raise RequestInvalid(f"the parameter {name} is given twice")
        selected[name] = (*before, value)
    return selected


def only(query: Query, name: str) -> str | None:
    """Return the parameter ``name``, which is given once or not at all."""
    values = query.get(name)
    return None if values is None else values[0]


def _expression(path: str) -> str:
    parts = _PARAMETER.split(path)
    # Text and parameter names in turn; ``.+`` is greedy, which is what reads the name from the right.
    return "".join(_PARAMETERS[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))


def _target(named: Mapping[str, str]) -> Target:
    if not named:
        return _NO_TARGET
    reference, digest = named.get("reference"), named.get("digest")
    return Target(
        name=RepositoryName.parse(named["name"]),
        reference=None if reference is None else parse_reference(reference),
        digest=None if digest is None else Digest.parse(digest),
        session=named.get("session"),
    )


_NO_TARGET: Final = Target()
