"""A CI platform's token as the docker password: which are good for a session, and which never are."""

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Unauthorized
from gateway.identity.federation.issuers import TokenIssuer
from gateway.identity.oidc.issuer_keys import IssuerKeys, PinnedKeys
from tests.support.ci import ADDRESS, PLATFORM, Jobs, jobs
from tests.support.issuer import (
    GONE,
    ISSUER,
    OTHER_EC_KEY,
    FakeFetch,
    good_claims,
    good_header,
    jwk,
    key_set,
    sign,
    sign_raw,
)
from tests.support.whole import OPERATOR, run


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Jobs]:
    with jobs(tmp_path) as built:
        yield built


class TestRefusedTokens:
    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            pytest.param({"repository_id": "75"}, "repository_id", id="another-repository"),
            pytest.param({"repository_id": GONE}, "repository_id", id="missing-claim"),
            pytest.param({"aud": "https://elsewhere.example"}, "aud", id="another-audience"),
            pytest.param({"aud": ["https://registry.example:5000", "x"]}, "aud", id="two-audiences"),
            pytest.param({"event_name": "pull_request_target"}, "pull_request_target", id="pull-request-target"),
            pytest.param({"project_id": "1", "job_project_id": "2"}, "job_project_id", id="fork-of-gitlab"),
            pytest.param({"iss": "https://ci.example/"}, "no [[identity.issuer]]", id="another-issuer"),
            pytest.param({"exp": GONE}, "does not verify", id="no-exp"),
            pytest.param({"sub": GONE}, "does not verify", id="no-sub"),
        ],
    )
    def test_one_answer_and_the_reason_in_the_audit_log_only(
        self, made: Jobs, changes: dict[str, Any], why: str
    ) -> None:
        made.rule()
        reply = made.login(made.token(**changes))
        assert (reply.status, reply.json()["error"]) == (401, "invalid_grant")
        assert reply.message == (
            "this CI token gives no access here; the audit log of the registry says why, and so does `registry-gateway "
            "federation test`"
        )
        (told,) = made.refusals()
        assert why in told
        assert made.gateway.count("ci_session") == {"ci_session": 0}

    def test_a_life_of_more_than_a_day(self, made: Jobs) -> None:
        made.rule()
        assert made.login(made.token(life=24 * 3600 + 1)).status == 401
        assert made.login(made.token(life=24 * 3600)).status == 200

    def test_its_first_use_is_before_its_end_and_no_leeway_helps(self, made: Jobs) -> None:
        made.rule()
        token, other = made.token(), made.token()
        made.gateway.clock[0] += 299
        assert made.login(other).status == 200
        made.gateway.clock[0] += 1
        assert made.login(token).status == 401

    def test_another_key(self, made: Jobs) -> None:
        made.rule()
        assert made.login(made.token(key=OTHER_EC_KEY)).status == 401

    @pytest.mark.parametrize(
        "header",
        [
            pytest.param(good_header(alg="none"), id="none"),
            pytest.param(good_header(alg="HS256"), id="hmac"),
            pytest.param(good_header(crit=["b64"]), id="crit"),
            pytest.param(good_header(jwk=jwk(OTHER_EC_KEY)), id="jwk"),
            pytest.param(good_header(jku="https://evil.example/jwks"), id="jku"),
            pytest.param(good_header(x5u="https://evil.example/x5u"), id="x5u"),
            pytest.param(good_header(x5c=["MIIB"]), id="x5c"),
            pytest.param(good_header(typ="at+jwt"), id="an-access-token-of-theirs"),
        ],
    )
    def test_headers_that_are_not_taken(self, made: Jobs, header: dict[str, object]) -> None:
        made.rule()
        claims = good_claims(iat=made.gateway.now, nbf=made.gateway.now, exp=made.gateway.now + 300)
        assert made.login(sign(claims, header)).status == 401

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda token: token + "=", id="padded"),
            pytest.param(lambda token: token.replace("-", "+").replace("_", "/") + "=", id="other-alphabet"),
            pytest.param(lambda token: token[:-1] + ("B" if token[-1] == "A" else "A"), id="last-character"),
            pytest.param(lambda token: token + ".", id="a-fourth-segment"),
            pytest.param(lambda token: " " + token, id="a-blank-before"),
            pytest.param(lambda token: token.rpartition(".")[0] + ".", id="no-signature"),
        ],
    )
    def test_other_spellings_of_a_used_token(self, made: Jobs, change: Callable[[str], str]) -> None:
        made.rule()
        token = made.token()
        made.access(token)
        assert made.login(change(token)).status == 401
        assert len(made.events("session.opened")) == 1

    @pytest.mark.parametrize("jti", ["same", GONE], ids=["with-jti", "without"])
    def test_the_other_signature_that_an_ecdsa_one_can_be_turned_into(self, made: Jobs, jti: object) -> None:
        made.rule()
        token = made.token(jti=jti)
        made.access(token)
        twin = _twin(token)
        assert twin != token
        assert made.login(twin).status == 401
        assert made.login(token).status == 200
        assert len(made.events("session.opened")) == 1

    def test_without_a_jti_the_same_bytes_join_and_others_open_their_own(self, made: Jobs) -> None:
        made.rule()
        token = made.token(jti=GONE)
        made.access(token)
        made.access(token)
        made.access(made.token(jti=GONE, run_id="2"))
        assert len(made.events("session.opened")) == 2

    def test_our_own_access_token_is_no_password(self, made: Jobs) -> None:
        made.rule()
        access = made.access(made.token())
        assert made.login(access).status == 401

    def test_a_ci_token_is_no_access_token(self, made: Jobs) -> None:
        made.rule()
        assert made.ping(made.token()) == 401

    def test_a_huge_one_and_a_deep_one_are_refused_as_any_other(self, made: Jobs) -> None:
        made.rule()
        deep = b'{"iss":"https://ci.example","x":' + b"[" * 3000 + b"]" * 3000 + b"}"
        for token in (made.token(x="y" * 11_000), sign_raw(json.dumps(good_header()).encode(), deep)):
            reply = made.login(token)
            assert (reply.status, reply.json()["error"]) == (401, "invalid_grant")


