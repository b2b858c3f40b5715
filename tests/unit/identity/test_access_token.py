"""Access tokens: issue, verify, and everything that is not one."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestInvalid, Unauthorized, Unavailable
from gateway.identity.access_token import MAX_LIFETIME_SECONDS, issue_access_token, verify_access_token
from gateway.identity.key_ring import KeyRing
from gateway.identity.values import AccessClaims, ResourceAccess, UnverifiedToken
from tests.support.identity import (
    AUDIENCE,
    ISSUER,
    KEY,
    NOW,
    PROPERTY,
    PULL_APP,
    RING,
    b64,
    good_claims,
    good_header,
    issue,
    sign,
    sign_raw,
)

_GONE = object()


def verify(token: UnverifiedToken, *, now: int = NOW, ring: KeyRing = RING) -> AccessClaims:
    return verify_access_token(token, ring=ring, issuer=ISSUER, audience=AUDIENCE, now=now)[0]


def refused(token: UnverifiedToken, *, now: int = NOW, ring: KeyRing = RING) -> None:
    with pytest.raises(Unauthorized) as caught:
        verify(token, now=now, ring=ring)
    assert caught.value.error == "invalid_token"
    assert caught.value.scopes == ()
    assert caught.value.__cause__ is None


def changed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**document, **changes}.items() if value is not _GONE}


def test_issued_is_verified() -> None:
    catalog = ResourceAccess(type="registry", name="catalog", actions=frozenset({"*"}))
    claims = verify(issue(access=(PULL_APP, catalog)))
    assert claims == AccessClaims("u:alice", (PULL_APP, catalog), NOW, NOW + 300, "t1")


def test_an_empty_token_is_a_token() -> None:
    assert verify(issue(access=())).access == ()


def test_an_independent_signer_is_verified() -> None:
    assert verify(sign()).principal_id == "u:alice"


def test_issued_is_what_the_specification_says() -> None:
    header, payload, _ = issue().text.split(".")
    assert header == b64(json.dumps(good_header(), separators=(",", ":"), sort_keys=True).encode())
    assert payload == b64(json.dumps(good_claims(), separators=(",", ":")).encode())


@pytest.mark.parametrize("seconds", [0, -1, MAX_LIFETIME_SECONDS + 1])
def test_issue_refuses_a_lifetime(seconds: int) -> None:
    with pytest.raises(ValueError, match="lives"):
        issue_access_token(
            ring=RING,
            issuer=ISSUER,
            audience=AUDIENCE,
            principal_id="u:alice",
            access=(),
            now=NOW,
            lifetime_seconds=seconds,
            token_id="t1",
        )


def test_issue_refuses_a_token_that_would_be_too_large() -> None:
    large = tuple(
        ResourceAccess(type="repository", name=f"{number}/" + "a" * 200, actions=frozenset({"pull"}))
        for number in range(60)
    )
    with pytest.raises(RequestInvalid):
        issue(access=large)
    many = tuple(ResourceAccess(type="repository", name=f"{n}", actions=frozenset({"pull"})) for n in range(65))
    with pytest.raises(RequestInvalid):
        issue(access=many)


def test_issue_without_a_key() -> None:
    with pytest.raises(Unavailable):
        issue(now=NOW - 5000)


@pytest.mark.parametrize(
    ("now", "accepted"),
    [
        pytest.param(NOW - 31, False, id="issued-31-s-ahead"),
        pytest.param(NOW - 30, True, id="issued-30-s-ahead"),
        pytest.param(NOW + 300, True, id="at-exp"),
        pytest.param(NOW + 329, True, id="exp-plus-29"),
        pytest.param(NOW + 330, False, id="exp-plus-30"),
    ],
)
def test_times(now: int, accepted: bool) -> None:
    if accepted:
        verify(issue(), now=now)
    else:
        refused(issue(), now=now)


def test_a_retired_or_dropped_key_verifies_nothing() -> None:
    refused(issue(), ring=KeyRing(()))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(changed(good_header(), kid=_GONE), id="no-kid"),
        pytest.param(changed(good_header(), kid="other"), id="another-kid"),
        pytest.param(changed(good_header(), kid=1), id="kid-number"),
        pytest.param(changed(good_header(), kid=[KEY.kid]), id="kid-list"),
        pytest.param(changed(good_header(), typ=_GONE), id="no-typ"),
        pytest.param(changed(good_header(), typ="JWT"), id="typ-jwt"),
        pytest.param(changed(good_header(), typ="AT+JWT"), id="typ-upper-case"),
        pytest.param(changed(good_header(), cty="JWT"), id="nested"),
        pytest.param(changed(good_header(), zip="DEF"), id="zip"),
        pytest.param(changed(good_header(), alg=["ES256"]), id="alg-list"),
        pytest.param({}, id="empty"),
    ],
)
def test_header_refused(header: dict[str, Any]) -> None:
    refused(sign(header=header))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[pytest.param(name, _GONE, id=f"no-{name}") for name in good_claims()],
        pytest.param("sub", "", id="sub-empty"),
        pytest.param("sub", 7, id="sub-number"),
        pytest.param("sub", "u" * 256, id="sub-long"),
        pytest.param("jti", None, id="jti-null"),
        pytest.param("exp", str(NOW + 300), id="exp-text"),
        pytest.param("exp", NOW + 300.5, id="exp-fraction"),
        pytest.param("exp", True, id="exp-boolean"),
        pytest.param("exp", -1, id="exp-negative"),
        pytest.param("exp", 2**53 + 1, id="exp-huge"),
        pytest.param("exp", NOW, id="exp-is-iat"),
        pytest.param("exp", NOW + MAX_LIFETIME_SECONDS + 1, id="lives-too-long"),
        pytest.param("iat", None, id="iat-null"),
        pytest.param("iat", NOW - 400, id="iat-is-not-nbf"),
        pytest.param("nbf", NOW + 1, id="nbf-is-not-iat"),
        pytest.param("access", {}, id="access-object"),
        pytest.param("access", [1], id="access-of-numbers"),
        pytest.param("access", [{"type": "repository", "name": "a"}], id="entry-without-actions"),
        pytest.param("access", [{"type": "repository", "name": "a", "actions": [], "class": ""}], id="entry-with-more"),
        pytest.param("access", [{"type": "repository", "name": "a", "actions": "pull"}], id="actions-text"),
        pytest.param("access", [{"type": "repository", "name": "a", "actions": [1]}], id="actions-numbers"),
        pytest.param("access", [{"type": "repository", "name": "a", "actions": ["pull", "pull"]}], id="action-twice"),
        pytest.param("access", [{"type": "repository", "name": "a", "actions": ["*"]}], id="repository-star"),
        pytest.param("access", [{"type": "registry", "name": "catalog", "actions": ["pull"]}], id="registry-pull"),
        pytest.param("access", [{"type": "admin", "name": "a", "actions": ["pull"]}], id="unknown-type"),
        pytest.param("access", [{"type": 1, "name": "a", "actions": ["pull"]}], id="type-number"),
        pytest.param("access", [{"type": "repository", "name": 1, "actions": ["pull"]}], id="name-number"),
        pytest.param("access", [{"type": "repository", "name": "a", "actions": ["pull"]}] * 2, id="resource-twice"),
        pytest.param(
            "access",
            [{"type": "repository", "name": f"a{n}", "actions": ["pull"]} for n in range(65)],
            id="too-many-entries",
        ),
        pytest.param("admin", True, id="unknown-claim"),
    ],
)
def test_claims_refused(name: str, value: object) -> None:
    refused(sign(claims=changed(good_claims(), **{name: value})))


def _twice(document: dict[str, Any], member: str) -> bytes:
    return json.dumps(document)[:-1].encode() + b"," + member.encode() + b"}"


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        pytest.param(
            _twice(good_header(), '"alg":"ES256"'), json.dumps(good_claims()).encode(), id="header-member-twice"
        ),
        pytest.param(json.dumps(good_header()).encode(), _twice(good_claims(), '"sub":"u:bob"'), id="claim-twice"),
        pytest.param(json.dumps(good_header()).encode(), b"[]", id="claims-list"),
        pytest.param(json.dumps(good_header()).encode(), b"\xff\xfe", id="claims-not-utf-8"),
        pytest.param(json.dumps(good_header()).encode(), b"null", id="claims-null"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(good_header()).encode(), b"{}", id="byte-order-mark"),
        pytest.param(
            json.dumps(good_header()).encode(),
            json.dumps(good_claims()).encode().replace(str(NOW + 300).encode(), b"1e400"),
            id="exp-infinite",
        ),
    ],
)
def test_two_readings_are_refused(header: bytes, payload: bytes) -> None:
    refused(sign_raw(header, payload))


def test_another_key_under_our_kid() -> None:
    other = ec.derive_private_key(0xBAD, ec.SECP256R1())
    refused(sign_raw(json.dumps(good_header()).encode(), json.dumps(good_claims()).encode(), other))


@PROPERTY
@given(st.text(max_size=300))
def test_any_text_is_refused(text: str) -> None:
    refused(UnverifiedToken(text))


@PROPERTY
@given(st.lists(st.binary(max_size=120), min_size=1, max_size=5))
def test_any_segments_are_refused(segments: list[bytes]) -> None:
    refused(UnverifiedToken(".".join(b64(segment) for segment in segments)))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@PROPERTY
@given(st.sampled_from(sorted(good_claims())), _json)
def test_any_value_of_a_claim_is_read_or_refused(name: str, value: object) -> None:
    try:
        claims = verify(sign(claims=changed(good_claims(), **{name: value})))
    except Unauthorized:
        return
    assert isinstance(claims.principal_id, str)
    assert claims.expires_at - claims.issued_at <= MAX_LIFETIME_SECONDS


@PROPERTY
@given(st.sampled_from(sorted(good_header())), _json.filter(lambda value: value not in good_header().values()))
def test_any_other_value_in_the_header_is_refused(name: str, value: object) -> None:
    refused(sign(header=changed(good_header(), **{name: value})))


@PROPERTY
@given(st.data())
def test_one_changed_character_is_refused(data: st.DataObject) -> None:
    text = issue().text
    position = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(max_codepoint=0x17F).filter(lambda one: one != text[position]))
    refused(UnverifiedToken(text[:position] + character + text[position + 1 :]))


def test_the_token_is_not_shown() -> None:
    assert issue().text not in repr(issue())
