"""Federation rules: what an operator can write, what is refused and how that is said."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import FederationInvalid
from gateway.identity.federation.conditions import MAX_CONDITIONS, MAX_VALUES, Condition
from gateway.identity.federation.rule import MAX_RULE_BYTES, FederationRule, parse_rule
from gateway.identity.globs import SegmentGlob
from gateway.oci.names import ProjectName
from tests.unit.identity.federation.tokens import AUDIENCE, HEAD, toml

ANCHOR = 'repository_id = "7007"'
WHERE = "rules/shop.toml"


def rule(match: str = ANCHOR, *, more: str = "") -> FederationRule:
    return parse_rule(toml(match, more=more), where=WHERE)


def refused(
    content: bytes, *, immutable_claims: tuple[str, ...] = (), others: Mapping[str, tuple[str, ...]] | None = None
) -> str:
    with pytest.raises(FederationInvalid) as caught:
        parse_rule(content, where=WHERE, immutable_claims={"ci": immutable_claims, **(others or {})})
    message = caught.value.message
    assert message.startswith(f"{WHERE}: ")
    assert "\n" not in message
    assert caught.value.__cause__ is None
    return message


def covered(found: FederationRule, name: str) -> bool:
    return any(one.glob.matches(name) for one in found.repositories)


def test_a_whole_rule() -> None:
    found = rule(
        'repository_id = "7007"\njob_workflow_ref = ["b/.github/*@refs/heads/main", "a/x@refs/tags/v1"]',
        more='repositories = ["acme/web/**", "acme/shop"]\nsession = "20m"',
    )
    assert found.name == "shop"
    assert found.issuer == "ci"
    assert found.audience == AUDIENCE
    assert found.project == ProjectName("acme")
    assert found.role == "writer"
    assert found.session_seconds == 1200
    assert [glob.text for glob in found.repositories] == ["acme/shop", "acme/web/**"]
    assert found.match == (
        Condition("repository_id", (SegmentGlob("7007"),)),
        Condition("job_workflow_ref", (SegmentGlob("a/x@refs/tags/v1"), SegmentGlob("b/.github/*@refs/heads/main"))),
    )


def test_what_one_comparison_refuses_is_asked_first() -> None:
    found = rule('environment = "p*"\nactor = "a"\nref_type = "branch"\nref = "refs/*"\nproject_id = "1"')
    assert [one.claim for one in found.match] == ["project_id", "actor", "ref_type", "environment", "ref"]


def test_left_out_the_session_is_an_hour_and_the_repositories_all_of_the_project() -> None:
    found = rule()
    assert found.session_seconds == 3600
    assert covered(found, "acme")
    assert covered(found, "acme/shop")
    assert covered(found, "acme/web/front")
    assert not covered(found, "acmes/shop")
    assert not covered(found, "other")


def test_repositories_narrow() -> None:
    found = rule(more='repositories = ["acme/web-*", "acme/tools/**"]')
    assert covered(found, "acme/web-front")
    assert not covered(found, "acme/web-front/x")
    assert covered(found, "acme/tools/a/b")
    assert not covered(found, "acme/tools")
    assert not covered(found, "acme/shop")
    assert not covered(found, "acme")


@pytest.mark.parametrize(
    ("session", "seconds"),
    [
        pytest.param("60", 60, id="least"),
        pytest.param('"60s"', 60, id="seconds"),
        pytest.param('"20m"', 1200, id="minutes"),
        pytest.param('"1h"', 3600, id="hour"),
        pytest.param("21600", 21600, id="most"),
        pytest.param('"6h"', 21600, id="most-as-text"),
    ],
)
def test_session(session: str, seconds: int) -> None:
    assert rule(more=f"session = {session}").session_seconds == seconds


@pytest.mark.parametrize(
    "session",
    [
        "59", "21601", '"7h"', '"361m"', "0", "-60", '"0m"', "true", "60.0", '"1 h"', '"1d"', '"1h30m"', '""', '"60"',
        '"٦٠s"', "[60]", "1h", '"9999999h"', "2026-01-01",
    ],
)  # fmt: skip
def test_no_session(session: str) -> None:
    refused(toml(ANCHOR, more=f"session = {session}"))


@pytest.mark.parametrize(
    ("match", "immutable_claims"),
    [
        pytest.param('repository_id = "7007"', (), id="github-repository"),
        pytest.param('repository_owner_id = "42"', (), id="github-owner"),
        pytest.param('project_id = "20"', (), id="gitlab-project"),
        pytest.param('namespace_id = "72"', (), id="gitlab-namespace"),
        pytest.param('"kubernetes.io/serviceaccount/uid" = "5b1f"', (), id="kubernetes"),
        pytest.param('sub = "spiffe://acme.test/build"', (), id="spiffe"),
        pytest.param('project_id = ["20", "21"]', (), id="any-of-several"),
        pytest.param('sub = "https://jenkins.example.test/job/shop/"', ("sub",), id="the-issuer-s-own"),
    ],
)
def test_an_immutable_id_is_enough(match: str, immutable_claims: tuple[str, ...]) -> None:
    found = parse_rule(toml(match), where=WHERE, immutable_claims={"ci": immutable_claims})
    assert len(found.match) == 1


@pytest.mark.parametrize(
    ("match", "immutable_claims"),
    [
        pytest.param('repository = "acme/shop"', (), id="a-name"),
        pytest.param('sub = "repo:acme/shop:ref:refs/heads/main"', (), id="github-sub"),
        pytest.param('sub = "system:serviceaccount:build:kaniko"', (), id="kubernetes-sub"),
        pytest.param('repository_id = "70*"', (), id="glob-on-an-id"),
        pytest.param('repository_id = ["7007", "70*"]', (), id="a-glob-among-ids"),
        pytest.param('sub = "spiffe://acme.test/*"', (), id="spiffe-glob"),
        pytest.param('sub = ["spiffe://acme.test/a", "b"]', (), id="spiffe-or-not"),
        pytest.param('sub = "xspiffe://acme.test/a"', (), id="not-spiffe"),
        pytest.param('"kubernetes.io/serviceaccount/name" = "kaniko"', (), id="kubernetes-name"),
        pytest.param('sub = "https://jenkins.example.test/job/*"', ("sub",), id="glob-on-the-issuer-s-own"),
        pytest.param('sub = "https://jenkins.example.test/job/shop/"', ("job_uid",), id="another-of-the-issuer-s"),
    ],
)
def test_without_an_immutable_id_there_is_no_rule(match: str, immutable_claims: tuple[str, ...]) -> None:
    message = refused(toml(match), immutable_claims=immutable_claims)
    assert "never given again" in message
    assert "repository_id" in message
    assert all(claim in message for claim in immutable_claims)


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nbf", "jti"])
def test_no_condition_on_what_is_checked_before(claim: str) -> None:
    assert f"condition on {claim}: remove it" in refused(toml(f'{ANCHOR}\n{claim} = "x"'))


def test_no_condition_on_what_is_checked_before_even_where_the_issuer_calls_it_immutable() -> None:
    refused(toml('jti = "x"'), immutable_claims=("jti",))


def test_a_branch_is_no_tag() -> None:
    assert 'write ref_type = "branch"' in refused(toml(f'{ANCHOR}\nref = "refs/heads/main"'))
    assert len(rule(f'{ANCHOR}\nref = "main"\nref_type = "branch"').match) == 3


def without(key: str) -> str:
    return "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(f"{key} ="))


@pytest.mark.parametrize("key", ["name", "issuer", "audience", "project", "role"])
def test_every_key_is_needed(key: str) -> None:
    assert f"lacks {key}: write it" in refused(toml(ANCHOR, head=without(key)))


def test_what_is_missing_is_said_at_once() -> None:
    assert "lacks audience, issuer, match, name, project, role: write them" in refused(b"")


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        pytest.param("audiences", "'audience'", id="audience"),
        pytest.param("repository", "'repositories'", id="repositories"),
        pytest.param("isuer", "'issuer'", id="issuer"),
        pytest.param("sesion", "'session'", id="session"),
        pytest.param("zzz", "one of audience, bind_address, issuer, match", id="nothing-near"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(key: str, instead: str) -> None:
    assert f"the key '{key}' is unknown: write {instead}" in refused(toml(ANCHOR, more=f'{key} = "x"'))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        pytest.param("name", '"Shop"', "1 to 63", id="name-upper-case"),
        pytest.param("name", '"-shop"', "1 to 63", id="name-dash-first"),
        pytest.param("name", '""', "1 to 63", id="name-empty"),
        pytest.param("name", f'"{"a" * 64}"', "1 to 63", id="name-long"),
        pytest.param("name", '"shop\\n"', "1 to 63", id="name-newline"),
        pytest.param("name", "1", "1 to 63", id="name-number"),
        pytest.param("issuer", '"https://gitlab.example.test"', "not its address", id="issuer-address"),
        pytest.param("issuer", '"CI"', "1 to 63", id="issuer-upper-case"),
        pytest.param("audience", f'["{AUDIENCE}"]', "exactly one text", id="audience-list"),
        pytest.param("audience", '"https://*"', "exact", id="audience-glob"),
        pytest.param("audience", '""', "exact", id="audience-empty"),
        pytest.param("audience", '"a\\u0007"', "exact", id="audience-control"),
        pytest.param("project", '"Acme"', "a project's name", id="project-upper-case"),
        pytest.param("project", '"acme/"', "a project's name", id="project-slash-last"),
        pytest.param("project", "1", "the project's name", id="project-number"),
        pytest.param("role", '"owner"', "role is unknown: write one of", id="role-owner"),
        pytest.param("role", '"maintainer"', "role is unknown", id="role-maintainer"),
        pytest.param("role", '"write"', "write 'writer'", id="role-nearest"),
        pytest.param("role", '["writer"]', "role is unknown", id="role-list"),
    ],
)
def test_refused_values(key: str, value: str, says: str) -> None:
    assert says in refused(toml(ANCHOR, head=without(key), more=f"{key} = {value}"))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param('["other/shop"]', "outside the project", id="another-project"),
        pytest.param('["acmes/shop"]', "outside the project", id="begins-like-the-project"),
        pytest.param('["acme*"]', "outside the project", id="star-over-the-project"),
        pytest.param('["**"]', "outside the project", id="everything"),
        pytest.param('["shop"]', "outside the project: write acme/", id="without-the-project"),
        pytest.param('["acme/../other"]', "covers no repository", id="dots"),
        pytest.param('["acme/Shop"]', "covers no repository", id="upper-case"),
        pytest.param('["acme//shop"]', "covers no repository", id="empty-segment"),
        pytest.param('["acme/shop:v1*"]', "covers no repository", id="tag"),
        pytest.param('["acme/a**"]', "whole segment", id="two-stars-inside"),
        pytest.param("[]", "leave it out", id="none"),
        pytest.param('"acme/shop"', "must be a list", id="text"),
        pytest.param("[1]", "must be texts", id="number"),
        pytest.param(json.dumps([f"acme/a{number}" for number in range(65)]), "1 to 64", id="many"),
    ],
)
def test_refused_repositories(value: str, says: str) -> None:
    assert says in refused(toml(ANCHOR, more=f"repositories = {value}"))


@pytest.mark.parametrize(
    ("match", "says"),
    [
        pytest.param("", "no condition: write a table [match]", id="none"),
        pytest.param('environment = "*"', "begins with *", id="star"),
        pytest.param('environment = "**"', "begins with *", id="deep"),
        pytest.param('environment = "*-production"', "begins with *", id="star-first"),
        pytest.param('environment = ["production", "*"]', "begins with *", id="star-in-a-list"),
        pytest.param('environment = "a**"', "whole segment", id="two-stars-inside"),
        pytest.param('environment = ""', "1 to 512", id="empty"),
        pytest.param("environment = []", "0 values", id="no-values"),
        pytest.param(f"environment = {[str(one) for one in range(MAX_VALUES + 1)]}", "33 values", id="many-values"),
        pytest.param("actor_id = 1001", "quotation marks", id="number"),
        pytest.param("ref_protected = true", "quotation marks", id="boolean"),
        pytest.param('environment = [["a"]]', "must be text", id="list-in-a-list"),
        pytest.param('kubernetes.namespace = "build"', "whole name in quotation marks", id="dotted-key"),
        pytest.param('"a\\u0000b" = "x"', "printable", id="control-in-a-name"),
        pytest.param('"" = "x"', "printable", id="empty-name"),
        pytest.param(
            "\n".join(f'c{number} = "x"' for number in range(MAX_CONDITIONS)), "33 conditions", id="many-conditions"
        ),
    ],
)
def test_refused_conditions(match: str, says: str) -> None:
    assert says in refused(toml(f"{ANCHOR}\n{match}" if match else ""))


def test_conditions_are_a_table() -> None:
    assert "write a table [match]" in refused(f'{HEAD}match = "repository_id"'.encode())
    assert "write a table [match]" in refused(f'{HEAD}[[match]]\nrepository_id = "1"'.encode())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff", id="not-utf-8"),
        pytest.param(b"\xef\xbb\xbf" + toml(ANCHOR), id="byte-order-mark"),
        pytest.param(b"name = ", id="half"),
        pytest.param(b'{"name": "shop"}', id="json"),
        pytest.param(toml(f"{ANCHOR}\n{ANCHOR}"), id="a-claim-twice"),
        pytest.param(b"a = " + b"9" * 5000, id="digits"),
        pytest.param(b"a = " + b"[" * 10_000, id="brackets"),
    ],
)
def test_what_is_not_toml(content: bytes) -> None:
    assert "is not TOML: correct it" in refused(content)


def test_a_large_file_is_not_read() -> None:
    content = toml(ANCHOR)
    assert "larger than" in refused(content + b"#" * (MAX_RULE_BYTES + 1 - len(content)))
    padded = content + b"#" * (MAX_RULE_BYTES - len(content))
    assert parse_rule(padded, where=WHERE).name == "shop"


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: toml(text, head="")))
def test_any_content_is_refused_with_our_error(content: bytes) -> None:
    refused(content)


def test_equal_rules_are_equal_however_they_are_written() -> None:
    one = rule('project_id = ["2", "1"]\na = "x"', more='session = "1h"\nrepositories = ["acme/b", "acme/a", "acme/b"]')
    other = rule('a = ["x"]\nproject_id = ["1", "2", "1"]', more='repositories = ["acme/a", "acme/b"]')
    assert one == other


def test_what_another_issuer_calls_immutable_counts_for_its_own_rules_only() -> None:
    message = refused(toml('sub = "job"'), immutable_claims=("job_uid",), others={"other": ("sub",)})
    assert "never given again" in message
