"""Who calls, and may they: the answers, in their order."""

import asyncio

import pytest

from gateway.access.values import Role
from gateway.identity.values import SYSTEM
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.api import House, Reply, basic, house
from tests.support.identity import NOW
from tests.support.oci import encode, image

OPEN = RepositoryName("open/app")
READ = "/v2/team/app/manifests/v1"
SERVICE = 'Bearer realm="https://registry.example:5000/token",service="registry.example:5000"'


@pytest.fixture
def made() -> House:
    built = house()
    built.registry.put(encode(image()), tag="v1")
    return built


def challenge(reply: Reply) -> str:
    """Return the one challenge of a 401 that keeps all the rules of clients."""
    assert reply.status == 401
    value = reply.one("www-authenticate")
    assert value.lower().count("bearer") == 1
    assert '=""' not in value
    assert reply.code == "UNAUTHORIZED"
    return value


def test_no_token(made: House) -> None:
    assert challenge(made.client.send("GET", "/v2/")) == SERVICE
    assert challenge(made.client.send("GET", READ)) == f'{SERVICE},scope="repository:team/app:pull"'
    assert challenge(made.client.send("GET", "/v2/_catalog")) == f'{SERVICE},scope="registry:catalog:*"'


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        pytest.param("GET", READ, "repository:team/app:pull", id="read"),
        pytest.param("PUT", READ, "repository:team/app:push", id="put"),
        pytest.param("DELETE", READ, "repository:team/app:delete", id="delete"),
        pytest.param("POST", "/v2/team/app/blobs/uploads/", "repository:team/app:push", id="upload"),
        pytest.param("GET", "/v2/team/app/blobs/uploads/x", "repository:team/app:push", id="upload-status"),
        pytest.param("DELETE", "/v2/team/app/blobs/uploads/x", "repository:team/app:push", id="upload-cancel"),
    ],
)
def test_a_token_that_is_too_narrow_is_told_what_to_ask(made: House, method: str, path: str, scope: str) -> None:
    token = made.token("owner", "repository:team/other:pull,push,delete")
    reply = made.client.send(method, path, token=token)
    assert challenge(reply) == f'{SERVICE},scope="{scope}",error="insufficient_scope"'


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Bearer", id="nothing"),
        pytest.param("Bearer a.b.c", id="no-token"),
        pytest.param("bearer a b", id="two-words"),
        pytest.param("Digest x", id="another-scheme"),
        pytest.param(basic("owner")[1], id="basic-with-a-good-password"),
        pytest.param("", id="empty"),
        pytest.param("Bearer " + "." * 40000, id="dots"),
    ],
)
def test_what_is_not_a_token_of_ours(made: House, authorization: str) -> None:
    for path in ("/v2/", READ, "/v2/_catalog"):
        reply = made.client.send("GET", path, headers=[("authorization", authorization)])
        assert challenge(reply).endswith('error="invalid_token"')
        assert made.pulls == []
    assert not made.failures


def test_an_expired_token(made: House) -> None:
    token = made.token("reader", "repository:team/app:pull")
    assert made.client.send("GET", READ, token=token).status == 200
    made.clock[0] += 331
    reply = made.client.send("GET", READ, token=token)
    assert challenge(reply) == f'{SERVICE},scope="repository:team/app:pull",error="invalid_token"'


def test_a_right_that_was_taken_away_is_gone_with_the_next_request(made: House) -> None:
    token = made.token("reader", "repository:team/app:pull")
    assert made.client.send("GET", READ, token=token).status == 200
    asyncio.run(made.directory.remove_member(ProjectName("team"), "u:reader", Role.READER, by=SYSTEM, now=NOW))
    assert challenge(made.client.send("GET", READ, token=token)).endswith('error="insufficient_scope"')


def test_what_was_worked_out_for_one_question_answers_no_other(made: House) -> None:
    token = made.token("reader", "repository:team/app:pull")
    for _ in range(2):
        assert made.client.send("GET", READ, token=token).status == 200
        assert made.client.send("DELETE", READ, token=token).status == 401
        assert made.client.send("GET", "/v2/team/other/manifests/v1", token=token).status == 401
    made.clock[0] += 331
    assert made.client.send("GET", READ, token=token).status == 401


@pytest.mark.parametrize("path", ["/v2/", "/v2/_catalog", READ])
def test_a_disabled_account(made: House, path: str) -> None:
    token = made.token("disabled", "repository:team/app:pull", "registry:catalog:*")
    assert challenge(made.client.send("GET", path, token=token)).endswith('error="invalid_token"')


def test_a_disabled_account_that_pushes_learns_nothing_of_projects(made: House) -> None:
    for repository in ("team/app", "nowhere/app"):
        token = made.all_of("disabled", repository)
        reply = made.client.send("POST", f"/v2/{repository}/blobs/uploads/", token=token)
        assert challenge(reply).endswith('error="invalid_token"')


def test_any_token_is_good_for_the_ping(made: House) -> None:
    for who in ("reader", "outsider", "auditor", "anonymous"):
        assert made.client.send("GET", "/v2/", token=made.token(who)).status == 200
    assert made.client.send("HEAD", "/v2", token=made.token("reader")).status == 200


def test_a_reader_that_pushes_is_not_told_that_the_project_is_not_there(made: House) -> None:
    reply = made.client.send("POST", "/v2/team/app/blobs/uploads/", token=made.all_of("reader"))
    assert challenge(reply) == f'{SERVICE},scope="repository:team/app:push",error="insufficient_scope"'


def test_who_pushes_where_it_has_no_right_gets_the_command_to_type(made: House) -> None:
    said = []
    for repository in ("team/app", "lost/app"):
        reply = made.client.send("POST", f"/v2/{repository}/blobs/uploads/", token=made.all_of("outsider", repository))
        assert (reply.status, reply.code) == (404, "NAME_UNKNOWN")
        said.append(reply.message.replace(repository, "X").replace(repository.split("/")[0], "P"))
    assert "`registry-gateway project create P`" in said[0]
    # The same words whether the project is there and closed to him, or not there.
    assert said[0] == said[1]


@pytest.mark.parametrize("who", ["anonymous", "outsider", "auditor"])
def test_a_project_that_is_closed_reads_like_one_that_is_not_there(made: House, who: str) -> None:
    answers = []
    for repository in ("team/app", "lost/app"):
        for token in (None, made.all_of(who, repository)):
            reply = made.client.send("GET", f"/v2/{repository}/manifests/v1", token=token)
            assert reply.status == 401
            answers.append(
                (
                    token is None,
                    [(n, v.replace(repository, "X")) for n, v in reply.headers],
                    reply.body.replace(repository.encode(), b"X"),
                )
            )
    assert answers[0] == answers[2]
    # The names are of one length, so the size is the same too.
    assert len(answers[1][2]) == len(answers[3][2])
    assert answers[1] == answers[3]


def test_public_projects_need_a_token_too(made: House) -> None:
    made.registry.put(encode(image()), repository=OPEN, tag="v1")
    assert challenge(made.client.send("GET", "/v2/open/app/manifests/v1")).endswith('scope="repository:open/app:pull"')
    token = made.token("anonymous", "repository:open/app:pull")
    assert made.client.send("GET", "/v2/open/app/manifests/v1", token=token).status == 200
    push = made.token("anonymous", "repository:open/app:pull,push")
    reply = made.client.send("POST", "/v2/open/app/blobs/uploads/", token=push)
    assert challenge(reply).endswith('scope="repository:open/app:push",error="insufficient_scope"')
