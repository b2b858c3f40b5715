"""Attacks by way of a route: one that was forgotten, one spelt differently, one with a right that is another's.

The walk over every route, state and caller is of `tests/attacks/matrix.py`; here is what that walk cannot show.
The numbers are rows of the register of known attacks.
"""

import asyncio
import time

import pytest

from gateway.access.grant import Action
from gateway.access.values import Condition, Mode, Role, Visibility
from gateway.api.routes import TABLE, Actions, Endpoint, Router
from gateway.identity.values import SYSTEM
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.api import METRICS_SECRET, House, basic, house
from tests.support.identity import NOW
from tests.support.oci import descriptor, encode, image

IMAGE = encode(image())
DIGEST = Digest.of(IMAGE)
OCI = ("content-type", media_types.OCI_MANIFEST)


@pytest.fixture
def made() -> House:
    built = house()
    built.registry.put(IMAGE, tag="v1")
    built.add_blob(b"layer")
    return built


def concrete(path: str) -> str:
    """Return an address of the row with this path."""
    return (
        path.replace("<name>", "team/app")
        .replace("<reference>", "v1")
        .replace("<digest>", str(Digest.of(b"layer")))
        .replace("<session>", "s")
    )


def test_row_01_no_address_under_v2_answers_without_a_token(made: House) -> None:
    tokens = {
        "none": None,
        "another registry's": made.all_of("owner") + "x",
        "expired": made.token("owner", "repository:team/app:pull", issued=NOW - 1000),
        "other tenant": made.all_of("outsider", "other/app"),
        "anonymous": made.token("anonymous", "repository:team/app:pull"),
    }
    for row in TABLE:
        if not row.path.startswith("/v2/<name>"):
            continue
        for method in row.methods:
            for name, token in tokens.items():
                for headers in ([], [("range", "bytes=0-1")], [("if-none-match", f'"{DIGEST}"')]):
                    reply = made.client.send(method, concrete(row.path), token=token, headers=headers)
                    expected = (401, 404) if name == "other tenant" else (401,)
                    assert reply.status in expected, (method, row.path, name)
                    assert IMAGE not in reply.body
    assert made.pulls == []


