"""Sessions of CI tokens: their end, and what the policy sees of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.federation.claims import find_claim, scalar_text
from gateway.identity.federation.session import (
    MAX_POLICY_CLAIM_CHARS,
    MAX_POLICY_CLAIMS,
    MAX_SESSION_SECONDS,
    claims_for_policy,
    session_end,
)
from gateway.oci.strict_json import JsonObject
from tests.unit.identity.federation.test_claims import VALUES
from tests.unit.identity.federation.tokens import GITHUB, GITLAB, KUBERNETES

FIRST = 1_790_000_000


@pytest.mark.parametrize(
    ("expires_in", "session_seconds", "end_in"),
    [
        pytest.param(300, 3600, 3600, id="session-outlives-the-token"),
        pytest.param(7200, 3600, 7200, id="token-outlives-the-session"),
        pytest.param(300, 10 * 3600, 6 * 3600, id="six-hours-at-most"),
        pytest.param(8 * 3600, 10 * 3600, 8 * 3600, id="unless-the-token-is-longer"),
        pytest.param(-10, 3600, 3600, id="first-used-within-the-leeway"),
    ],
)
def test_the_end(expires_in: int, session_seconds: int, end_in: int) -> None:
    end = session_end(expires_at=FIRST + expires_in, first_used=FIRST, session_seconds=session_seconds)
    assert end == FIRST + end_in


@given(st.integers(-60, 86_400), st.integers(60, 10**6))
def test_no_session_is_over_six_hours_but_by_its_token(expires_in: int, session_seconds: int) -> None:
    end = session_end(expires_at=FIRST + expires_in, first_used=FIRST, session_seconds=session_seconds)
    assert end >= FIRST + expires_in
    assert end <= max(FIRST + expires_in, FIRST + MAX_SESSION_SECONDS)


def test_the_policy_sees_workflow_and_branch() -> None:
    told = claims_for_policy(GITHUB)
    assert told["job_workflow_ref"] == "acme/shop/.github/workflows/image.yml@refs/heads/main"
    assert told["ref"] == "refs/heads/main"
    assert told["exp"] == "1790000300"
    assert "jti" not in told
    assert list(told) == sorted(told)
    assert told.keys() == GITHUB.keys() - {"jti"}


def test_numbers_are_texts_and_nested_claims_have_paths() -> None:
    assert claims_for_policy(GITLAB)["runner_id"] == "1"
    told = claims_for_policy(KUBERNETES)
    assert told["kubernetes.io/serviceaccount/uid"] == "5b1f1c0e-1111-4222-8333-944445555666"
    assert "kubernetes.io" not in told
    assert "aud" not in told  # a list


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"jti": "x"}, id="jti"),
        pytest.param({"act": {"JTI": "x"}}, id="jti-inside"),
        pytest.param({"access_token": "x"}, id="token"),
        pytest.param({"CI_JOB_Token": "x"}, id="token-in-any-case"),
        pytest.param({"client": {"secretId": "x"}}, id="secret-inside"),
        pytest.param({"tokens": {"a": {"b": "x"}}}, id="below-tokens"),
        pytest.param({"long": "x" * 257}, id="long-value"),
        pytest.param({"n" * 257: "x"}, id="long-name"),
        pytest.param({"list": ["x"], "null": None, "number": 1.5}, id="no-scalar"),
        pytest.param({"a/b": {}, "a": {"b": "hidden-by-the-top-level-one"}}, id="hidden"),
        pytest.param({"a": {"b/c": "x"}}, id="found-by-no-name"),
    ],
)
def test_what_the_policy_never_sees(claims: JsonObject) -> None:
    assert claims_for_policy(claims) == {}


def test_the_policy_sees_no_more_than_64() -> None:
    told = claims_for_policy({f"c{number:03}": "x" * 256 for number in range(100)})
    assert list(told) == [f"c{number:03}" for number in range(64)]


@given(st.dictionaries(st.text("ab/", max_size=3), VALUES, max_size=4))
def test_the_policy_reads_a_name_as_conditions_do(claims: JsonObject) -> None:
    told = claims_for_policy(claims)
    assert len(told) <= MAX_POLICY_CLAIMS
    for name, text in told.items():
        found = find_claim(claims, name)
        assert found is not None
        assert scalar_text(found[0]) == text
        assert len(text) <= MAX_POLICY_CLAIM_CHARS
