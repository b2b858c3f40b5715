"""`federation test`: whose token it is, which rule it is for and until when, or why none is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import federation_test
from gateway.errors import OutboundFailed
from gateway.outbound.client import Peer
from tests.support.command_line import Home, Ran
from tests.support.identity import NOW
from tests.support.issuer import (
    AUDIENCE,
    DISCOVERY,
    EC_KEY,
    ISSUER,
    JWKS_URI,
    OTHER_EC_KEY,
    FakeFetch,
    PrivateKey,
    discovery,
    good_claims,
    jwk,
    key_set,
    sign,
)

FETCHED = f'name = "ci"\nissuer = "{ISSUER}"'


def rule(*, name: str = "shop", issuer: str = "ci", match: str = 'repository_id = "74"', more: str = "") -> str:
    return (
        f'name = "{name}"\nissuer = "{issuer}"\naudience = "{AUDIENCE}"\nproject = "team"\nrole = "writer"\n{more}\n'
        f"[match]\n{match}\n"
    )


class Desk:
    """A folder, the issuers that its configuration names, and files to type the names of."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder

    def issuers(self, *tables: str) -> None:
        with self.home.config_file.open("a", encoding="utf-8") as file:
            file.writelines(f"\n[[identity.issuer]]\n{table}\n" for table in tables)

    def pin(self, name: str = "ci", key: PrivateKey = EC_KEY, *, more: str = "") -> str:
        """The table of an issuer whose key is in a file of the folder."""
        (self.home.folder / f"{name}.json").write_bytes(key_set(jwk(key, kid="k1")))
        return f'name = "{name}"\nissuer = "{ISSUER}"\njwks_file = "{name}.json"\n{more}'

    def test(self, text: str, *rules: str, options: Sequence[str] = (), output: str = "json") -> Ran:
        token = self.folder / "token.jwt"
        token.write_text(text, encoding="utf-8")
        words = ["federation", "test", str(token), *options]
        for number, content in enumerate(rules):
            file = self.folder / f"rule{number}.toml"
            file.write_text(content, encoding="utf-8")
            words += ["--rule", str(file)]
        ran = self.home.run("--output", output, *words)
        # Whatever happens, the token is nowhere: neither it whole nor the parts that a replay needs.
        parts = text.strip().split(".")
        assert not any(part in ran.out + ran.err for part in parts if len(part) > 20)
        return ran