class TestSeveralRules:
    def test_the_user_name_picks_one(self, made: Jobs) -> None:
        made.rule("build", role="writer")
        made.rule("scan", role="scanner")
        assert made.login(made.token()).status == 401
        (why,) = made.refusals()
        assert "build, scan" in why
        assert made.login(made.token(), user="scan").json()["scope"] == "repository:team/app:pull,push"
        assert made.login(made.token(), user="build").status == 200
        names = [
            row[0]
            for row in made.gateway.sql("SELECT p.name FROM ci_session s JOIN principal p ON p.id = principal_id")
        ]
        assert sorted(names) == ["ci+build", "ci+scan"]

    def test_a_session_is_one_rule_s_and_another_name_does_not_join_it(self, made: Jobs) -> None:
        made.rule("build", role="writer")
        made.rule("scan", role="scanner")
        token = made.token()
        # A client asks for a token with each operation, and sends the same name each time.
        for user in ("build", "build", "ci+build", "whoever", "build"):
            assert made.login(token, user=user).status == 200, user
        for user in ("scan", "ci+scan", "ci+nothing"):
            assert made.login(token, user=user).status == 401, user

    def test_the_long_name_picks_too(self, made: Jobs) -> None:
        made.rule("build", role="writer")
        made.rule("scan", role="scanner")
        assert made.login(made.token(), user="ci+scan").status == 200
        assert made.login(made.token(), user="ci+nothing").status == 401

    @pytest.mark.parametrize("how", ["removed", "disabled", "another-issuer's"])
    def test_a_rule_that_is_asked_for_and_does_not_match_is_never_another(self, made: Jobs, how: str) -> None:
        made.rule("build", role="writer")
        scan = made.rule("scan", role="reader")
        match how:
            case "removed":
                made.remove("scan")
            case "disabled":
                run(
                    made.gateway.parts.principals.set_disabled(
                        scan.id, disabled=True, by=OPERATOR, now=made.gateway.now
                    )
                )
            case _:
                made.gateway.sql("UPDATE federation_rule SET issuer = 'other' WHERE principal_id = ?", scan.id)
        assert made.login(made.token(), user="scan").status == 401
        assert made.login(made.token(), user="somebody").status == 200


