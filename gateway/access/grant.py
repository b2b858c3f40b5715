"""The grant of one request: what its token was given *and* its principal may do now.

A token is an upper bound. Every request meets it with the present standing, so that a role taken away, a disabled account
or a project made anew counts at once (zot CVE-2025-23208, Harbor 89e1c4b), and no list of revoked tokens is needed.

Three answers to a missing right:
- the token lacks an action that the caller could ask for: `Unauthorized` with the scope, whether or not the repository
  exists, since clients widen their token only then, and since the answer must not tell;
- a right that no scope can name (push for a signer, overwrite, sign): `Denied` with a sentence, by `gateway.admission`,
  which knows what is put and compares the standing again when it commits;
- the object is invisible: not here, see `gateway.access.sight`.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Answers to a missing right"), DESIGN 5.
"""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from gateway.access.rights import NO_RIGHTS, rights
from gateway.access.scopes import CATALOG, DELETE, PULL, PUSH, REPOSITORY, format_scope, held_actions
from gateway.access.values import Grant, ProjectFacts, QuarantineLevel, Rights, Role, Standing, Verb
from gateway.errors import Internal, Unauthorized
from gateway.identity.values import AccessClaims, ResourceAccess
from gateway.oci.names import RepositoryName

Action: TypeAlias = Literal["pull", "push", "delete"]
"""What an endpoint needs of the token."""

_CARRIED: Final[dict[str, frozenset[Verb]]] = {
    PULL: frozenset({Verb.PULL}),
    PUSH: frozenset({Verb.PUSH, Verb.OVERWRITE, Verb.SIGN}),
    DELETE: frozenset({Verb.DELETE}),
}
"""The verbs that each token action lets through, where they are held."""


def authorize(
    *,
    standing: Standing | None,
    claims: AccessClaims | None,
    repository: RepositoryName,
    required: Sequence[Action],
) -> Grant:
    """Return the grant of a request that needs all of the actions ``required`` in ``repository``.

    ``standing``: None where no project claims the name; ``claims``: None where no token was sent. Raises `Unauthorized`
    with the one scope to ask for: the same whether the project is not there, the token too narrow or the right gone.
    """
    if claims is not None and standing is not None:
        given = grant(standing=standing, claims=claims, repository=repository)
        if held_actions(given.rights).issuperset(required):
            return given
    scope = format_scope(ResourceAccess(type=REPOSITORY, name=repository.text, actions=frozenset(required)))
    if claims is None:
        raise Unauthorized(scopes=[scope])
    raise Unauthorized(
        f"your token does not allow {' and '.join(required)} in {repository}: either you have no such right there, or no "
        "project has this name (registry-gateway project create NAME makes one)",
        scopes=[scope],
        error="insufficient_scope",
    )


def grant(*, standing: Standing, claims: AccessClaims, repository: RepositoryName) -> Grant:
    """Return the present rights of ``standing`` in ``repository``, within what ``claims`` give there; maybe none.

    Raises `Internal` where the arguments are not of one principal and one project: that is a defect of the caller, and
    must never become a right.
    """
    if claims.principal_id != standing.principal.id or not _belongs(repository, standing.project):
        raise Internal("a token, a principal and a repository that do not belong together")
    bound = _bound(claims, standing.project, repository)
    return _grant(standing, repository, _within(rights(standing), bound))


def present_grant(standing: Standing, repository: RepositoryName) -> Grant:
    """Return what the principal of ``standing`` may do in ``repository`` now, not narrowed by a token."""
    return _grant(standing, repository, rights(standing))


def _grant(standing: Standing, repository: RepositoryName, within: Rights) -> Grant:
    return Grant(
        principal=standing.principal,
        project=standing.project,
        repository=repository,
        rights=within,
        scanner=Role.SCANNER in standing.roles and within.quarantine > QuarantineLevel.NONE,
    )


def authorize_catalog(*, claims: AccessClaims | None, active: bool) -> None:
    """Raise `Unauthorized` unless the token allows the catalog and its principal is ``active``.

    Who may list is whoever authenticated: an anonymous caller is never given this scope. What is listed is decided entry
    by entry (`gateway.access.sight.catalog_sight`).
    """
    scopes = [format_scope(CATALOG)]
    if claims is None:
        raise Unauthorized(scopes=scopes)
    if not active or CATALOG not in claims.access:
        raise Unauthorized("your token does not allow the catalog", scopes=scopes, error="insufficient_scope")


def _bound(claims: AccessClaims, project: ProjectFacts, repository: RepositoryName) -> frozenset[str]:
    """Return the actions that the token was given in ``repository``; none if it is older than the project.

    A name that was deleted and made again is another project, and an old token knows nothing of it (Harbor 89e1c4b).
    Both times are whole seconds and equal ones count: a client that asks for its token in the second in which the project
    is made must not be refused.
    """
    if claims.issued_at < project.created_at:
        return frozenset()
    for entry in claims.access:
        if entry.type == REPOSITORY and entry.name == repository.text:
            return entry.actions
    return frozenset()


def _within(present: Rights, bound: frozenset[str]) -> Rights:
    carried = frozenset[Verb]().union(*(_CARRIED[action] for action in bound if action in _CARRIED))
    if not carried:
        return NO_RIGHTS
    level = present.quarantine if PULL in bound else QuarantineLevel.NONE
    return Rights(verbs=present.verbs & carried, quarantine=level)


def _belongs(repository: RepositoryName, project: ProjectFacts) -> bool:
    # The longer form ends in a slash: `team` is not the project of `team-b/app`.
    return repository.text == project.name or repository.text.startswith(f"{project.name}/")
