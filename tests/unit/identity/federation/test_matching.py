"""Which rule is a token for: the platforms' tokens, the docker user name, and what is said where none is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.federation.matching import Ambiguous, Decision, Matched, NoMatch, matching
from gateway.identity.federation.rule import FederationRule, parse_rule
from gateway.oci.strict_json import JsonObject, JsonValue
from tests.unit.identity.federation.test_claims import VALUES
from tests.unit.identity.federation.tokens import (
    AUDIENCE,
    GITHUB,
    GITHUB_NEW_SUB,
    GITHUB_PULL_REQUEST_TARGET,
    GITHUB_RECREATED,
    GITHUB_REUSABLE,
    GITLAB,
    GITLAB_FORK_REQUEST,
    GITLAB_JOB_PROJECT,
    HEAD,
    JENKINS,
    KUBERNETES,
    KUBERNETES_MADE_AGAIN,
    SPIFFE,
    toml,
)


def rule(match: str, *, name: str = "shop", issuer: str = "ci") -> FederationRule:
    head = HEAD.replace('"shop"', f'"{name}"').replace('"ci"', f'"{issuer}"')
    return parse_rule(toml(match, head=head), where="rule.toml", immutable_claims={issuer: ("job_uid", "sub")})


def decide(
    rules: list[FederationRule] | FederationRule,
    claims: JsonObject,
    *,
    audience: tuple[str, ...] = (AUDIENCE,),
    wanted: str | None = None,
) -> Decision:
    listed = rules if isinstance(rules, list) else [rules]
    return matching(listed, issuer_name="ci", audience=audience, claims=claims, wanted=wanted)


def why(decision: Decision) -> dict[str, str]:
    assert isinstance(decision, NoMatch)
    return {one.rule: one.sentence for one in decision.why}


GITHUB_RULE = rule(
    'repository_id = "7007"\nrepository_owner_id = "42"\nref = "refs/heads/main"\nref_type = "branch"\n'
    'job_workflow_ref = "acme/shop/.github/workflows/*@refs/heads/main"'
)
GITLAB_RULE = rule('project_id = "20"\nref = ["main", "release-*"]\nref_type = "branch"\nref_protected = "true"')
KUBERNETES_RULE = rule(
    '"kubernetes.io/serviceaccount/uid" = "5b1f1c0e-1111-4222-8333-944445555666"\n"kubernetes.io/namespace" = "build"'
)


@pytest.mark.parametrize(
    ("found", "claims"),
    [
        pytest.param(GITHUB_RULE, GITHUB, id="github"),
        pytest.param(GITHUB_RULE, GITHUB_NEW_SUB, id="github-new-sub"),
        pytest.param(
            rule('repository_id = "7007"\njob_workflow_ref = "acme/workflows/.github/workflows/*@refs/tags/v3"'),
            GITHUB_REUSABLE,
            id="github-reusable-workflow",
        ),
        pytest.param(GITLAB_RULE, GITLAB, id="gitlab"),
        pytest.param(GITLAB_RULE, GITLAB_JOB_PROJECT, id="gitlab-with-job-project"),
        pytest.param(GITLAB_RULE, {**GITLAB, "project_id": 20}, id="gitlab-number"),
        pytest.param(GITLAB_RULE, {**GITLAB_JOB_PROJECT, "job_project_id": 20}, id="gitlab-job-project-number"),
        pytest.param(GITLAB_RULE, {**GITLAB, "ref_protected": True}, id="gitlab-boolean"),
        pytest.param(GITLAB_RULE, {**GITLAB, "ref": "release-7"}, id="gitlab-any-of-the-values"),
        pytest.param(KUBERNETES_RULE, KUBERNETES, id="kubernetes"),
        pytest.param(rule('sub = "spiffe://acme.test/build/kaniko"'), SPIFFE, id="spiffe"),
        pytest.param(
            rule('sub = "https://jenkins.example.test/job/shop/job/main/"\nbuild_number = "1*"'), JENKINS, id="jenkins"
        ),
        pytest.param(rule('job_uid = "1"\ngroups = "ops"'), {"job_uid": 1, "groups": ["dev", "ops"]}, id="list"),
    ],
)
def test_a_platform_s_token_matches(found: FederationRule, claims: JsonObject) -> None:
    assert decide(found, claims) == Matched(found)


@pytest.mark.parametrize(
    ("found", "claims", "sentence"),
    [
        pytest.param(
            GITHUB_RULE,
            GITHUB_RECREATED,
            "claim repository_id must be '7007', and it is '9999'",
            id="github-name-given-to-somebody-else",
        ),
        pytest.param(
            GITHUB_RULE,
            GITHUB_REUSABLE,
            "claim job_workflow_ref must be 'acme/shop/.github/workflows/*@refs/heads/main', and it is "
            "'acme/workflows/.github/workflows/publish.yml@refs/tags/v3'",
            id="github-other-workflow",
        ),
        pytest.param(
            GITHUB_RULE,
            {**GITHUB, "ref_type": "tag"},
            "claim ref_type must be 'branch', and it is 'tag'",
            id="github-tag-named-like-the-branch",
        ),
        pytest.param(
            rule('repository_id = "7007"\nenvironment = "production"'),
            GITHUB,
            "claim environment must be 'production', and it is missing",
            id="missing",
        ),
        pytest.param(
            GITLAB_RULE,
            {**GITLAB, "ref": "feature"},
            "claim ref must be 'main' or 'release-*', and it is 'feature'",
            id="gitlab-other-branch",
        ),
        pytest.param(
            GITLAB_RULE,
            {**GITLAB, "project_id": "31"},
            "claim project_id must be '20', and it is '31'",
            id="gitlab-fork-without-job-project",
        ),
        pytest.param(
            KUBERNETES_RULE,
            KUBERNETES_MADE_AGAIN,
            "claim kubernetes.io/serviceaccount/uid must be '5b1f1c0e-1111-4222-8333-944445555666', and it is '77'",
            id="kubernetes-account-made-again",
        ),
        pytest.param(
            rule('sub = "spiffe://acme.test/build/kaniko"'),
            {**SPIFFE, "sub": "spiffe://evil.test/build/kaniko"},
            "claim sub must be 'spiffe://acme.test/build/kaniko', and it is 'spiffe://evil.test/build/kaniko'",
            id="spiffe-other-trust-domain",
        ),
        pytest.param(
            GITLAB_RULE,
            {**GITLAB, "project_id": 20.0},
            "claim project_id must be '20', and it is neither text, a whole number, true, false nor a list of texts",
            id="fraction",
        ),
        pytest.param(
            rule('job_uid = ["1", "2", "3", "4", "5"]'),
            {"job_uid": ["6", "7", "8", "9"]},
            "claim job_uid must be '1' or '2' or '3' or one of 2 more, and it is '6', '7', '8' and 1 more",
            id="many",
        ),
    ],
)
def test_the_first_condition_that_fails_is_told(found: FederationRule, claims: JsonObject, sentence: str) -> None:
    assert why(decide(found, claims)) == {"shop": sentence}


ANY_GITHUB = rule('repository_id = "7007"')
ANY_GITLAB = rule('project_id = ["20", "31"]')


@pytest.mark.parametrize(
    ("found", "claims", "claim"),
    [
        pytest.param(ANY_GITHUB, GITHUB_PULL_REQUEST_TARGET, "event_name", id="pull-request-target"),
        pytest.param(
            rule('repository_id = "7007"\nevent_name = "pull_request_target"'),
            GITHUB_PULL_REQUEST_TARGET,
            "event_name",
            id="pull-request-target-that-a-rule-asks-for",
        ),
        pytest.param(
            ANY_GITHUB,
            {**GITHUB, "event_name": ["push", "pull_request_target"]},
            "event_name",
            id="pull-request-target-in-a-list",
        ),
        pytest.param(ANY_GITLAB, GITLAB_FORK_REQUEST, "job_project_id", id="merge-request-from-a-fork"),
        pytest.param(ANY_GITLAB, {**GITLAB, "job_project_id": None}, "job_project_id", id="job-project-null"),
        pytest.param(ANY_GITLAB, {**GITLAB, "job_project_id": 20.0}, "job_project_id", id="job-project-fraction"),
        pytest.param(
            rule('namespace_id = "72"'),
            {name: value for name, value in GITLAB_JOB_PROJECT.items() if name != "project_id"},
            "job_project_id",
            id="job-project-alone",
        ),
    ],
)
def test_what_no_rule_can_take(found: FederationRule, claims: JsonObject, claim: str) -> None:
    assert why(decide(found, claims, wanted="shop"))["shop"].startswith(f"claim {claim} must ")


def test_a_fork_s_merge_request_is_explained() -> None:
    assert why(decide(ANY_GITLAB, GITLAB_FORK_REQUEST)) == {
        "shop": "claim job_project_id must equal project_id, which is '31', and it is '20'"
    }


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        pytest.param(("https://other.example.test",), "'https://other.example.test'", id="another"),
        pytest.param((f"{AUDIENCE}/",), f"'{AUDIENCE}/'", id="a-slash-more"),
        pytest.param((AUDIENCE.upper(),), f"'{AUDIENCE.upper()}'", id="upper-case"),
        pytest.param((), "missing", id="none"),
        pytest.param((AUDIENCE, "other"), f"'{AUDIENCE}', 'other'", id="ours-and-another"),
        pytest.param((AUDIENCE, AUDIENCE), f"'{AUDIENCE}', '{AUDIENCE}'", id="ours-twice"),
    ],
)
def test_the_audience_is_exactly_one(audience: tuple[str, ...], told: str) -> None:
    assert why(decide(ANY_GITHUB, GITHUB, audience=audience)) == {
        "shop": f"claim aud must be exactly '{AUDIENCE}', and it is {told}"
    }


def test_a_rule_of_another_issuer_is_not_asked() -> None:
    elsewhere = rule('repository_id = "7007"', issuer="elsewhere")
    assert decide(elsewhere, GITHUB) == NoMatch(())
    assert decide([elsewhere, ANY_GITHUB], GITHUB) == Matched(ANY_GITHUB)


FIRST = rule('repository_id = "7007"', name="first")
SECOND = rule('repository_owner_id = "42"', name="second")
OTHER = rule('repository_id = "1"', name="other")
ELSEWHERE = rule('repository_id = "7007"', name="elsewhere", issuer="elsewhere")
ALL = [SECOND, FIRST, OTHER, ELSEWHERE]


def test_of_several_none_is_guessed() -> None:
    assert decide(ALL, GITHUB) == Ambiguous(("first", "second"))


@pytest.mark.parametrize("picked", [FIRST, SECOND], ids=["first", "second"])
def test_of_several_the_one_that_was_asked_for(picked: FederationRule) -> None:
    assert decide(ALL, GITHUB, wanted=picked.name) == Matched(picked)


@pytest.mark.parametrize("wanted", ["", "ci-user", "elsewhere", "First", "first "])
def test_what_no_rule_of_this_issuer_is_called_is_none_of_them(wanted: str) -> None:
    assert set(why(decide([FIRST, OTHER, ELSEWHERE], GITHUB, wanted=wanted))) == {"first", "other"}


def test_who_names_a_rule_gets_no_other() -> None:
    assert why(decide([FIRST, OTHER], GITHUB, wanted="other")) == {
        "other": "claim repository_id must be '1', and it is '7007'",
        "first": "it matches, and 'other' was asked for",
    }
    assert set(why(decide(ALL, GITHUB, wanted="other"))) == {"first", "second", "other"}


def test_two_rules_of_one_name_are_not_told_apart_by_it() -> None:
    assert decide([FIRST, FIRST], GITHUB, wanted="first") == Ambiguous(("first", "first"))


def test_there_is_no_way_to_write_to_the_operator_s_screen() -> None:
    evil = "\x1b[2J\r\n\u202e" + "x" * 200
    sentence = why(decide(ANY_GITHUB, {**GITHUB, "repository_id": evil}))["shop"]
    assert sentence == f"claim repository_id must be '7007', and it is '{('[2J' + 'x' * 200)[:100]}'"
    by_audience = why(decide(ANY_GITHUB, GITHUB, audience=(evil,)))["shop"]
    assert by_audience.isprintable()
    assert len(by_audience) < 250


@given(
    st.dictionaries(st.sampled_from(["project_id", "event_name", "job_project_id", "groups", "a"]), VALUES, max_size=5),
    st.none() | st.text(max_size=5),
)
def test_any_claims_have_a_decision_and_a_printable_reason(claims: JsonObject, wanted: str | None) -> None:
    decision = decide(rule('project_id = "20"'), claims, wanted=wanted)
    match decision:
        case Matched():
            assert claims["project_id"] in ("20", 20) or "20" in _list(claims["project_id"])
        case NoMatch(reasons):
            assert [one.rule for one in reasons] == ["shop"]
            assert reasons[0].sentence.isprintable()
        case Ambiguous():
            pytest.fail("one rule is not several")


def _list(value: JsonValue) -> list[JsonValue]:
    assert isinstance(value, list)
    return value