class TestIssuers:
    def test_two_of_one_address_are_told_apart_by_their_keys_and_so_are_their_jti(self, tmp_path: Path) -> None:
        other = TokenIssuer(
            "other", ISSUER, frozenset(), PinnedKeys.parse(key_set(jwk(OTHER_EC_KEY, kid="k1")), where="")
        )
        with jobs(tmp_path, PLATFORM, other) as made:
            made.rule()
            assert made.login(made.token(jti="one")).status == 200
            assert made.login(made.token(jti="one", key=OTHER_EC_KEY)).status == 401
            assert "a token of other for none of its rules" in made.refusals()[-1]

    def test_a_flood_of_key_ids_asks_the_issuer_once_a_minute(self, tmp_path: Path) -> None:
        fetch = FakeFetch()
        with jobs(tmp_path, TokenIssuer("ci", ISSUER, frozenset(), IssuerKeys(issuer=ISSUER, fetch=fetch))) as made:
            made.rule()
            assert made.login(made.token()).status == 200
            claims = good_claims(iat=made.gateway.now, nbf=made.gateway.now, exp=made.gateway.now + 300)
            for number in range(30):
                assert made.login(sign(claims, good_header(kid=f"k{number + 2}"))).status == 401
            assert fetch.fetches() == 1

    def test_keys_that_cannot_be_had_are_a_time_to_come_back_and_a_session_needs_none(self, tmp_path: Path) -> None:
        fetch = FakeFetch()
        with jobs(tmp_path, TokenIssuer("ci", ISSUER, frozenset(), IssuerKeys(issuer=ISSUER, fetch=fetch))) as made:
            made.rule(more='session = "6h"')
            token = made.token()
            made.access(token)
            fetch.answers.clear()
            made.gateway.clock[0] += 5 * 3600
            made.access(token)
            assert made.login(made.token()).status == 503

    def test_a_session_ends_with_its_issuer(self, tmp_path: Path) -> None:
        with jobs(tmp_path) as made:
            made.rule()
            token = made.token()
            access = made.access(token)
            assert made.ping(access) == 200
            gone = dataclasses.replace(made.gateway.api._guard.ci, issuers=())
            object.__setattr__(made.gateway.api._guard, "ci", gone)
            assert made.ping(access) == 401
            with pytest.raises(Unauthorized):
                run(gone.by_token(token, username="", address=ADDRESS, now=made.gateway.now))

    def test_a_stranger_s_claims_cost_next_to_nothing(self, made: Jobs) -> None:
        for number in range(100):
            made.rule(
                f"rule-{number}",
                match=f'repository_id = "{number}"\nref_type = "branch"\nref = "r/**/{"a*" * 40}"\nenvironment = "p*"',
            )
        token = made.token(
            repository_id="stranger", ref="refs/heads/" + "a" * 8000, ref_type="branch", environment="p" * 999
        )
        ci = made.sessions
        began = time.process_time()
        for _ in range(10):
            with pytest.raises(Unauthorized):
                run(ci.by_token(token, username="", address=ADDRESS, now=made.gateway.now))
        assert time.process_time() - began < 1, (
            "ten times a hundred rules: 0.05 s each is what a busy machine makes of 5 ms"
        )

    def test_a_claim_that_is_immutable_no_more_gives_nothing(self, tmp_path: Path) -> None:
        with jobs(tmp_path, TokenIssuer("ci", ISSUER, frozenset({"pipeline_owner"}), PLATFORM.keys)) as made:
            made.rule(match='pipeline_owner = "7"')
            assert made.login(made.token(pipeline_owner="7")).status == 200
        with jobs(tmp_path / "again") as made:
            made.rule(match='pipeline_owner = "7"')
            assert made.login(made.token(pipeline_owner="7")).status == 401


def test_reasons_that_differ_crowd_nobody_out_and_are_not_forged(made: Jobs) -> None:
    made.rule()
    for number in range(150):
        made.login(made.token(aud=f"{number}'; prod: session opened for ci+prod"))
    made.login("wrong horse battery staple", user="admin")
    taken = made.gateway.parts.logins.take(now=made.gateway.now)
    assert {(key.method, key.address) for key in taken} == {("ci", ADDRESS), ("password", ADDRESS)}
    (why,) = (span.why for key, span in taken.items() if key.method == "ci")
    assert r"'0\'; prod: session opened for ci+prod'" in why


def test_no_token_is_in_any_log_event_or_file(made: Jobs) -> None:
    made.rule()
    good, bad = made.token(), made.token(repository_id="75")
    made.access(good)
    made.login(bad)
    run(made.gateway.parts.audit.record_logins(made.gateway.parts.logins.take(now=made.gateway.now, everything=True)))
    said = repr(made.gateway.records) + repr(run(made.gateway.parts.audit.events(after=0, limit=1000)))
    files = b"".join(path.read_bytes() for path in (made.gateway.folder / "data").rglob("*") if path.is_file())
    for token in (good, bad):
        for part in token.split(".")[1:]:
            assert part not in said
            assert part.encode() not in files


def _twin(token: str) -> str:
    """The same signed bytes with the other signature (r, n - s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    body, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    twin = r.to_bytes(32, "big") + (order - s).to_bytes(32, "big")
    return f"{body}.{base64.urlsafe_b64encode(twin).rstrip(b'=').decode()}"


def test_a_rule_that_is_asked_for_is_quoted_in_the_reason(made: Jobs) -> None:
    """The user name is a stranger's text: in the audit log it must not read as a sentence of ours."""
    made.rule()
    token = made.token()
    made.access(token)
    for password in (token, made.token()):
        assert made.login(password, user="ci+x'; session opened for ci+prod").status == 401
        (why,) = made.refusals()
        assert r"'x\'; session opened for ci+prod' was asked for" in why
        made.gateway.clock[0] += 60
