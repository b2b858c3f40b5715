"""What the guard remembers counts for these very claims and this very standing, and is bounded; who may list."""

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from gateway.access.scopes import parse_scopes
from gateway.access.values import InstanceRole, Mode, ProjectFacts, Role, Standing, Visibility
from gateway.api.call import Access
from gateway.api.guard import MAX_GRANTED, Guard
from gateway.api.head import Request, parse_head
from gateway.errors import Unauthorized
from gateway.identity.access_token import issue_access_token
from gateway.identity.token_cache import TokenCache
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import RepositoryName
from tests.support.federation import no_federation
from tests.support.identity import AUDIENCE, ISSUER, NOW, RING

READER: Final = Principal("u:reader", PrincipalKind.USER, "reader")
APP: Final = RepositoryName("team/app")
HOST: Final = "registry.example"


class Standings:
    """`StandingStore` of one reader in one project, whose answer is the same value until something is committed."""

    def __init__(self, project: ProjectFacts) -> None:
        self.now_is = Standing(
            principal=READER,
            active=True,
            project=project,
            roles=frozenset({Role.READER}),
            instance_roles=frozenset(),
            quarantine_read=True,
        )

    async def standing(self, principal_id: str, repository: RepositoryName, *, now: int) -> Standing | None:
        """Return the reader's standing, the same value each time."""
        return self.now_is if principal_id == READER.id else None

    async def principal(self, principal_id: str, *, now: int) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
        """Return the reader."""
        return (READER, self.now_is.active, frozenset()) if principal_id == READER.id else None


def project() -> ProjectFacts:
    return ProjectFacts(1, "team", Mode.HOLD, Visibility.PRIVATE, 0, False, 1, 1, 1, 604_800)


def request(*scopes: str, token_id: str = "t0") -> Request:
    token = issue_access_token(
        ring=RING,
        issuer=ISSUER,
        audience=AUDIENCE,
        principal_id=READER.id,
        access=parse_scopes(scopes),
        now=NOW,
        lifetime_seconds=300,
        token_id=token_id,
    )
    headers = [(b"host", HOST.encode()), (b"authorization", f"Bearer {token}".encode())]
    return parse_head(
        {
            "type": "http",
            "method": "GET",
            "path": "/v2/",
            "raw_path": b"/v2/",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
        },
        hosts={HOST},
    )


def guard(standings: Standings) -> Guard:
    return Guard(
        tokens=TokenCache(issuer=ISSUER, audience=AUDIENCE),
        keys=lambda: RING,
        standings=standings,
        ci=no_federation(),
    )


def asks(made: Guard, asked: Request, repository: RepositoryName = APP) -> Access:
    return asyncio.run(made.repository(asked, repository, ("pull",), now=NOW))


def test_the_same_question_has_the_same_answer_and_a_new_standing_a_new_one() -> None:
    standings = Standings(project())
    made, asked = guard(standings), request("repository:team/app:pull")
    first = asks(made, asked)
    assert asks(made, asked) is first
    standings.now_is = replace(standings.now_is, roles=frozenset({Role.WRITER}))
    second = asks(made, asked)
    assert second.standing is standings.now_is
    assert second is not first


def test_what_is_remembered_gives_nothing_to_who_lost_the_right() -> None:
    standings = Standings(project())
    made, asked = guard(standings), request("repository:team/app:pull")
    asks(made, asked)
    standings.now_is = replace(standings.now_is, roles=frozenset())
    with pytest.raises(Unauthorized) as caught:
        asks(made, asked)
    assert caught.value.error == "insufficient_scope"


def test_what_is_remembered_is_bounded() -> None:
    made = guard(Standings(project()))
    names = [RepositoryName(f"team/app-{number}") for number in range(64)]
    scopes = [f"repository:{name}:pull" for name in names]

    async def fill() -> None:
        tokens = [request(*scopes, token_id=f"t{number}") for number in range(MAX_GRANTED // 64)]
        first = tokens[0]
        known = await made.repository(first, names[0], ("pull",), now=NOW)
        for number in range(1, MAX_GRANTED):
            await made.repository(tokens[number // 64], names[number % 64], ("pull",), now=NOW)
        assert await made.repository(first, names[0], ("pull",), now=NOW) is known
        await made.repository(request("repository:team/app:pull"), APP, ("pull",), now=NOW)
        assert await made.repository(first, names[0], ("pull",), now=NOW) is not known

    asyncio.run(fill())


def test_who_authenticated_with_the_scope_may_list_repositories() -> None:
    made = guard(Standings(project()))
    assert asyncio.run(made.catalog(request("registry:catalog:*"), now=NOW)) == READER
    with pytest.raises(Unauthorized) as caught:
        asyncio.run(made.catalog(request("repository:team/app:pull"), now=NOW))
    assert caught.value.error == "insufficient_scope"
    assert list(caught.value.scopes) == ["registry:catalog:*"]