@pytest.mark.parametrize(
    "path",
    ["/v2/_catalog", "/v2/_catalog/", "/v2//_catalog", "/v2/_catalog?n=1", "/v2/%5fcatalog", "/v2/./_catalog",
     "/v2/_CATALOG", "/v2/team/app/tags/list", "/v2/team/app/tags/list/", "/v2/team//app/tags/list",
     "/v2/team/app/tags%2flist", "/V2/_catalog", "/v2/team/app/tags/list;x"],
)  # fmt: skip
def test_row_02_lists_need_a_token_in_every_spelling(made: House, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        reply = made.client.send(method, path)
        assert reply.status in (400, 401, 404, 405)
        assert b"team/app" not in reply.body
        assert b'"v1"' not in reply.body


def test_row_14_what_is_not_in_the_table_is_nowhere_else(made: House) -> None:
    handlers = made.api._handlers
    served = {*handlers.open, *handlers.of_principal, *handlers.of_repository}
    assert served == {row.endpoint for row in TABLE}
    # There is one way to a handler, and it asks the guard: no handler is reachable by another method or another path.
    router = Router(TABLE)
    assert {
        type(router.match("GET", path)).__name__ for path in ("/api/v2.0/projects", "/debug", "/v2/x/y", "/admin")
    } == {"NoSuchAddress"}


def test_row_19_a_token_for_a_project_that_was_deleted_and_made_again(made: House) -> None:
    team = ProjectName("team")
    old = made.all_of("owner")

    async def again() -> None:
        await made.directory.delete_project(team, by=SYSTEM, now=NOW + 5)
        await made.directory.create_project(
            team, mode=Mode.HOLD, visibility=Visibility.PRIVATE, by=SYSTEM, now=NOW + 10
        )
        await made.directory.add_member(team, "u:owner", Role.OWNER, by=SYSTEM, now=NOW + 10)

    asyncio.run(again())
    made.clock[0] += 20
    for method, path in (
        ("GET", "/v2/team/app/manifests/v1"),
        ("PUT", "/v2/team/app/manifests/v1"),
        ("POST", "/v2/team/app/blobs/uploads/"),
        ("DELETE", "/v2/team/app/manifests/v1"),
    ):
        assert made.client.send(method, path, token=old).status == 401
    assert made.client.send("GET", "/v2/team/app/manifests/v1", token=made.all_of("owner")).status == 200


@pytest.mark.parametrize("query", ["?tag=a&tag=v1", "?tag=%761", "?tag=v1&tag=v1", "?x=1&tag=v1", "?tag=v%31"])
def test_row_21_every_tag_of_the_query_is_handed_to_admission(made: House, query: str) -> None:
    path = f"/v2/team/app/manifests/{DIGEST}{query}"
    reply = made.client.send("PUT", path, body=IMAGE, token=made.all_of("writer"), headers=[OCI])
    assert reply.status == 201
    (push,) = made.registry.pushes
    assert "v1" in [tag.text for tag in push.tags]
    assert len(set(push.tags)) == len(push.tags)


@pytest.mark.parametrize("query", ["?Tag=v1", "?tag%00=v1", "?tag;tag=v1", "?%74%61%67=v1"])
def test_row_21_a_tag_parameter_in_disguise(made: House, query: str) -> None:
    path = f"/v2/team/app/manifests/{DIGEST}{query}"
    reply = made.client.send("PUT", path, body=IMAGE, token=made.all_of("writer"), headers=[OCI])
    tags = [tag.text for push in made.registry.pushes for tag in push.tags]
    # Either it is the parameter, and then admission hears of it, or it is none.
    assert reply.every("oci-tag") == tags


def test_row_23_every_way_to_delete_needs_the_right_to(made: House) -> None:
    for row in TABLE:
        if "DELETE" in row.methods:
            wanted: Action = "push" if row.endpoint is Endpoint.UPLOAD_CANCEL else "delete"
            assert row.needs == Actions((wanted,))
    for path in ("/v2/team/app/manifests/v1", f"/v2/team/app/manifests/{DIGEST}", f"/v2/team/app/blobs/{DIGEST}"):
        assert made.client.send("DELETE", path, token=made.all_of("writer")).status == 401
    assert made.registry.tag_rows
    assert made.registry.manifest_rows


def test_row_24_metrics_and_health_have_rights_of_their_own(made: House) -> None:
    for token in (None, made.all_of("admin"), made.token("anonymous"), METRICS_SECRET + "x", METRICS_SECRET.upper()):
        assert made.client.send("GET", "/metrics", token=token).status == 401
    # And the other way round: the secret of the metrics opens nothing else.
    for path in ("/v2/", "/v2/_catalog", "/v2/team/app/manifests/v1"):
        assert made.client.send("GET", path, token=METRICS_SECRET).status == 401
    for path in ("/debug", "/debug/pprof", "/debug/vars", "/status", "/healthz", "/metrics/", "/openapi.json"):
        assert made.client.send("GET", path).status == 404


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        pytest.param("repository:team/app:pull", {"GET"}, id="pull"),
        pytest.param("repository:team/app:push", {"PUT"}, id="push"),
        pytest.param("repository:team/app:delete", {"DELETE"}, id="delete"),
        pytest.param("registry:catalog:*", set(), id="catalog"),
        pytest.param("repository:team/application:pull,push,delete", set(), id="longer-name"),
        pytest.param("repository:team:pull,push,delete", set(), id="shorter-name"),
    ],
)
def test_rows_26_27_a_token_is_for_what_it_says(made: House, scope: str, allowed: set[str]) -> None:
    token = made.token("owner", scope)
    for method in ("GET", "PUT", "DELETE"):
        reply = made.client.send(
            method, "/v2/team/app/manifests/v1", body=IMAGE if method == "PUT" else b"", token=token, headers=[OCI]
        )
        assert (reply.status < 300) is (method in allowed)


def test_row_27_a_password_is_for_the_token_endpoint_alone(made: House) -> None:
    for row in TABLE:
        for method in row.methods:
            if row.endpoint in (Endpoint.TOKEN_GET, Endpoint.TOKEN_POST) or not row.path.startswith("/v2"):
                continue
            reply = made.client.send(method, concrete(row.path), headers=[basic("owner")])
            assert reply.status == 401, (method, row.path)


def test_row_28_no_row_reads_and_writes() -> None:
    for row in TABLE:
        assert not ({"GET", "HEAD"} & set(row.methods) and {"POST", "PUT", "PATCH", "DELETE"} & set(row.methods))
        assert set(row.methods) <= {"GET", "HEAD"} or len(row.methods) == 1


