"""Attacks with a token that is genuine: too old, for something else, or of somebody who may no longer.

The numbers are rows of the register of known attacks.
"""

import ast
import asyncio
from pathlib import Path

import pytest

from gateway.access.grant import Action, authorize
from gateway.access.scopes import parse_scopes, token_scope
from gateway.access.values import QuarantineLevel, Rights, Role, Verb, Visibility
from gateway.errors import Unauthorized
from gateway.identity.authenticate import authenticate
from gateway.identity.values import Basic, LocalAccount
from gateway.oci.names import RepositoryName
from tests.support.federation import no_federation
from tests.support.identity import ALICE, NOW, CountingHasher, FakeAccounts, claims, project, standing

APP = RepositoryName.parse("team/app")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["identity", "access"])
def test_row_05_no_secret_is_compared_with_equality(package: str) -> None:
    """No ``==`` on anything named like a secret; `hmac.compare_digest` or a look-up by digest instead."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "gateway" / package).glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and any(
            word in ast.unparse(side).lower()
            for side in (node.left, *node.comparators)
            for word in ("password", "secret", "sha256", "token.text", "signature")
        )
    ]
    assert found == []


def test_row_06_an_unknown_name_costs_what_a_known_one_does() -> None:
    accounts = FakeAccounts(accounts={"alice": LocalAccount(ALICE, "hash of right", disabled=False)})
    work = []
    for name in ("alice", "nobody"):
        hasher = CountingHasher()
        with pytest.raises(Unauthorized):
            asyncio.run(
                authenticate(
                    Basic(name, "wrong"),
                    accounts=accounts,
                    hasher=hasher,
                    ci=no_federation(),
                    address="192.0.2.7",
                    now=NOW,
                )
            )
        work.append(hasher.work)
    assert work == [1, 1]


def test_row_08_a_disabled_principal_with_a_valid_token() -> None:
    token = claims("pull", "push")
    authorize(standing=standing(Role.OWNER), claims=token, repository=APP, required=["pull", "push"])
    with pytest.raises(Unauthorized) as caught:
        authorize(standing=standing(Role.OWNER, active=False), claims=token, repository=APP, required=["pull"])
    assert caught.value.error == "insufficient_scope"


def test_row_18_a_role_that_was_taken_away_is_gone_with_the_next_request() -> None:
    token = claims("pull", "push")
    authorize(standing=standing(Role.WRITER), claims=token, repository=APP, required=["push"])
    with pytest.raises(Unauthorized):
        authorize(standing=standing(Role.READER), claims=token, repository=APP, required=["push"])
    with pytest.raises(Unauthorized):
        authorize(standing=standing(), claims=token, repository=APP, required=["pull"])


@pytest.mark.parametrize("required", [["pull"], ["push"], ["delete"]], ids=lambda required: required[0])
@pytest.mark.parametrize("visibility", list(Visibility), ids=str)
def test_row_19_a_token_of_a_project_that_was_deleted_and_made_again(
    required: list[Action], visibility: Visibility
) -> None:
    token = claims("pull", "push", "delete")
    anew = project(created_at=NOW + 1, visibility=visibility)
    again = standing(Role.OWNER, facts=anew)
    with pytest.raises(Unauthorized) as caught:
        authorize(standing=again, claims=token, repository=APP, required=required)
    assert caught.value.error == "insufficient_scope"


def test_row_26_a_token_for_one_repository_gives_nothing_in_another() -> None:
    token = claims("pull", "push", "delete", repository="team/app")
    for other in ("team/ap", "team/app2", "team/app/x", "team"):
        with pytest.raises(Unauthorized):
            authorize(
                standing=standing(Role.OWNER), claims=token, repository=RepositoryName.parse(other), required=["pull"]
            )


def test_a_token_never_carries_what_was_not_asked_or_is_not_held() -> None:
    everything = Rights(verbs=frozenset(Verb), quarantine=QuarantineLevel.FULL)
    nothing = Rights(verbs=frozenset(), quarantine=QuarantineLevel.NONE)
    rights = {APP: everything, RepositoryName.parse("other/app"): nothing}
    asked = parse_scopes(["repository:team/app:pull", "repository:other/app:*", "repository:unknown:*"])
    (given,) = token_scope(asked, rights, catalog=False)
    assert (given.name, given.actions) == ("team/app", frozenset({"pull"}))
