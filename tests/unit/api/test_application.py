"""The application as a whole: order, surprises, the log, the ends of connections."""

import asyncio
from typing import Any

import pytest

from gateway.api.answer import Answer, FilePart
from gateway.api.asgi import ClientLeft
from gateway.api.routes import Endpoint
from gateway.errors import Internal, StorageFailed
from tests.support.api import HOST, Client, House, house
from tests.support.oci import encode, image

READ = "/v2/team/app/manifests/v1"


@pytest.fixture
def made() -> House:
    built = house()
    built.registry.put(encode(image()), tag="v1")
    return built


def test_only_http(made: House) -> None:
    with pytest.raises(ValueError, match="only HTTP"):
        asyncio.run(made.api({"type": "websocket"}, None, None))  # type: ignore[arg-type]  # never called


def test_no_such_address(made: House) -> None:
    reply = made.client.send("GET", "/v2/what/is/this")
    assert (reply.status, reply.code) == (404, "NAME_UNKNOWN")
    assert made.records[-1]["route"] is None


def test_another_method(made: House) -> None:
    reply = made.client.send("POST", READ)
    assert (reply.status, reply.code, reply.one("allow")) == (405, "UNSUPPORTED", "GET, HEAD, PUT, DELETE")


def test_the_head_is_looked_at_before_the_token(made: House) -> None:
    client = made.client
    reply = client.send("GET", READ, host="evil.example", token="x", body=b"abc")
    assert (reply.status, reply.code, reply.one("connection")) == (400, "UNSUPPORTED", "close")
    assert client.received == 0


@pytest.mark.parametrize(
    "error", [RuntimeError("secret detail"), Internal("secret detail"), StorageFailed("secret detail")]
)
def test_a_surprise_says_nothing_and_is_logged(made: House, error: Exception) -> None:
    made.registry.error = error
    reply = made.client.send("GET", READ, token=made.token("reader", "repository:team/app:pull"))
    assert reply.status == (503 if isinstance(error, StorageFailed) else 500)
    assert b"secret" not in reply.body
    request_id = reply.json()["errors"][0]["detail"]["request_id"]
    assert made.records[-1]["request_id"] == request_id
    assert made.failures == [(f"request {request_id}", error)]


def test_the_log_has_one_record_per_request(made: House) -> None:
    made.client.send("GET", f"{READ}?token=secret", token=made.token("reader", "repository:team/app:pull"))
    (record,) = made.records
    assert record == {
        "method": "GET",
        "route": "manifest-read",
        "path": READ,
        "status": 200,
        "bytes": len(encode(image())),
        "seconds": 0.0,
        "principal": "u:reader",
        "address": "192.0.2.7",
        "decision_id": None,
        "request_id": record["request_id"],
    }


def test_methods_in_the_log_are_a_closed_set(made: House) -> None:
    for method in ("PROPFIND", "get", "X" * 100):
        made.client.send(method, READ)
    assert {record["method"] for record in made.records} == {"other"}


def test_the_bytes_of_a_head_and_of_a_file_are_what_was_sent(made: House) -> None:
    token = made.token("reader", "repository:team/app:pull")
    made.client.send("HEAD", READ, token=token)
    digest = made.add_blob(b"0123456789")
    Client(made.api, sendfile=True).send("GET", f"/v2/team/app/blobs/{digest}", token=token)
    assert [record["bytes"] for record in made.records] == [0, 10]


def test_a_refused_upload_reads_a_little_and_goes_on(made: House) -> None:
    client = made.client
    reply = client.send("PUT", READ, body=[b"x" * 1000] * 3)
    assert (reply.status, reply.every("connection"), client.received) == (401, [], 3)


def test_a_refused_upload_of_much_ends_the_connection(made: House) -> None:
    client = made.client
    reply = client.send("PATCH", "/v2/team/app/blobs/uploads/x", body=[b"x" * 65536] * 100, chunked=True)
    assert (reply.status, reply.one("connection")) == (401, "close")
    assert client.received <= 6


def test_a_refused_client_that_waits_is_not_asked_for_its_body(made: House) -> None:
    client = made.client
    reply = client.send("PUT", READ, body=b"x" * 100, headers=[("expect", "100-continue")])
    assert (reply.status, reply.one("connection"), client.received) == (401, "close", 0)


def test_a_surprise_after_the_answer_has_begun_ends_the_connection(
    made: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    async def vanished(call: object) -> Answer:
        return Answer(200, (), FilePart(tmp_path / "gone", 0, 10))

    open_handlers: Any = made.api._handlers.open
    monkeypatch.setitem(open_handlers, Endpoint.LIVE, vanished)
    with pytest.raises(FileNotFoundError):
        made.client.send("GET", "/livez")
    assert len(made.failures) == 1
    assert made.records[-1]["status"] == 200


def test_a_client_that_leaves_in_the_middle_of_an_answer_is_logged_with_what_it_had(made: House) -> None:
    started: list[int] = []

    async def nothing() -> Any:
        return {"type": "http.request", "body": b""}

    async def leaves(message: Any) -> None:
        if message["type"] != "http.response.start":
            raise ClientLeft(7)
        started.append(message["status"])

    scope = {"type": "http", "method": "GET", "http_version": "1.1", "raw_path": b"/livez", "path": "/livez"}
    scope |= {"query_string": b"", "headers": [(b"host", HOST.encode())], "client": ("192.0.2.1", 1)}
    asyncio.run(made.api(scope, nothing, leaves))
    assert started == [200]
    record = made.records[-1]
    assert (record["status"], record["bytes"]) == (499, 7)
    assert not made.failures


def test_a_refusal_of_a_head_has_no_body(made: House) -> None:
    reply = made.client.send("HEAD", READ)
    assert (reply.status, reply.body) == (401, b"")


def test_one_request_does_not_change_the_next(made: House) -> None:
    token = made.token("reader", "repository:team/app:pull")
    statuses = [made.client.send("GET", READ, token=token, host=host).status for host in (HOST, "evil", HOST)]
    assert statuses == [200, 400, 200]
