"""Discovery documents: the configured issuer's own, or an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import OutboundFailed
from gateway.identity.oidc.metadata import MAX_METADATA_BYTES, IssuerMetadata, discovery_url, parse_metadata
from tests.support.identity import PROPERTY
from tests.support.issuer import DISCOVERY, GONE, ISSUER, JWKS_URI, discovery

ALGORITHMS = "id_token_signing_alg_values_supported"


def refused(content: bytes) -> str:
    with pytest.raises(OutboundFailed) as caught:
        parse_metadata(content, issuer=ISSUER)
    return caught.value.message


def test_the_used_members_are_read() -> None:
    expected = IssuerMetadata(issuer=ISSUER, jwks_uri=JWKS_URI, algorithms=frozenset({"RS256", "ES256"}))
    assert parse_metadata(discovery(), issuer=ISSUER) == expected


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        pytest.param(ISSUER, DISCOVERY, id="host"),
        pytest.param(ISSUER + "/", DISCOVERY, id="slash-at-the-end"),
        pytest.param(
            "https://ci.example/tenant", "https://ci.example/tenant/.well-known/openid-configuration", id="path"
        ),
    ],
)
def test_discovery_url(issuer: str, url: str) -> None:
    assert discovery_url(issuer) == url


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param(ISSUER + "/", id="a-slash-more"),
        pytest.param(ISSUER + ".evil.example", id="ours-is-a-prefix"),
        pytest.param("https://evil.example/" + ISSUER, id="ours-is-a-suffix"),
        pytest.param(ISSUER.upper(), id="upper-case"),
        pytest.param(ISSUER.replace("https", "http"), id="http"),
        pytest.param([ISSUER], id="list"),
        pytest.param(None, id="null"),
        pytest.param(GONE, id="missing"),
    ],
)
def test_another_issuer_is_refused(issuer: object) -> None:
    assert "another issuer" in refused(discovery(issuer=issuer))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://ci.example/jwks", id="http"),
        pytest.param("//ci.example/jwks", id="no-scheme"),
        pytest.param("/jwks", id="relative"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("https://user@ci.example/jwks", id="user"),
        pytest.param("https://user:password@ci.example/jwks", id="password"),
        pytest.param("https://ci.example/jwks#x", id="fragment"),
        pytest.param("https://ci.example#@evil.example/", id="fragment-before-the-host"),
        pytest.param("https://ci.example\\@evil.example/", id="backslash"),
        pytest.param("https://ci.example/a b", id="space"),
        pytest.param("https://ci.example/jwks\n", id="trailing-newline"),
        pytest.param(" https://ci.example/jwks", id="leading-space"),
        pytest.param("https://ci.exämple/jwks", id="not-ascii"),
        pytest.param("https:///jwks", id="no-host"),
        pytest.param("https://ci.example:/jwks", id="empty-port"),
        pytest.param("https://ci.example/" + "a" * 2048, id="long"),
        pytest.param("", id="empty"),
        pytest.param([JWKS_URI], id="list"),
        pytest.param(GONE, id="missing"),
    ],
)
def test_a_place_of_keys_is_refused(url: object) -> None:
    assert "https URL" in refused(discovery(jwks_uri=url))


@pytest.mark.parametrize(
    "url",
    ["https://ci.example", "https://ci.example:8443/a/b?c=d&e=%20", "https://[2001:db8::1]:8443/jwks", "https://a/@b"],
)
def test_a_place_of_keys_is_taken(url: str) -> None:
    assert parse_metadata(discovery(jwks_uri=url), issuer=ISSUER).jwks_uri == url


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(["none"], id="none"),
        pytest.param(["HS256", "HS512"], id="macs"),
        pytest.param(["RS512", "ES384"], id="not-taken"),
        pytest.param(["rs256"], id="lower-case"),
        pytest.param([], id="empty"),
        pytest.param([["RS256"], None, 1], id="not-texts"),
        pytest.param("RS256", id="text"),
        pytest.param({"RS256": 1}, id="object"),
        pytest.param(GONE, id="missing"),
    ],
)
def test_without_an_algorithm_that_is_taken_it_is_refused(listed: object) -> None:
    assert "algorithm" in refused(discovery(**{ALGORITHMS: listed}))


def test_none_and_macs_are_not_taken_because_discovery_lists_them() -> None:
    listed = ["none", "HS256", "RS256", "PS256", "ES256", "EdDSA", "RS512"]
    taken = parse_metadata(discovery(**{ALGORITHMS: listed}), issuer=ISSUER).algorithms
    assert taken == {"RS256", "PS256", "ES256", "EdDSA"}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="html"),
        pytest.param(b"[]", id="list"),
        pytest.param(discovery() + b" " * MAX_METADATA_BYTES, id="huge"),
        pytest.param(discovery()[:-1] + b', "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
        pytest.param(discovery()[:-1] + b', "a": [' + b"1," * 6000 + b"1]}", id="many-values"),
        pytest.param(discovery()[:-1] + b', "jwks_uri": "https://evil.example/"}', id="member-twice"),
        pytest.param(discovery()[:-1] + b', "issuer": "https://evil.example"}', id="issuer-twice"),
        pytest.param(b"\xef\xbb\xbf" + discovery(), id="byte-order-mark"),
    ],
)
def test_what_is_no_document_with_one_reading_is_refused(content: bytes) -> None:
    assert "discovery document" in refused(content)


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just("https://a/b") | st.just("RS256"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@PROPERTY
@given(st.binary(max_size=200) | st.builds(lambda u, a: discovery(jwks_uri=u, **{ALGORITHMS: a}), _json, _json))
def test_any_document_is_read_or_refused(content: bytes) -> None:
    try:
        metadata = parse_metadata(content, issuer=ISSUER)
    except OutboundFailed:
        return
    assert json.loads(content)["issuer"] == metadata.issuer == ISSUER
    assert metadata.jwks_uri.startswith("https://")
    assert metadata.algorithms
