"""Which tokens of a CI platform become which rights? One rule, from what the operator wrote.

The principal is the rule, like a robot. A rule is read whole or refused whole; nothing in it is skipped.

Pure: no I/O, no third-party import.
Source: issue 5, item 3; reference/auth.md 3, "Rules for us" 1; INTERFACE 3 (``federation add FILE``); TOML v1.0.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NoReturn

from gateway.errors import FederationInvalid, NameInvalid
from gateway.identity.federation.conditions import Condition, check_immutable, read_conditions
from gateway.identity.federation.repositories import RepositoryGlob
from gateway.identity.federation.session import DEFAULT_SESSION_SECONDS, MAX_SESSION_SECONDS, MIN_SESSION_SECONDS
from gateway.oci.names import ProjectName, RepositoryName

MAX_RULE_BYTES: Final = 16 * 1024
MAX_REPOSITORIES: Final = 64
MAX_AUDIENCE_CHARS: Final = 512

_REQUIRED: Final = frozenset({"name", "issuer", "audience", "project", "role", "match"})
_KEYS: Final = _REQUIRED | {"repositories", "session", "bind_address"}
_ROLES: Final[dict[str, Literal["reader", "writer", "scanner"]]] = {
    "reader": "reader",
    "writer": "writer",
    "scanner": "scanner",
}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SESSION: Final = re.compile(r"([1-9][0-9]{0,5})([smh])")
_UNITS: Final = {"s": 1, "m": 60, "h": 60 * 60}
_NO_MORE: Final[Mapping[str, Collection[str]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FederationRule:
    """A rule that was read.

    ``issuer`` is the configured issuer's name; ``match`` is in the order in which it is asked, and never empty. ``role`` is
    on the repositories of ``project`` that one of ``repositories`` covers; ``session_seconds`` is how long a session lasts
    from its token's first use, unless the token lasts longer; with ``bind_address`` it is for the client address of that
    first use alone.
    """

    name: str
    issuer: str
    audience: str
    match: tuple[Condition, ...]
    project: ProjectName
    repositories: tuple[RepositoryGlob, ...]
    role: Literal["reader", "writer", "scanner"]
    session_seconds: int
    bind_address: bool

    def reaches(self, repository: RepositoryName) -> bool:
        """Return whether ``repository`` is one of those that the rule gives its role in."""
        return any(one.covers(repository) for one in self.repositories)


def parse_rule(
    content: bytes, *, where: str, immutable_claims: Mapping[str, Collection[str]] = _NO_MORE
) -> FederationRule:
    """Return the rule written in ``content``, a TOML document. ``immutable_claims`` are each issuer's own, by its name.

    Raises `FederationInvalid`, in one sentence that begins with ``where`` and says what to do.
    """
    rule = read_rule(content, where=where)
    check_immutable(rule.match, where=where, immutable_claims=immutable_claims.get(rule.issuer, ()))
    return rule


def read_rule(content: bytes, *, where: str) -> FederationRule:
    """Return the rule written in ``content``, as `parse_rule` does, and leave to the caller which claims are immutable."""
    if len(content) > MAX_RULE_BYTES:
        _refuse(where, f"is larger than {MAX_RULE_BYTES} bytes: write one rule to a file")
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        _refuse(where, f"is not TOML: correct it ({' '.join(str(error).split())})")
    except (ValueError, RecursionError):
        # Not UTF-8, a number of thousands of digits, brackets by the thousand.
        _refuse(where, "is not TOML: correct it, a rule is a short text in UTF-8")
    return _read(document, where=where)


def _read(document: Mapping[str, object], *, where: str) -> FederationRule:
    _check_keys(document, where=where)
    project = _project(document["project"], where=where)
    return FederationRule(
        name=_name("name", document["name"], where=where),
        issuer=_name("issuer", document["issuer"], where=where),
        audience=_audience(document["audience"], where=where),
        match=read_conditions(document["match"], where=where),
        project=project,
        repositories=_repositories(document.get("repositories"), project=project, where=where),
        role=_role(document["role"], where=where),
        session_seconds=_session(document.get("session", DEFAULT_SESSION_SECONDS), where=where),
        bind_address=_flag("bind_address", document.get("bind_address", False), where=where),
    )


def _check_keys(document: Mapping[str, object], *, where: str) -> None:
    for key in document:
        if key not in _KEYS:
            _refuse(where, f"the key {key[:60]!r} is unknown: {_instead(key, _KEYS)}")
    missing = sorted(_REQUIRED - document.keys())
    if missing:
        _refuse(where, f"lacks {', '.join(missing)}: write {'it' if len(missing) == 1 else 'them'}")


def _name(key: str, value: object, *, where: str) -> str:
    if key == "issuer" and isinstance(value, str) and "://" in value:
        _refuse(where, "issuer must be a name: write the `name` of the [[identity.issuer]] section, not its address")
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        _refuse(where, f"{key} must be a name: write 1 to 63 of a-z 0-9 -, not beginning with -")
    return value


def _audience(value: object, *, where: str) -> str:
    if not isinstance(value, str):
        _refuse(where, "audience must be exactly one text: write the one that this registry's tokens are made for")
    if not 0 < len(value) <= MAX_AUDIENCE_CHARS or not value.isprintable() or "*" in value:
        _refuse(where, f"audience must be exact: write 1 to {MAX_AUDIENCE_CHARS} printable characters without *")
    return value


def _project(value: object, *, where: str) -> ProjectName:
    if not isinstance(value, str):
        _refuse(where, "project must be text: write the project's name")
    try:
        return ProjectName.parse(value)
    except NameInvalid as invalid:
        _refuse(where, f"project cannot be {invalid.name!r}: write a project's name ({invalid.reason})")


def _repositories(value: object, *, project: ProjectName, where: str) -> tuple[RepositoryGlob, ...]:
    if value is None:
        return RepositoryGlob.all_of(project)
    if not isinstance(value, list) or not 0 < len(value) <= MAX_REPOSITORIES:
        _refuse(
            where, f"repositories must be a list of 1 to {MAX_REPOSITORIES} globs: leave it out for all the project"
        )
    return tuple(sorted({_repository(one, project=project, where=where) for one in value}))


def _repository(value: object, *, project: ProjectName, where: str) -> RepositoryGlob:
    if not isinstance(value, str):
        _refuse(where, "repositories must be texts: write each glob in quotation marks")
    try:
        return RepositoryGlob.parse(value, project=project)
    except ValueError as reason:
        _refuse(where, f"the repository glob {value[:100]!r} {reason}")


def _role(value: object, *, where: str) -> Literal["reader", "writer", "scanner"]:
    if not isinstance(value, str) or value not in _ROLES:
        _refuse(where, f"role is unknown: {_instead(value if isinstance(value, str) else '', _ROLES.keys())}")
    return _ROLES[value]


def _session(value: object, *, where: str) -> int:
    written = _SESSION.fullmatch(value) if isinstance(value, str) else None
    seconds = int(written[1]) * _UNITS[written[2]] if written is not None else value
    # A Boolean is an integer to Python.
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        _refuse(where, 'session must be whole seconds, or text such as "90s", "20m" or "1h": write one of these')
    if not MIN_SESSION_SECONDS <= seconds <= MAX_SESSION_SECONDS:
        _refuse(where, f"session must be 1 minute to {MAX_SESSION_SECONDS // 3600} hours: write a time between them")
    return seconds


def _flag(key: str, value: object, *, where: str) -> bool:
    if not isinstance(value, bool):
        _refuse(where, f"{key} must be true or false: write it without quotation marks")
    return value


def _instead(word: str, known: AbstractSet[str]) -> str:
    near = difflib.get_close_matches(word[:60], sorted(known), n=1)
    return f"write {near[0]!r}" if near else f"write one of {', '.join(sorted(known))}"


def _refuse(where: str, reason: str) -> NoReturn:
    raise FederationInvalid(f"{where}: {reason}")