def test_row_73_the_addresses_of_foreign_layers_are_never_asked(made: House) -> None:
    layer = descriptor(
        b"far", media_type=min(media_types.FOREIGN_LAYERS), urls=["https://evil.example/steal", "file:///etc/x"]
    )
    body = encode(image(layers=[layer]))
    path = "/v2/team/app/manifests/v2"
    assert made.client.send("PUT", path, body=body, token=made.all_of("writer"), headers=[OCI]).status == 201
    assert made.client.send("GET", path, token=made.all_of("reader")).body == body
    # The blob is not here, and no redirect says where it might be.
    reply = made.client.send("GET", f"/v2/team/app/blobs/{layer['digest']}", token=made.all_of("owner"))
    assert (reply.status, reply.every("location")) == (404, [])


def test_row_87_a_flood_of_ranges(made: House) -> None:
    begun = time.process_time()
    reply = made.client.send(
        "GET",
        f"/v2/team/app/blobs/{Digest.of(b'layer')}",
        token=made.all_of("reader"),
        headers=[("range", "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(5000)))],
    )
    assert reply.status == 416
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("character", ["/", ".", ":", "-", "_", "~", "@", "%3a", "%"])
def test_row_92_paths_of_separators(made: House, character: str) -> None:
    begun = time.process_time()
    for path in (f"/v2/{character * 600}", f"/v2/a/blobs/{character * 600}", f"/v2/{character * 600}/tags/list"):
        assert made.client.send("GET", path, token=made.all_of("reader")).status in (400, 401, 404)
    assert time.process_time() - begun < 0.5


def test_row_95_labels_are_closed_sets(made: House) -> None:
    for number in range(50):
        made.client.send("GET", f"/x{number}")
        made.client.send(f"X{number}", f"/v2/team/a{number}/manifests/v{number}")
        made.client.send("GET", f"/v2/team/a{number}/manifests/v{number}")
    labels = {(record["method"], record["route"], record["status"]) for record in made.records}
    assert labels == {("GET", None, 404), ("other", None, 400), ("GET", "manifest-read", 401)}


def test_row_102_naming_what_another_repository_has_gives_nothing(made: House) -> None:
    secret = made.add_blob(b"secret", repository=RepositoryName("other/app"))
    token = made.token("owner", "repository:team/app:pull,push,delete", "repository:other/app:pull")
    for method in ("GET", "HEAD", "DELETE"):
        assert made.client.send(method, f"/v2/team/app/blobs/{secret}", token=token).status == 404
    for query in (f"?mount={secret}&from=other/app", f"?mount={secret}"):
        assert made.client.send("POST", f"/v2/team/app/blobs/uploads/{query}", token=token).status == 202
    made.registry.put(IMAGE, repository=RepositoryName("other/app"), tag="x")
    assert made.client.send("GET", "/v2/other/app/manifests/x", token=token).status == 401


def test_row_104_an_answer_is_for_its_question_alone(made: House) -> None:
    made.registry.put(encode(image(annotations={"a": "b"})), tag="held", condition=Condition.HELD)
    writer, reader = made.all_of("writer"), made.all_of("reader")
    digest = Digest.of(encode(image(annotations={"a": "b"})))
    statuses = [
        made.client.send("GET", f"/v2/team/app/manifests/{digest}", token=token).status
        for token in (writer, reader, writer, None, reader)
    ]
    assert statuses == [200, 404, 200, 401, 404]


def test_row_118_unknown_and_forbidden_are_one_answer(made: House) -> None:
    made.registry.put(IMAGE, repository=RepositoryName("other/app"), tag="v1")
    answers = []
    for repository in ("other/app", "twist/app"):
        for method, path in (
            ("GET", "manifests/v1"),
            ("GET", "tags/list"),
            ("POST", "blobs/uploads/"),
            ("DELETE", "manifests/v1"),
        ):
            for who in ("owner", "anonymous"):
                token = made.all_of(who, repository)
                reply = made.client.send(method, f"/v2/{repository}/{path}", token=token)
                answers.append(
                    (method, path, who, reply.status, len(reply.body), reply.body.replace(b"twist", b"other"))
                )
    half = len(answers) // 2
    assert answers[:half] == answers[half:]


def test_row_118_names_of_accounts(made: House) -> None:
    bodies = {
        made.client.send("GET", "/token", headers=[basic(name, "wrong")]).body
        for name in ("writer", "disabled", "nobody", "robot+team+x", "")
    }
    assert len(bodies) == 1