@pytest.fixture
def desk(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(federation_test, "unix_now", lambda: NOW + 10)
    return Desk(home, tmp_path)


class FakeOutbound:
    """The gateway's client with a network of documents behind it. Remembers whom it asked, and that it was closed."""

    def __init__(self, fetch: FakeFetch) -> None:
        self.fetch = fetch
        self.peers: list[Peer] = []
        self.accepted: set[str] = set()
        self.closed = False

    async def get(self, url: str, *, to: Peer, accept: str, max_bytes: int, timeout_seconds: float) -> bytes:
        assert 0 < timeout_seconds <= 30
        self.peers.append(to)
        self.accepted.add(accept)
        return await self.fetch(url, max_bytes=max_bytes)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def outbound(monkeypatch: pytest.MonkeyPatch) -> FakeOutbound:
    fake = FakeOutbound(FakeFetch())
    monkeypatch.setattr(federation_test, "Outbound", lambda: fake)
    return fake


class TestAMatch:
    def test_shows_whose_token_it_is_and_what_it_becomes(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(good_claims(ref="refs/heads/main", ref_type="branch")), rule(more='session = "20m"'))
        assert ran.status == 0, ran.err
        assert ran.data == {
            "issuer": "ci",
            "subject": "repo:octo/app:ref:refs/heads/main",
            "audience": [AUDIENCE],
            "expires": "2026-09-21T14:18:20Z",
            "rule": "shop",
            "project": "team",
            "repositories": ["team", "team/**"],
            "role": "writer",
            "session_end": "2026-09-21T14:33:30Z",  # 20 minutes from now, ten seconds after the token's issue
            "claims": {
                "aud": AUDIENCE,
                "exp": str(NOW + 300),
                "iat": str(NOW),
                "iss": ISSUER,
                "nbf": str(NOW),
                "ref": "refs/heads/main",
                "ref_type": "branch",
                "repository_id": "74",
                "sub": "repo:octo/app:ref:refs/heads/main",
            },
        }

    def test_is_a_list_of_names_and_values_for_people(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(), rule(more='repositories = ["team/app", "team/web/*"]'), output="table")
        assert ran.status == 0, ran.err
        lines = [line.split(maxsplit=1) for line in ran.out.splitlines()]
        assert ["rule", "shop"] in lines
        assert ["repositories", "team/app, team/web/*"] in lines
        assert ["claims.repository_id", "74"] in lines
        assert any(line.startswith("session end ") for line in ran.out.splitlines())

    def test_a_claim_s_name_moves_no_cursor(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(good_claims(**{"a\x1b[2J\nrole  owner": "x"})), rule(), output="table")
        assert ran.status == 0, ran.err
        assert "\x1b" not in ran.out
        assert not any(line.startswith("role  owner") for line in ran.out.splitlines())
        assert "claims.a\\x1b[2J\\nrole  owner" in ran.out

    def test_the_newline_that_an_editor_leaves_is_no_part_of_the_token(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        assert desk.test(f"{sign()}\n", rule()).status == 0

    def test_an_issuer_s_own_immutable_claims_count_for_its_rules(self, desk: Desk) -> None:
        desk.issuers(desk.pin(more='immutable_claims = ["job_uid"]'))
        ran = desk.test(sign(good_claims(job_uid="7")), rule(match='job_uid = "7"'))
        assert ran.status == 0, ran.err

    def test_the_user_name_picks_one_of_several(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(), rule(), rule(name="other"), options=("--user", "other"))
        assert ran.status == 0, ran.err
        assert ran.data["rule"] == "other"


class TestNoMatch:
    def test_says_of_each_rule_why_not(self, desk: Desk) -> None:
        desk.issuers(desk.pin(), 'name = "forge"\nissuer = "https://forge.example"')
        ran = desk.test(
            sign(),
            rule(match='repository_id = "75"'),
            rule(name="night", match='repository_id = "74"\nevent_name = "schedule"'),
            rule(name="elsewhere", issuer="forge"),
        )
        assert ran.status == 1
        assert ran.data == [
            {"rule": "shop", "why": "claim repository_id must be '75', and it is '74'"},
            {"rule": "night", "why": "claim event_name must be 'schedule', and it is missing"},
            {"rule": "elsewhere", "why": "it is for tokens of forge, and this one is of ci"},
        ]
        assert ran.err.startswith("registry-gateway: no rule is for this token: ")
        assert ran.err.count("\n") == 1

    def test_another_registry_s_token_is_for_no_rule(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(good_claims(aud="https://other.example")), rule(), output="table")
        assert ran.status == 1
        assert f"claim aud must be exactly '{AUDIENCE}', and it is 'https://other.example'" in ran.out

    def test_several_rules_are_named(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(), rule(), rule(name="other"))
        assert ran.status == 1
        assert ran.out == ""
        assert "name one of other, shop with --user" in ran.err


class TestATokenThatDoesNotVerify:
    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(sign(key=OTHER_EC_KEY), id="signed-by-somebody-else"),
            pytest.param(sign(good_claims(iat=NOW - 900, nbf=NOW - 900, exp=NOW - 600)), id="expired"),
            pytest.param(sign(good_claims(iat=NOW + 600)), id="not-yet"),
            pytest.param(sign(good_claims(exp=NOW + 24 * 3600 + 1)), id="lives-over-a-day"),
            pytest.param(sign(header={"alg": "none"}), id="unsigned"),
        ],
    )
    def test_ends_with_1_and_says_whose_keys_were_tried(self, desk: Desk, text: str) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(text, rule())
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith("registry-gateway: the token does not verify: no key of ci has signed it")

    def test_one_that_lives_a_day_is_taken(self, desk: Desk) -> None:
        desk.issuers(desk.pin())
        assert desk.test(sign(good_claims(exp=NOW + 24 * 3600)), rule()).status == 0

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param("correct horse battery staple", id="no-token"),
            pytest.param(f"Bearer {sign()}", id="a-word-before-it"),
            pytest.param("é.é.é", id="not-ascii"),
            pytest.param(sign(good_claims(a="a" * 20_000)), id="too-large"),
        ],
    )
    def test_what_is_no_token_ends_with_1_too(self, desk: Desk, text: str) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(text, rule())
        assert (ran.status, ran.out) == (1, "")
        assert "the file holds no token that names its issuer" in ran.err


class TestIssuersThatShareAnAddress:
    @pytest.mark.parametrize(("key", "name"), [(EC_KEY, "one"), (OTHER_EC_KEY, "two")])
    def test_are_told_apart_by_their_keys(self, desk: Desk, key: PrivateKey, name: str) -> None:
        desk.issuers(desk.pin("one", EC_KEY), desk.pin("two", OTHER_EC_KEY))
        ran = desk.test(sign(key=key), rule(name="first", issuer="one"), rule(name="second", issuer="two"))
        assert ran.status == 0, ran.err
        assert ran.data["issuer"] == name
        assert ran.data["rule"] == {"one": "first", "two": "second"}[name]


