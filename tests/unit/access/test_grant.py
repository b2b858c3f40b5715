"""Grants: a token within present rights, and the answers to a missing right."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.grant import Action, authorize, authorize_catalog, grant, present_grant
from gateway.access.rights import rights
from gateway.access.scopes import CATALOG
from gateway.access.stores import StandingStore
from gateway.access.values import Grant, InstanceRole, QuarantineLevel, Role, Standing, Verb, Visibility
from gateway.errors import Internal, Unauthorized
from gateway.identity.values import ANONYMOUS, AccessClaims
from gateway.oci.names import RepositoryName
from tests.support.identity import ALICE, NOW, PROPERTY, FakeStandings, claims, project, standing

APP = RepositoryName.parse("team/app")
NONE, SIGNING, FULL = QuarantineLevel
SCOPE = "repository:team/app:"


@pytest.mark.parametrize(
    ("of", "token", "verbs", "level"),
    [
        pytest.param(standing(Role.READER), claims("pull"), {"pull"}, NONE, id="reader"),
        pytest.param(standing(Role.READER), claims("pull", "push", "delete"), {"pull"}, NONE, id="token-over-rights"),
        pytest.param(standing(Role.OWNER), claims("pull"), {"pull"}, FULL, id="pull-carries-the-level"),
        pytest.param(
            standing(Role.OWNER), claims("push"), {"push", "overwrite", "sign"}, NONE, id="push-carries-three"
        ),
        pytest.param(standing(Role.OWNER), claims("delete"), {"delete"}, NONE, id="delete"),
        pytest.param(
            standing(Role.WRITER, facts=project(writers_read_held=False)),
            claims("pull", "push"),
            {"pull", "push", "overwrite", "sign"},
            SIGNING,
            id="signing-level",
        ),
        pytest.param(standing(Role.SCANNER), claims("pull", "push"), {"pull", "sign"}, FULL, id="scanner"),
        pytest.param(standing(Role.OWNER), claims(), set(), NONE, id="empty-token"),
        pytest.param(standing(Role.OWNER), claims("*"), set(), NONE, id="star-is-not-an-action-here"),
        pytest.param(standing(Role.OWNER), claims("pull", repository="team/b"), set(), NONE, id="another-repository"),
        pytest.param(
            standing(Role.OWNER), claims("pull", repository="team"), set(), NONE, id="the-project-is-no-prefix"
        ),
        pytest.param(standing(), claims("pull", "push"), set(), NONE, id="role-lost"),
        pytest.param(standing(Role.OWNER, active=False), claims("pull"), set(), NONE, id="disabled"),
        pytest.param(
            standing(Role.OWNER, facts=project(created_at=NOW + 1)),
            claims("pull"),
            set(),
            NONE,
            id="row-19-project-anew",
        ),
        pytest.param(
            standing(Role.READER, facts=project(created_at=NOW)), claims("pull"), {"pull"}, NONE, id="made-this-second"
        ),
        pytest.param(
            standing(facts=project(created_at=NOW + 1, visibility=Visibility.PUBLIC)),
            claims("pull"),
            set(),
            NONE,
            id="row-19-public",
        ),
    ],
)
def test_grant(of: Standing, token: AccessClaims, verbs: set[str], level: QuarantineLevel) -> None:
    given_ = grant(standing=of, claims=token, repository=APP)
    assert given_.rights.verbs == verbs
    assert given_.rights.quarantine is level
    assert (given_.principal, given_.project, given_.repository) == (of.principal, of.project, APP)


def test_registry_entry_gives_nothing_in_a_repository() -> None:
    token = AccessClaims("u:alice", (CATALOG,), NOW, NOW + 300, "t1")
    assert grant(standing=standing(Role.OWNER), claims=token, repository=APP).rights.verbs == set()


@pytest.mark.parametrize(
    ("role", "actions", "expected"),
    [
        pytest.param(Role.SCANNER, ["pull"], True, id="scanner"),
        pytest.param(Role.SCANNER, ["push"], False, id="scanner-without-pull"),
        pytest.param(Role.OWNER, ["pull"], False, id="owner"),
    ],
)
def test_scanner(role: Role, actions: list[str], expected: bool) -> None:
    assert grant(standing=standing(role), claims=claims(*actions), repository=APP).scanner is expected


_ACTIONS = st.lists(st.sampled_from(["pull", "push", "delete"]), unique=True)


@PROPERTY
@given(
    st.sets(st.sampled_from(Role)),
    st.sets(st.sampled_from(InstanceRole)),
    _ACTIONS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_grant_is_never_more_than_present_rights(
    roles: set[Role],
    instance_roles: set[InstanceRole],
    actions: list[str],
    active: bool,
    quarantine_read: bool,
    writers_read_held: bool,
) -> None:
    of = standing(
        *roles,
        instance_roles=frozenset(instance_roles),
        active=active,
        quarantine_read=quarantine_read,
        facts=project(writers_read_held=writers_read_held),
    )
    present = rights(of)
    within = grant(standing=of, claims=claims(*actions), repository=APP).rights
    assert within.verbs <= present.verbs
    assert within.quarantine in (NONE, present.quarantine)
    if "pull" not in actions:
        assert within.quarantine is NONE
        assert Verb.PULL not in within.verbs


@pytest.mark.parametrize(
    ("token", "repository"),
    [
        pytest.param(claims("pull", principal_id="u:bob"), "team/app", id="another-principal"),
        pytest.param(claims("pull", repository="team-b/app"), "team-b/app", id="another-project-same-prefix"),
        pytest.param(claims("pull", repository="other/app"), "other/app", id="another-project"),
    ],
)
def test_grant_refuses_what_does_not_belong_together(token: AccessClaims, repository: str) -> None:
    with pytest.raises(Internal):
        grant(standing=standing(Role.OWNER), claims=token, repository=RepositoryName.parse(repository))


def test_grant_for_the_repository_called_like_its_project() -> None:
    token = claims("pull", repository="team")
    of = standing(Role.READER)
    assert grant(standing=of, claims=token, repository=RepositoryName.parse("team")).rights.verbs == {"pull"}


@pytest.mark.parametrize(
    ("of", "required", "verbs"),
    [
        pytest.param(standing(Role.READER), ["pull"], {"pull"}, id="pull"),
        pytest.param(standing(Role.WRITER), ["pull", "push"], {"pull", "push", "overwrite", "sign"}, id="push"),
        pytest.param(standing(Role.SCANNER), ["pull", "push"], {"pull", "sign"}, id="push-for-a-signer"),
        pytest.param(
            standing(Role.MAINTAINER), ["delete"], {"pull", "push", "overwrite", "sign", "delete"}, id="delete"
        ),
    ],
)
def test_authorize(of: Standing, required: list[Action], verbs: set[str]) -> None:
    token = claims("pull", "push", "delete")
    assert authorize(standing=of, claims=token, repository=APP, required=required).rights.verbs == verbs


@pytest.mark.parametrize(
    ("of", "token", "required", "scope", "error"),
    [
        pytest.param(None, None, ["pull"], "pull", None, id="no-token-no-project"),
        pytest.param(standing(Role.OWNER), None, ["pull", "push"], "pull,push", None, id="no-token"),
        pytest.param(None, claims("pull"), ["pull"], "pull", "insufficient_scope", id="project-gone"),
        pytest.param(standing(Role.OWNER), claims(), ["pull"], "pull", "insufficient_scope", id="token-too-narrow"),
        pytest.param(
            standing(Role.OWNER), claims("pull"), ["pull", "push"], "pull,push", "insufficient_scope", id="widen"
        ),
        pytest.param(standing(), claims("pull"), ["pull"], "pull", "insufficient_scope", id="right-gone"),
        pytest.param(
            standing(Role.READER), claims("pull", "push"), ["push"], "push", "insufficient_scope", id="reader-pushes"
        ),
        pytest.param(
            standing(Role.WRITER), claims("delete"), ["delete"], "delete", "insufficient_scope", id="writer-deletes"
        ),
        pytest.param(
            standing(Role.OWNER, active=False), claims("pull"), ["pull"], "pull", "insufficient_scope", id="disabled"
        ),
    ],
)
def test_authorize_refuses(
    of: Standing | None, token: AccessClaims | None, required: list[Action], scope: str, error: str | None
) -> None:
    with pytest.raises(Unauthorized) as caught:
        authorize(standing=of, claims=token, repository=APP, required=required)
    assert caught.value.scopes == (SCOPE + scope,)
    assert caught.value.error == error


def test_row_118_a_missing_project_and_a_missing_right_read_the_same() -> None:
    answers = set()
    for of in (None, standing(), standing(Role.READER, active=False), standing(facts=project(created_at=NOW + 9))):
        with pytest.raises(Unauthorized) as caught:
            authorize(standing=of, claims=claims("pull", "push"), repository=APP, required=["pull", "push"])
        answers.add((caught.value.message, caught.value.scopes, caught.value.error))
    assert len(answers) == 1


def test_authorize_catalog() -> None:
    token = AccessClaims("u:alice", (CATALOG,), NOW, NOW + 300, "t1")
    authorize_catalog(claims=token, active=True)
    for wrong, active, error in (
        (None, True, None),
        (token, False, "insufficient_scope"),
        (claims("pull"), True, "insufficient_scope"),
    ):
        with pytest.raises(Unauthorized) as caught:
            authorize_catalog(claims=wrong, active=active)
        assert caught.value.scopes == ("registry:catalog:*",)
        assert caught.value.error == error


def test_anonymous_reads_a_public_project() -> None:
    of = standing(principal=ANONYMOUS, facts=project(visibility=Visibility.PUBLIC))
    given_ = authorize(standing=of, claims=claims("pull", principal_id="anonymous"), repository=APP, required=["pull"])
    assert given_.rights.verbs == {"pull"}
    assert given_.rights.quarantine is NONE


def test_from_the_store_to_the_grant() -> None:
    store: StandingStore = FakeStandings(
        projects={"team": project()},
        principals={ALICE.id: (ALICE, True, frozenset())},
        roles={(ALICE.id, "team"): frozenset({Role.READER})},
        without_quarantine_read={"r:1"},
    )

    def ask(repository: str, principal_id: str) -> Grant:
        name = RepositoryName.parse(repository)
        of = asyncio.run(store.standing(principal_id, name, now=NOW))
        token = claims("pull", repository=repository, principal_id=principal_id)
        return authorize(standing=of, claims=token, repository=name, required=["pull"])

    assert ask("team/app", ALICE.id).principal == ALICE
    for repository, principal_id in (("team-b/app", ALICE.id), ("team/app", "u:unknown"), ("team/app", "anonymous")):
        with pytest.raises(Unauthorized):
            ask(repository, principal_id)


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_the_present_grant_is_that_of_a_token_with_everything(role: Role | None) -> None:
    of = standing() if role is None else standing(role)
    assert present_grant(of, APP) == grant(standing=of, claims=claims("pull", "push", "delete"), repository=APP)
