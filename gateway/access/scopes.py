"""Scopes: what a client asks a token for, in the words of the Docker token protocol.

``repository:NAME:ACTIONS`` and ``registry:catalog:*``. What we do not know is dropped without an error, since a token with
less than was asked is a right answer; only too much of it is refused. A scope is a question: `token_scope` answers it with
what is asked *and* held, never with everything held.

Pure: no I/O, no third-party import.
Source: distribution, docs/content/spec/auth/scope.md and token.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.access.values import Rights, Verb
from gateway.errors import NameInvalid, RequestInvalid
from gateway.identity.values import ResourceAccess
from gateway.oci.names import COMPONENT, RepositoryName

MAX_SCOPES: Final = 64
"""DESIGN 11."""
MAX_SCOPE_CHARS: Final = 512
"""A repository name of 255, a host with its port, the type and every action there is."""

REPOSITORY: Final = "repository"
REGISTRY: Final = "registry"
PULL: Final = "pull"
PUSH: Final = "push"
DELETE: Final = "delete"
REPOSITORY_ACTIONS: Final = (PULL, PUSH, DELETE)
"""In the order in which they are written."""
CATALOG: Final = ResourceAccess(type=REGISTRY, name="catalog", actions=frozenset({"*"}))

_TYPE: Final = re.compile(r"(?P<type>[a-z0-9]+)(?:\([a-z0-9]+\))?")
_NAME: Final = re.compile(rf"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{{1,5}}/)?{COMPONENT}(?:/{COMPONENT})*")
_ANY: Final = "*"


def parse_scopes(texts: Iterable[str]) -> tuple[ResourceAccess, ...]:
    """Return what is asked for in ``texts``, each of them one scope or several with spaces between.

    Two scopes of one resource become one; ``*`` becomes every action. Raises `RequestInvalid` for more than `MAX_SCOPES`
    scopes or one over `MAX_SCOPE_CHARS`.
    """
    asked: dict[tuple[str, str], frozenset[str]] = {}
    count = 0
    for text in texts:
        for scope in text.split(" "):
            if not scope:
                continue
            count += 1
            if count > MAX_SCOPES:
                raise RequestInvalid(f"a token is given for at most {MAX_SCOPES} scopes")
            if len(scope) > MAX_SCOPE_CHARS:
                raise RequestInvalid(f"a scope has at most {MAX_SCOPE_CHARS} characters")
            entry = _parse_scope(scope)
            if entry is not None:
                key = (entry.type, entry.name)
                asked[key] = asked.get(key, frozenset()) | entry.actions
    return tuple(ResourceAccess(type=kind, name=name, actions=actions) for (kind, name), actions in asked.items())


def format_scope(access: ResourceAccess) -> str:
    """Return ``access`` as one scope, its actions in the order pull, push, delete."""
    known = [action for action in REPOSITORY_ACTIONS if action in access.actions]
    others = sorted(access.actions.difference(REPOSITORY_ACTIONS))
    return f"{access.type}:{access.name}:{','.join(known + others)}"


def repositories(requested: Sequence[ResourceAccess]) -> tuple[RepositoryName, ...]:
    """Return the repositories that ``requested`` names, those that can exist here: whose rights are to be looked up."""
    names = []
    for entry in requested:
        if entry.type == REPOSITORY:
            try:
                names.append(RepositoryName.parse(entry.name))
            except NameInvalid:
                # A host before the name, or too long: a scope may be so written, and no repository here is.
                continue
    return tuple(names)


def token_scope(
    requested: Sequence[ResourceAccess],
    rights_by_repository: Mapping[RepositoryName, Rights],
    *,
    catalog: bool,
) -> tuple[ResourceAccess, ...]:
    """Return what a token is given: of ``requested``, what is held. A repository without rights is left out.

    ``catalog``: whether the caller may list repositories (whoever has authenticated may; the list is filtered).
    """
    held = {name.text: held_actions(rights) for name, rights in rights_by_repository.items()}
    given = []
    for entry in requested:
        if entry.type == REPOSITORY:
            actions = entry.actions & held.get(entry.name, frozenset())
            if actions:
                given.append(ResourceAccess(type=REPOSITORY, name=entry.name, actions=actions))
        elif catalog and (entry.type, entry.name) == (CATALOG.type, CATALOG.name):
            given.append(CATALOG)
    return tuple(given)


def held_actions(rights: Rights) -> frozenset[str]:
    """Return the token actions that ``rights`` give.

    ``push`` is given to whoever may sign, too: clients have no other word for writing a signature. What is pushed with it
    is looked at in admission, where images need the verb itself. ``quarantine-read`` implies pull.
    """
    verbs = {action for action, verb in ((PULL, Verb.PULL), (DELETE, Verb.DELETE)) if rights.allows(verb)}
    if rights.quarantine:
        verbs.add(PULL)
    if rights.allows(Verb.PUSH) or rights.allows(Verb.SIGN):
        verbs.add(PUSH)
    return frozenset(verbs)


def _parse_scope(scope: str) -> ResourceAccess | None:
    """Return what one scope asks for, or None where there is nothing of ours in it.

    The type is read from the left and the actions from the right: the name between may hold a colon, of ``host:port/``.
    """
    kind, _, rest = scope.partition(":")
    name, colon, actions_text = rest.rpartition(":")
    matched = _TYPE.fullmatch(kind)
    if matched is None or not colon:
        return None
    actions = frozenset(actions_text.split(","))
    if matched["type"] == REGISTRY:
        return CATALOG if name == CATALOG.name and kind == REGISTRY and _ANY in actions else None
    # ``repository(plugin)`` is an old spelling of repository, and is never written by us.
    if matched["type"] != REPOSITORY or _NAME.fullmatch(name) is None:
        return None
    known = frozenset(REPOSITORY_ACTIONS)
    wanted = known if _ANY in actions else actions & known
    return ResourceAccess(type=REPOSITORY, name=name, actions=wanted) if wanted else None