class TestUsage:
    @pytest.mark.parametrize(
        ("rules", "said"),
        [
            pytest.param([rule(match='repository = "octo/app"')], "never given again", id="no-immutable-id"),
            pytest.param([rule(more='rolle = "x"')], "the key 'rolle' is unknown: write 'role'", id="misspelt"),
            pytest.param([rule(), "x = "], "is not TOML", id="the-second"),
            pytest.param([rule(more="#" * 20_000)], "is larger than 16384 bytes", id="large"),
            pytest.param([rule(), rule()], "2 rules are called shop", id="one-name-twice"),
        ],
    )
    def test_a_rule_that_is_refused_ends_with_2(self, desk: Desk, rules: list[str], said: str) -> None:
        desk.issuers(desk.pin())
        ran = desk.test(sign(), *rules)
        assert (ran.status, ran.out) == (2, "")
        assert said in ran.err
        assert ran.err.count("\n") == 1

    def test_another_issuer_s_immutable_claim_does_not_make_a_rule_safe(self, desk: Desk) -> None:
        desk.issuers(desk.pin(), 'name = "forge"\nissuer = "https://forge.example"\nimmutable_claims = ["job_uid"]')
        ran = desk.test(sign(good_claims(job_uid="7")), rule(match='job_uid = "7"'))
        assert ran.status == 2
        assert "never given again" in ran.err

    def test_an_issuer_that_is_not_configured_ends_with_2(self, desk: Desk) -> None:
        desk.issuers(f'name = "ci"\nissuer = "{ISSUER}/"')
        ran = desk.test(sign(), rule())
        assert (ran.status, ran.out) == (2, "")
        assert f"no [[identity.issuer]] is '{ISSUER}'" in ran.err

    @pytest.mark.parametrize(
        ("content", "said"),
        [pytest.param(None, "No such file", id="missing"), pytest.param(b"{}", "holds no list", id="no-key-set")],
    )
    def test_pinned_keys_that_cannot_be_read_end_with_2(self, desk: Desk, content: bytes | None, said: str) -> None:
        desk.issuers(desk.pin())
        file = desk.home.folder / "ci.json"
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        ran = desk.test(sign(), rule())
        assert (ran.status, ran.out) == (2, "")
        assert str(file) in ran.err
        assert said in ran.err

    @pytest.mark.parametrize("missing", ["token", "rule"])
    def test_words_that_name_no_file_end_with_2(self, desk: Desk, missing: str) -> None:
        file, gone = desk.folder / "file", desk.folder / "gone"
        file.write_text(rule(), encoding="utf-8")
        words: dict[str, list[Any]] = {
            "token": [gone, "--rule", file],
            "rule": [file, "--rule", gone],
        }
        ran = desk.home.run("federation", "test", *map(str, words[missing]))
        assert (ran.status, ran.out) == (2, "")


class TestFetchedKeys:
    def test_verify_like_pinned_ones(self, desk: Desk, outbound: FakeOutbound) -> None:
        desk.issuers(f'{FETCHED}\nca = "keys/ca.pem"\ninternal = true')
        ran = desk.test(sign(), rule())
        assert ran.status == 0, ran.err
        assert ran.data["issuer"] == "ci"
        assert outbound.fetch.asked == [DISCOVERY, JWKS_URI]
        assert set(outbound.peers) == {Peer("the issuer ci", desk.home.folder / "keys" / "ca.pem", internal=True)}
        assert outbound.accepted == {"application/json, application/jwk-set+json"}
        assert outbound.closed

    def test_are_asked_of_a_public_address_unless_it_is_configured(self, desk: Desk, outbound: FakeOutbound) -> None:
        desk.issuers(FETCHED)
        assert desk.test(sign(), rule()).status == 0
        assert set(outbound.peers) == {Peer("the issuer ci", None, internal=False)}

    @pytest.mark.parametrize(
        ("answers", "said"),
        [
            pytest.param({DISCOVERY: OutboundFailed("ci cannot be reached")}, "ci cannot be reached", id="unreachable"),
            pytest.param(
                {DISCOVERY: discovery(issuer="https://evil.example")}, "another issuer's", id="another-issuer"
            ),
            pytest.param({JWKS_URI: b"<html>"}, "the key set is", id="no-key-set"),
        ],
    )
    def test_that_cannot_be_had_end_with_3_and_say_why(
        self, desk: Desk, outbound: FakeOutbound, answers: dict[str, bytes | Exception], said: str
    ) -> None:
        outbound.fetch.answers.update(answers)
        desk.issuers(FETCHED)
        ran = desk.test(sign(), rule())
        assert (ran.status, ran.out) == (3, "")
        assert f"the keys of the issuer {ISSUER} cannot be had now: " in ran.err
        assert said in ran.err
        assert outbound.closed

    def test_a_key_that_the_issuer_does_not_have_ends_with_1(self, desk: Desk, outbound: FakeOutbound) -> None:
        outbound.fetch.answers[JWKS_URI] = key_set(jwk(OTHER_EC_KEY, kid="k2"))
        desk.issuers(FETCHED)
        assert desk.test(sign(), rule()).status == 1

    def test_nobody_is_asked_for_an_issuer_that_only_the_token_names(self, desk: Desk, outbound: FakeOutbound) -> None:
        desk.issuers(FETCHED)
        ran = desk.test(sign(good_claims(iss="https://evil.example")), rule())
        assert ran.status == 2
        assert outbound.fetch.asked == []

    def test_nobody_is_asked_where_the_keys_are_pinned(self, desk: Desk, outbound: FakeOutbound) -> None:
        desk.issuers(desk.pin())
        assert desk.test(sign(), rule()).status == 0
        assert outbound.fetch.asked == []
