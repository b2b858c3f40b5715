"""Every route without an object x every caller, the token endpoint, and that no route is left out: rows 1, 2, 24, 118."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from gateway.access.values import Condition
from gateway.api.routes import TABLE, Endpoint
from tests.attacks import matrix
from tests.support.api import basic
from tests.support.matrix_world import CALLERS, REPOSITORY, Made, World
from tests.support.whole import ALL, HOST, METRICS_SECRET, PASSWORD

PATHS = {
    "ping": ("/v2/", "/v2"),
    "catalog": ("/v2/_catalog", "/v2/_catalog?n=1"),
    "live": ("/livez",),
    "ready": ("/readyz",),
    "metrics": ("/metrics",),
    "keys": ("/.well-known/jwks.json",),
    "about": ("/.well-known/registry-gateway",),
}


@pytest.fixture(scope="module")
def world(made_world: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made_world.open(tmp_path_factory.mktemp("matrix") / "state") as opened:
        yield opened


def test_row_014_no_route_is_outside_the_matrix() -> None:
    assert set(matrix.TABLES) == set(Endpoint) == {row.endpoint for row in TABLE}
    for tables in matrix.TABLES.values():
        for table in tables:
            callers = table.strip().splitlines()[0].split()
            assert callers == list(CALLERS) or table in (
                matrix.MOUNT,
                matrix.SIGNING,
                matrix.TOKEN,
                matrix.CATALOG,
            )


def test_row_014_every_state_is_there_wherever_something_is_named() -> None:
    """In the path, in the query of a mount, or in the list that is the answer."""
    naming = {row.endpoint for row in TABLE if {"<reference>", "<digest>"} & set(row.path.split("/"))}
    naming |= {row.endpoint for row in TABLE if "mount" in row.query} | {Endpoint.TAGS}
    assert set(matrix.STATES) == naming
    assert {condition.value for condition in Condition} <= matrix.OF_A_MANIFEST
    for endpoint, tables in matrix.STATES.items():
        for table, states in tables:
            assert table in matrix.TABLES[endpoint]
            missing = states - {state for state, _, _ in matrix.cells(table)}
            assert missing == set(), (endpoint, table)


@pytest.mark.parametrize(("what", "caller", "cell"), matrix.cells(matrix.OPEN))
def test_row_001_and_024_what_is_no_repositorys(world: World, what: str, caller: str, cell: str) -> None:
    for path in PATHS[what]:
        for method in ("GET", "HEAD"):
            reply = world.ask(caller, method, path)
            assert reply.status == int(cell), (method, path, reply.body)
            if reply.status == 401:
                assert len(reply.every("www-authenticate")) == 1


@pytest.mark.parametrize(("what", "caller", "cell"), matrix.cells(matrix.FORMS))
def test_row_001_what_takes_its_credential_from_a_form(world: World, what: str, caller: str, cell: str) -> None:
    reply = world.ask(caller, "POST", f"/{what}", headers={"content-type": "application/x-www-form-urlencoded"})
    assert (reply.status, reply.json()["error"]) == (
        int(cell),
        "unsupported_grant_type" if caller == "none" and what.endswith("token") else "invalid_request",
    )


def test_row_024_metrics_have_a_secret_that_gives_nothing_else(world: World) -> None:
    reply = world.whole.client.send("GET", "/metrics", token=METRICS_SECRET, host=HOST)
    assert reply.status == 200
    assert b"registry_gateway_requests_total" in reply.body
    for path in ("/v2/", "/v2/_catalog", f"/v2/{REPOSITORY}/tags/list"):
        assert world.whole.client.send("GET", path, token=METRICS_SECRET, host=HOST).status == 401
    for near in (METRICS_SECRET[:-1], METRICS_SECRET + "x", METRICS_SECRET.upper(), "", " "):
        assert world.whole.client.send("GET", "/metrics", token=near, host=HOST).status == 401


@pytest.mark.parametrize("caller", CALLERS[4:])
def test_row_001_the_catalog(world: World, caller: str) -> None:
    listed = world.ask(caller, "GET", "/v2/_catalog").json()["repositories"]
    expected = {name: cell for name, column, cell in matrix.cells(matrix.CATALOG) if column == caller}
    assert {name: "yes" if name in listed else "no" for name in expected} == expected
    assert set(listed) <= set(expected)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/_catalog/",
        "//v2/_catalog",
        "/v2//_catalog",
        "/v2/./_catalog",
        "/v2/team/../_catalog",
        "/v2/%5fcatalog",
        "/v2/_catalog%2f",
        "/v2%2f_catalog",
        "/V2/_catalog",
        "/v2/_Catalog",
        "/v2/_catalog;x",
        "/v2/_catalog#",
        f"/v2/{REPOSITORY}/tags/list/",
        f"/v2/{REPOSITORY}//tags/list",
        f"/v2/{REPOSITORY}/tags/%6cist",
        f"/v2/{REPOSITORY}/./tags/list",
        f"/v2/other/../{REPOSITORY}/tags/list",
        f"/v2/{REPOSITORY.replace('/', '%2f')}/tags/list",
        f"/v2/{REPOSITORY}%00/tags/list",
    ],
)
def test_row_002_other_spellings_of_a_list_are_not_answered(world: World, path: str) -> None:
    for caller in ("none", "outsider", "reader", "maintainer"):
        reply = world.ask(caller, "GET", path)
        # 401: a name like any other (team/app/tags/list/...), in which nobody has a right.
        assert reply.status in (400, 401, 404), reply.body
        assert b'"repositories"' not in reply.body
        assert b'"tags":' not in reply.body


@pytest.mark.parametrize(("repository", "caller", "cell"), matrix.cells(matrix.TOKEN))
def test_row_026_and_027_the_token_endpoint(world: World, repository: str, caller: str, cell: str) -> None:
    """GET and POST give the same answer; what the token says it gives is what the routes then accept."""
    password = "wrong horse battery staple" if caller == "wrong" else PASSWORD
    name = {"wrong": "pusher", "unknown": "nobody"}.get(caller, caller)
    scope = f"repository:{repository}:{ALL}"
    headers = [] if caller == "none" else [basic(name, password)]
    query = urlencode({"service": HOST, "scope": scope})
    replies = [world.whole.client.send("GET", f"/token?{query}", host=HOST, headers=headers)]
    if caller != "none":
        form = {"grant_type": "password", "service": HOST, "scope": scope, "username": name, "password": password}
        replies.append(
            world.whole.client.send(
                "POST",
                "/token",
                host=HOST,
                headers=[("content-type", "application/x-www-form-urlencoded")],
                body=urlencode(form).encode(),
            )
        )
    for reply in replies:
        assert reply.one("cache-control") == "private, no-store"
        if cell == "401":
            assert reply.status == 401
            continue
        assert reply.status == 200, reply.body
        assert reply.json()["scope"] == ("" if cell == "-" else f"repository:{repository}:{cell}")
        listed = world.whole.client.send("GET", f"/v2/{repository}/tags/list", token=reply.json()["token"], host=HOST)
        assert listed.status == (200 if "pull" in cell else 401)


def test_row_118_one_answer_for_every_wrong_secret(world: World) -> None:
    answers = {
        world.whole.client.send("GET", f"/token?service={HOST}", host=HOST, headers=[basic(name, "x" * 20)])
        for name in ("pusher", "nobody", "disabled", "robot+team+blind", "robot+team+nobody", "x" * 200, "admin")
    }
    assert {(reply.status, reply.body) for reply in answers} == {(401, next(iter(answers)).body)}
    assert len({reply.headers for reply in answers}) == 1


@pytest.mark.parametrize("caller", ["none", "reader", "outsider", "auditor", "writer"])
@pytest.mark.parametrize(
    "question",
    [
        ("GET", "/v2/{}/tags/list"),
        ("GET", "/v2/{}/manifests/latest"),
        ("GET", "/v2/{}/manifests/sha256:" + "0" * 64),
        ("GET", "/v2/{}/blobs/sha256:" + "0" * 64),
        ("GET", "/v2/{}/referrers/sha256:" + "0" * 64),
        ("POST", "/v2/{}/blobs/uploads/"),
        ("PUT", "/v2/{}/manifests/latest"),
        ("DELETE", "/v2/{}/manifests/latest"),
    ],
    ids=lambda question: question[0] + question[1].partition("{}")[2][:10].replace("/", "-"),
)
def test_row_118_a_project_that_is_forbidden_reads_like_one_that_is_not_there(
    world: World, question: tuple[str, str], caller: str
) -> None:
    """Names of equal length: status, headers and body are the same but for the name that was asked for."""
    method, path = question
    forbidden, absent = ("other/app", "nihil/app") if caller != "outsider" else ("team/app", "void/app")
    answers = []
    for name in (forbidden, absent):
        reply = world.ask(caller, method, path.format(name), also=name)
        headers = {(key, value.replace(name, "NAME")) for key, value in reply.headers}
        project = name.partition("/")[0].encode()
        body = reply.body.replace(name.encode(), b"NAME").replace(project, b"PROJECT")
        answers.append((reply.status, len(reply.body), headers, body))
    assert answers[0] == answers[1]
    assert answers[0][0] in (401, 404)
