"""The token endpoint, in both of its forms."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.access.values import Role
from gateway.identity.access_token import verify_access_token
from gateway.identity.secrets import Secret, SecretKind
from gateway.identity.values import SYSTEM, AccessClaims, Principal, PrincipalKind, UnverifiedToken
from gateway.oci.names import ProjectName
from tests.support.api import PASSWORD, House, Reply, basic, house
from tests.support.identity import AUDIENCE, ISSUER, NOW, RING

FORM = ("content-type", "application/x-www-form-urlencoded")


@pytest.fixture
def made() -> House:
    return house()


def get(made: House, query: str = "", *headers: tuple[str, str]) -> Reply:
    return checked(made.client.send("GET", f"/token{query}", headers=headers))


def post(made: House, fields: Any, *headers: tuple[str, str], kind: str = FORM[1]) -> Reply:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    return checked(made.client.send("POST", "/token", body=body, headers=[("content-type", kind), *headers]))


def checked(reply: Reply) -> Reply:
    """Return ``reply``: never kept by anybody, and an error in both shapes."""
    assert reply.one("cache-control") == "private, no-store"
    if reply.status != 200:
        document = reply.json()
        assert document["errors"][0]["message"] == document["error_description"]
        assert document["error"]
        assert PASSWORD.encode() not in reply.body
    return reply


def claims(reply: Reply) -> AccessClaims:
    document = reply.json()
    assert reply.status == 200
    assert document["token"] == document["access_token"]
    return verify_access_token(
        UnverifiedToken(document["token"]), ring=RING, issuer=ISSUER, audience=AUDIENCE, now=NOW
    )[0]


def given(reply: Reply) -> dict[str, set[str]]:
    return {f"{one.type}:{one.name}": set(one.actions) for one in claims(reply).access}


PUSH = {"grant_type": "password", "username": "writer", "password": PASSWORD, "service": AUDIENCE}


def test_get_with_basic(made: House) -> None:
    reply = get(
        made,
        f"?account=writer&client_id=docker&service={AUDIENCE}&scope=repository:team/app:push,pull",
        basic("writer"),
    )
    document = reply.json()
    assert document.keys() == {"token", "access_token", "token_type", "expires_in", "issued_at", "scope"}
    assert document["expires_in"] == 300
    assert document["issued_at"] == "2026-09-21T14:13:20Z"
    assert document["scope"] == "repository:team/app:pull,push"
    said = claims(reply)
    assert (said.principal_id, said.issued_at, said.expires_at) == ("u:writer", NOW, NOW + 300)
    assert given(reply) == {"repository:team/app": {"pull", "push"}}
    assert made.logins == [
        {"principal_id": "u:writer", "method": "password", "address": "192.0.2.7", "succeeded": True, "now": NOW}
    ]


def test_each_token_has_its_own_id(made: House) -> None:
    first, second = (claims(get(made, "", basic("reader"))).token_id for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("who", "scopes", "expected"),
    [
        pytest.param("reader", ["repository:team/app:pull,push,delete"], {"repository:team/app": {"pull"}}, id="held"),
        pytest.param("owner", ["repository:team/app:pull"], {"repository:team/app": {"pull"}}, id="asked"),
        pytest.param("owner", ["repository:team/app:*"], {"repository:team/app": {"pull", "push", "delete"}}, id="any"),
        pytest.param(
            "scanner", ["repository:team/app:pull,push"], {"repository:team/app": {"pull", "push"}}, id="sign"
        ),
        pytest.param("outsider", ["repository:team/app:pull"], {}, id="nothing-held"),
        pytest.param("outsider", ["repository:nowhere/app:pull"], {}, id="no-such-project"),
        pytest.param("outsider", ["repository:open/app:pull,push"], {"repository:open/app": {"pull"}}, id="public"),
        pytest.param("auditor", ["repository:team/app:pull"], {}, id="auditors-read-no-content"),
        pytest.param("owner", [], {}, id="login"),
        pytest.param("reader", ["registry:catalog:*"], {"registry:catalog": {"*"}}, id="catalog"),
        pytest.param("reader", ["nonsense", "repository::pull", "registry:other:*"], {}, id="unknown-is-dropped"),
        pytest.param(
            "owner",
            ["repository:team/a:pull repository:team/b:push"],
            {"repository:team/a": {"pull"}, "repository:team/b": {"push"}},
            id="two-in-one",
        ),
        pytest.param(
            "owner",
            ["repository:team/a:pull", "repository:team/a:pull,push"],
            {"repository:team/a": {"pull", "push"}},
            id="unmerged-unions-of-containerd",
        ),
    ],
)
def test_a_token_is_given_what_is_asked_and_held(
    made: House, who: str, scopes: list[str], expected: dict[str, set[str]]
) -> None:
    query = urlencode([("scope", scope) for scope in scopes])
    assert given(get(made, f"?{query}", basic(who))) == expected
    # containers/image repeats the field, the specification joins with blanks: both are read.
    fields = [*{**PUSH, "username": who}.items(), *(("scope", scope) for scope in scopes)]
    assert given(post(made, fields)) == expected
    assert given(post(made, {**PUSH, "username": who, "scope": " ".join(scopes)})) == expected


def test_anonymous(made: House) -> None:
    reply = get(made, "?scope=repository:open/app:pull,push")
    assert claims(reply).principal_id == "anonymous"
    assert given(reply) == {"repository:open/app": {"pull"}}
    assert made.logins == []


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?scope=repository:team/app:pull", id="private"),
        pytest.param("?scope=repository:nowhere/app:pull", id="no-such-project"),
        pytest.param("?scope=repository:open/app:push", id="push"),
        pytest.param("?scope=registry:catalog:*", id="catalog"),
    ],
)
def test_anonymous_is_given_a_token_that_gives_nothing(made: House, query: str) -> None:
    reply = get(made, query)
    assert (reply.status, reply.json()["scope"]) == (200, "")
    assert given(reply) == {}


def test_a_login_without_a_secret_is_refused(made: House) -> None:
    reply = get(made, "")
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
    assert reply.every("www-authenticate") == ['Basic realm="registry-gateway", charset="UTF-8"']
    assert reply.json()["details"] == reply.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("writer", "wrong", id="wrong-password"),
        pytest.param("nobody", PASSWORD, id="unknown-name"),
        pytest.param("disabled", PASSWORD, id="disabled"),
        pytest.param("", "", id="empty"),
        pytest.param("writer", "", id="empty-password"),
    ],
)
def test_a_wrong_secret_is_one_answer(made: House, username: str, password: str) -> None:
    # Also where the scope is public: a wrong password must never look like a success.
    query = "?scope=repository:open/app:pull"
    reply = get(made, query, basic(username, password))
    assert reply.status == 401
    assert reply.body == get(made, query, basic("writer", "also wrong")).body
    posted = post(made, {**PUSH, "username": username, "password": password})
    assert posted.status == 401
    assert posted.json()["error"] == "invalid_grant"
    whose = {"writer": "u:writer", "disabled": "u:disabled"}.get(username)
    first = {
        "principal_id": whose,
        "method": "password",
        "address": "192.0.2.7",
        "succeeded": False,
        "now": NOW,
        "why": "",
    }
    assert made.logins == [first, {**first, "principal_id": "u:writer"}, first]


def test_what_is_typed_into_the_wrong_field_is_told_to_nobody(made: House) -> None:
    assert get(made, "", basic(PASSWORD, "writer")).status == 401
    (login,) = made.logins
    assert login["principal_id"] is None
    assert PASSWORD not in str(login)


@pytest.mark.parametrize(
    "authorization", ["Basic", "Basic !!!", "Basic YQ", "Bearer abc", "Basic " + "A" * 20000, "Basic gIA6eA=="]
)
def test_a_malformed_header(made: House, authorization: str) -> None:
    assert get(made, "", ("authorization", authorization)).status == 401


def test_service(made: House) -> None:
    assert get(made, f"?service={AUDIENCE}", basic("reader")).status == 200
    for reply in (get(made, "?service=other", basic("reader")), post(made, {**PUSH, "service": "other"})):
        assert reply.status == 400
        assert reply.json()["error"] == "invalid_request"


def test_post(made: House) -> None:
    reply = post(
        made,
        {**PUSH, "client_id": "containerd-client", "access_type": "offline", "scope": "repository:team/app:pull,push"},
        kind="application/x-www-form-urlencoded; charset=utf-8",
    )
    assert given(reply) == {"repository:team/app": {"pull", "push"}}
    assert "refresh_token" not in reply.json()


def test_a_refresh_token_is_401_in_both_shapes(made: House) -> None:
    reply = post(made, {"grant_type": "refresh_token", "refresh_token": "x", "service": AUDIENCE})
    assert (reply.status, reply.code, reply.json()["error"]) == (401, "UNAUTHORIZED", "invalid_grant")


@pytest.mark.parametrize("fields", [{}, {"grant_type": "client_credentials"}, {"grant_type": ""}])
def test_other_grants_let_a_client_fall_back(made: House, fields: dict[str, str]) -> None:
    reply = post(made, {**fields, "x": "y"})
    assert (reply.status, reply.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("fields", "headers", "kind", "status"),
    [
        pytest.param({**PUSH}, (), "application/json", 400, id="json"),
        pytest.param({**PUSH}, (), "multipart/form-data; boundary=x", 400, id="multipart"),
        pytest.param({**PUSH}, (basic("writer"),), FORM[1], 400, id="two-callers"),
        pytest.param({"grant_type": "password", "username": "writer"}, (), FORM[1], 400, id="no-password"),
        pytest.param({"grant_type": "password", "password": PASSWORD}, (), FORM[1], 400, id="no-username"),
        pytest.param([*PUSH.items(), ("username", "owner")], (), FORM[1], 400, id="two-usernames"),
        pytest.param([*PUSH.items(), ("grant_type", "password")], (), FORM[1], 400, id="two-grants"),
        pytest.param([*PUSH.items(), *([("x", "y")] * 61)], (), FORM[1], 400, id="65-fields"),
        pytest.param(b"grant_type=password;username=writer", (), FORM[1], 400, id="semicolons"),
        pytest.param(b"grant_type=pass%00word", (), FORM[1], 400, id="nul"),
        pytest.param(b"x=" + b"y" * 65536, (), FORM[1], 413, id="too-large"),
        pytest.param({**PUSH, "scope": " ".join(["repository:a:pull"] * 65)}, (), FORM[1], 400, id="65-scopes"),
    ],
)
def test_forms_that_are_refused(
    made: House, fields: Any, headers: tuple[tuple[str, str], ...], kind: str, status: int
) -> None:
    reply = post(made, fields, *headers, kind=kind)
    assert reply.status == status
    assert not made.failures


def test_a_chunked_form_is_bounded(made: House) -> None:
    client = made.client
    reply = client.send("POST", "/token", body=[b"x" * 30000] * 40, headers=[FORM], chunked=True)
    assert reply.status == 413
    assert client.received < 15


def test_repeated_parameters_of_the_query(made: House) -> None:
    reply = made.client.send("GET", f"/token?service={AUDIENCE}&service={AUDIENCE}", headers=[basic("reader")])
    assert reply.status == 400


def test_too_many_scopes_for_one_token(made: House) -> None:
    names = " ".join(f"repository:team/{'x' * 200}{number}:pull,push,delete" for number in range(60))
    reply = post(made, {**PUSH, "scope": names})
    assert (reply.status, reply.json()["error"]) == (400, "invalid_request")


def test_a_robot(made: House) -> None:
    secret = Secret.generate(SecretKind.ROBOT, lambda count: b"r" * count)
    robot = Principal("r:1", PrincipalKind.ROBOT, "robot+team+ci")
    asyncio.run(
        made.directory.put_robot(
            robot,
            ProjectName("team"),
            secret_sha256=secret.sha256,
            expires=NOW + 10,
            quarantine_read=True,
            role=Role.WRITER,
            by=SYSTEM,
            now=NOW - 10,
        )
    )
    query = "?scope=repository:team/app:pull,push,delete"
    assert given(get(made, query, basic("robot+team+ci", secret.text))) == {"repository:team/app": {"pull", "push"}}
    made.clock[0] += 10
    assert get(made, query, basic("robot+team+ci", secret.text)).status == 401


def test_no_key_that_signs(made: House) -> None:
    made.clock[0] = NOW - 5000.0
    reply = made.client.send("GET", "/token", headers=[basic("reader")])
    assert (reply.status, reply.code) == (503, "UNAVAILABLE")
