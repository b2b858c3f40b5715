"""Sessions of CI jobs: what opens one, who is in it, what it may do, and how it ends."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.catalog.sqlite import ci_sessions
from gateway.errors import Conflict, Unauthorized
from gateway.oci.names import ProjectName
from tests.support.ci import ADDRESS, Jobs, jobs
from tests.support.images import image
from tests.support.whole import HOST, OPERATOR, run


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Jobs]:
    with jobs(tmp_path) as built:
        yield built


class TestASession:
    def test_a_job_pushes_as_its_rule_and_its_claims_reach_the_policy(self, made: Jobs) -> None:
        rule = made.rule()
        reply = made.push(made.access(made.token(ref="refs/heads/main", ref_type="branch")), image("1"))
        assert reply.status == 201, reply.body
        (opened,) = made.events("session.opened")
        assert opened["issuer"] == "ci"
        assert opened["subject"] == "repo:octo/app:ref:refs/heads/main"
        assert opened["address"] == ADDRESS
        (document,) = made.gateway.sql("SELECT document FROM decision_input ORDER BY rowid DESC LIMIT 1")
        who = json.loads(document[0])["who"]
        assert (who["id"], who["kind"], who["name"]) == (rule.id, "workload", "ci+shop")
        assert (who["claims"]["ref"], who["claims"]["repository_id"]) == ("refs/heads/main", "74")
        assert "jti" not in who["claims"]

    def test_it_outlives_its_token_by_the_rule_s_time_and_no_longer(self, made: Jobs) -> None:
        made.rule(more='session = "20m"')
        token = made.token()
        made.access(token)
        made.gateway.clock[0] += 20 * 60 - 1
        access = made.access(token)
        made.gateway.clock[0] += 1
        assert made.login(token).status == 401
        assert made.ping(access) == 401, "an access token ends with the session that it is part of"

    def test_a_token_that_lives_longer_than_the_session_is_good_until_its_end(self, made: Jobs) -> None:
        made.rule(more='session = "1m"')
        token = made.token(life=600)
        made.access(token)
        made.gateway.clock[0] += 599
        made.access(token)
        made.gateway.clock[0] += 1
        assert made.login(token).status == 401

    def test_fifty_uses_at_once_open_one(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        ci = made.sessions

        async def use() -> set[str]:
            uses = (ci.by_token(token, username="ci", address=ADDRESS, now=made.gateway.now) for _ in range(50))
            return {session.id for session in await asyncio.gather(*uses)}

        assert len(run(use())) == 1
        assert len(made.events("session.opened")) == 1

    def test_fifty_tokens_with_one_jti_at_once_open_one(self, made: Jobs) -> None:
        made.rule()
        tokens = [made.token(jti="same", run_id=str(number)) for number in range(50)]
        ci = made.sessions

        async def use() -> list[BaseException]:
            uses = (ci.by_token(token, username="ci", address=ADDRESS, now=made.gateway.now) for token in tokens)
            return [
                one for one in await asyncio.gather(*uses, return_exceptions=True) if isinstance(one, BaseException)
            ]

        refused = run(use())
        assert len(refused) == 49
        assert all(isinstance(one, Unauthorized) and "jti" in one.why for one in refused)

    def test_a_token_is_given_for_no_longer_than_its_session(self, made: Jobs) -> None:
        made.rule(more='session = "200s"')
        token = made.token(life=100)
        assert made.login(token).json()["expires_in"] == 200
        made.gateway.clock[0] += 180
        assert made.login(token).json()["expires_in"] == 60, "which is the least that clients understand"

    def test_a_rule_has_so_many_and_no_more(self, made: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ci_sessions, "MAX_SESSIONS", 3)
        made.rule()
        tokens = [made.token() for _ in range(4)]
        assert [made.login(token).status for token in tokens] == [200, 200, 200, 401]
        assert made.login(tokens[0]).status == 200

    def test_once_ended_nothing_opens_it_again(self, made: Jobs) -> None:
        made.rule(more='session = "1m"')
        token = made.token(life=3600)
        access = made.access(token)
        ci = made.sessions
        run(ci.end(token, address=ADDRESS, now=made.gateway.now))
        assert made.ping(access) == 401
        for ahead in (0, 61, 3000, 3600):
            made.gateway.clock[0] += ahead
            assert made.login(token).status == 401
        assert len(made.events("session.ended")) == 1

    def test_a_row_stays_until_no_leeway_takes_its_token(self, made: Jobs) -> None:
        made.rule(more='session = "1m"')
        made.access(made.token())
        made.gateway.clock[0] += 300 + 119
        made.access(made.token())
        assert made.gateway.count("ci_session") == {"ci_session": 2}
        made.gateway.clock[0] += 2
        made.access(made.token())
        assert made.gateway.count("ci_session") == {"ci_session": 2}, "the first one was forgotten"

    def test_a_second_address_is_told_once(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        made.access(token)
        for address in ("192.0.2.8", "192.0.2.9", ADDRESS):
            assert _from(made, token, address) is None
        (told,) = made.events("session.address")
        assert (told["opened_from"], told["address"]) == (ADDRESS, "192.0.2.8")

    def test_a_bound_session_is_for_its_address_alone(self, made: Jobs) -> None:
        made.rule(more="bind_address = true")
        token = made.token()
        assert _from(made, token, "192.0.2.8") is None
        refused = _from(made, token, ADDRESS)
        assert refused is not None
        assert "bound to the address" in refused.why
        assert made.login(token).status == 401

    def test_an_access_token_of_a_bound_session_is_bound_too(self, made: Jobs) -> None:
        made.rule(more="bind_address = true")
        access = made.access(made.token())
        assert made.ping(access) == 200
        made.gateway.sql("UPDATE ci_session SET address = '192.0.2.99'")
        assert made.ping(access) == 401


class TestRights:
    def test_are_the_rule_s_role_in_its_repositories(self, made: Jobs) -> None:
        made.rule(role="reader", more='repositories = ["team/app", "team/lib/*"]')
        scopes = "&scope=".join(
            f"repository:{name}:pull,push,delete" for name in ("team/app", "team/lib/a", "team/lib/a/b", "team/other")
        )
        reply = made.login(made.token(), scope=scopes)
        assert reply.json()["scope"] == "repository:team/app:pull repository:team/lib/a:pull"

    def test_end_with_the_rule_at_once(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        access = made.access(token)
        assert made.ping(access) == 200
        assert made.remove() == 1
        assert made.ping(access) == 401
        assert made.login(token).status == 401
        made.rule()
        assert made.ping(access) == 401, "the new rule is another principal"
        assert made.login(token).status == 401, "and a session that ended stays ended"
        assert made.login(made.token()).status == 200

    def test_end_while_the_rule_is_disabled(self, made: Jobs) -> None:
        rule, token = made.rule(), made.token()
        access = made.access(token)
        run(made.gateway.parts.principals.set_disabled(rule.id, disabled=True, by=OPERATOR, now=made.gateway.now))
        assert made.push(access, image("1")).status == 401
        assert made.login(token).status == 401
        assert made.login(made.token()).status == 401
        run(made.gateway.parts.principals.set_disabled(rule.id, disabled=False, by=OPERATOR, now=made.gateway.now))
        assert made.push(access, image("1")).status == 201

    def test_in_the_catalog_are_repository_by_repository(self, made: Jobs) -> None:
        made.gateway.person("owner", ("team", Role.OWNER))
        for name in ("team/aaa", "team/app", "team/zzz"):
            assert (
                made.push(
                    made.gateway.token("owner", f"repository:{name}:pull,push"), image(name), repository=name
                ).status
                == 201
            )
        made.rule(more='repositories = ["team/app"]')
        access = made.access(made.token(), scope="registry:catalog:*")
        reply = made.gateway.client.send("GET", "/v2/_catalog", token=access, host=HOST)
        assert reply.json() == {"repositories": ["team/app"]}

    def test_what_was_used_stays_used_when_the_project_is_made_anew(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        made.access(token)
        run(made.gateway.parts.projects.delete_project(ProjectName("team"), by=OPERATOR, now=made.gateway.now))
        made.gateway.project("team")
        made.rule()
        assert made.login(token).status == 401
        assert "gone" in made.refusals()[-1]

    def test_end_with_the_project_and_are_not_the_next_one_s(self, made: Jobs) -> None:
        made.rule()
        token = made.token()
        access = made.access(token)
        run(made.gateway.parts.projects.delete_project(ProjectName("team"), by=OPERATOR, now=made.gateway.now))
        assert made.ping(access) == 401
        made.gateway.project("team")
        assert made.push(access, image("1")).status == 401
        assert made.login(token).status == 401

    def test_no_binding_adds_to_them(self, made: Jobs) -> None:
        rule = made.rule(role="reader")
        made.gateway.project("other")
        for project in ("team", "other"):
            with pytest.raises(Conflict, match="what it says"):
                run(
                    made.gateway.parts.members.add_member(
                        ProjectName(project), rule.id, Role.OWNER, by=OPERATOR, now=made.gateway.now
                    )
                )
        made.gateway.sql("INSERT INTO member SELECT id, ?, 'owner', 0, 'x' FROM project WHERE name = 'other'", rule.id)
        assert made.login(made.token(), scope="repository:other/app:pull,push").json()["scope"] == ""

    def test_a_tag_that_waits_for_a_removed_rule_is_dropped(self, made: Jobs) -> None:
        made.rule()
        assert made.push(made.access(made.token()), image("1")).status == 201
        made.remove()
        made.gateway.rules()
        made.gateway.work()
        assert made.events("tag.promoted") == []


class TestGrace:
    def test_a_body_counts_two_minutes_longer_and_nothing_else_does(self, made: Jobs) -> None:
        made.rule()
        access = made.access(made.token())
        made.gateway.clock[0] += 300 + 30 + 119
        assert made.ping(access) == 401
        assert made.push(access, image("1")).status == 201
        made.gateway.clock[0] += 1
        assert made.push(access, image("1")).status == 401

    def test_no_read_is_one_with_a_body(self, made: Jobs) -> None:
        made.rule()
        access = made.access(made.token())
        made.gateway.clock[0] += 300 + 60
        for method in ("GET", "HEAD", "DELETE"):
            reply = made.gateway.client.send(
                method,
                "/v2/team/app/manifests/v1",
                token=access,
                host=HOST,
                body=b"x",
                headers=[("content-length", "1")],
            )
            assert reply.status == 401

    def test_a_token_without_a_session_has_none(self, made: Jobs) -> None:
        made.gateway.person("pusher", ("team", Role.OWNER))
        access = made.gateway.token("pusher", "repository:team/app:pull,push")
        made.gateway.clock[0] += 300 + 29
        assert made.push(access, image("1")).status == 201
        made.gateway.clock[0] += 1
        assert made.push(access, image("1")).status == 401


def _from(made: Jobs, token: str, address: str) -> Unauthorized | None:
    """Use ``token`` from another address; return the refusal."""
    ci = made.sessions
    try:
        run(ci.by_token(token, username="ci", address=address, now=made.gateway.now))
    except Unauthorized as refused:
        return refused
    return None
