"""A CI token exchanged for a session's secret, and the end of a session."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest

from tests.support.api import Reply
from tests.support.ci import ADDRESS, Jobs, jobs
from tests.support.images import image
from tests.support.whole import HOST, run


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Jobs]:
    with jobs(tmp_path) as built:
        yield built


EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"


def post(made: Jobs, path: str, **fields: str) -> Reply:
    """POST a form."""
    return made.gateway.client.send(
        "POST",
        f"/federation/{path}",
        body=urlencode(fields).encode(),
        headers=[("content-type", "application/x-www-form-urlencoded")],
        host=HOST,
    )


def exchange(made: Jobs, token: str, **more: str) -> Reply:
    """Exchange a token."""
    fields = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ID_TOKEN, **more}
    return post(made, "token", **fields)


class TestAnExchange:
    def test_gives_a_secret_that_is_docker_s_password_until_the_session_ends(self, made: Jobs) -> None:
        rule = made.rule(more='session = "20m"')
        reply = exchange(made, made.token())
        assert reply.status == 200, reply.body
        assert reply.one("cache-control") == "private, no-store"
        answer = reply.json()
        assert (answer["token_type"], answer["expires_in"]) == ("N_A", 1200)
        secret = answer["access_token"]
        assert made.push(made.access(secret, user="whoever"), image("1")).status == 201
        made.gateway.clock[0] += 1200
        assert made.login(secret).status == 401
        (opened,) = made.events("session.opened")
        assert opened["proof"] == "exchange"
        assert made.gateway.sql("SELECT principal_id FROM ci_session") == [(rule.id,)]

    def test_uses_the_token_up(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        assert exchange(made, token).status == 200
        assert made.login(token).status == 401
        assert exchange(made, token).status == 401

    def test_takes_no_token_that_was_a_password(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        made.access(token)
        assert exchange(made, token).status == 401
        assert made.login(token).status == 200

    def test_fifty_at_once_give_one_secret(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        ci = made.sessions

        async def use() -> int:
            uses = (ci.exchange(token, rule=None, address=ADDRESS, now=made.gateway.now) for _ in range(50))
            return sum(
                not isinstance(one, BaseException) for one in await asyncio.gather(*uses, return_exceptions=True)
            )

        assert run(use()) == 1

    def test_names_one_of_several_rules_in_a_field(self, made: Jobs) -> None:
        made.rule("build")
        made.rule("scan", role="scanner")
        assert exchange(made, made.token()).status == 401
        assert exchange(made, made.token(), rule="scan").status == 200

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="another-grant"),
            pytest.param({"subject_token_type": "urn:x"}, "invalid_request", id="another-type"),
            pytest.param({"audience": "elsewhere"}, "invalid_request", id="another-audience"),
        ],
    )
    def test_is_asked_for_in_its_own_words(self, made: Jobs, fields: dict[str, str], error: str) -> None:
        made.rule()
        reply = exchange(made, made.token(), **fields)
        assert (reply.status, reply.json()["error"]) == (400, error)
        assert made.gateway.count("ci_session") == {"ci_session": 0}

    def test_without_a_token_it_is_nothing(self, made: Jobs) -> None:
        assert post(made, "token", grant_type=EXCHANGE).status == 400
        assert exchange(made, "").status == 401
        assert exchange(made, "a.b.c").status == 401
        assert exchange(made, "x" * 60_000).status == 401

    def test_its_secret_is_stored_nowhere(self, made: Jobs) -> None:
        made.rule()
        secret = exchange(made, made.token()).json()["access_token"]
        files = b"".join(path.read_bytes() for path in (made.gateway.folder / "data").rglob("*") if path.is_file())
        assert secret.encode() not in files
        assert secret[4:30].encode() not in files


class TestTheEnd:
    def test_of_a_secret_s_session_is_at_once_and_for_good(self, made: Jobs) -> None:
        made.rule()
        secret = exchange(made, made.token()).json()["access_token"]
        access = made.access(secret)
        assert post(made, "revoke", token=secret).status == 200
        assert made.ping(access) == 401
        assert made.login(secret).status == 401
        (ended,) = made.events("session.ended")
        assert ended["address"] == ADDRESS

    def test_of_a_token_s_session_too(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        access = made.access(token)
        assert post(made, "revoke", token=token).status == 200
        assert made.ping(access) == 401
        assert made.login(token).status == 401

    @pytest.mark.parametrize("token", ["", "rgs_nothing", "a.b.c", "rgr_" + "0" * 49])
    def test_of_what_is_none_is_no_news(self, made: Jobs, token: str) -> None:
        assert post(made, "revoke", token=token).status == 200

    def test_needs_the_credential_itself(self, made: Jobs) -> None:
        made.rule()
        access = made.access(made.token())
        (session,) = made.gateway.sql("SELECT id FROM ci_session")
        for other in (access, session[0], made.token()):
            assert post(made, "revoke", token=other).status == 200
        assert made.ping(access) == 200
