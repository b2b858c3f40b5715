"""Uploads over HTTP: started, appended to, resumed, finished, cancelled; and mounts."""

import asyncio
from typing import Any

import pytest

from gateway.access.values import Mode, Visibility
from gateway.api import uploads
from gateway.catalog.sqlite.uploads import MAX_OPEN, OPEN_RETRY_SECONDS
from gateway.errors import StorageFull, Unavailable
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.api import Disconnect, House, Reply, house
from tests.support.identity import NOW

CONTENT = b"0123456789" * 100
DIGEST = Digest.of(CONTENT)
START = "/v2/team/app/blobs/uploads/"
STORED = ("team/app", DIGEST)


@pytest.fixture
def made() -> House:
    return house()


def send(made: House, method: str, target: str, body: Any = b"", *headers: tuple[str, str], **more: Any) -> Reply:
    more.setdefault("token", made.token("writer", "repository:team/app:push"))
    return made.client.send(method, target, body=body, headers=headers, **more)


def start(made: House, query: str = "", **more: Any) -> Reply:
    reply = send(made, "POST", START + query, **more)
    assert reply.status == 202
    return reply


def blob(made: House, digest: Digest = DIGEST) -> bytes:
    return asyncio.run(made.content.blobs.read(digest, max_bytes=1 << 20))


def sessions(made: House) -> tuple[int, int]:
    """Return how many sessions the catalog and the store know."""
    return len(made.uploads._rows), len(asyncio.run(made.content.uploads.sessions()))


def at(reply: Reply, size: int, status: int) -> str:
    """Return the Location of an answer that says the session holds ``size`` bytes."""
    assert reply.status == status
    assert reply.one("range") == f"0-{max(size - 1, 0)}"
    location = reply.one("location")
    assert location == START + reply.one("docker-upload-uuid")
    return location


def finished(reply: Reply, digest: Digest = DIGEST) -> None:
    assert (reply.status, reply.body) == (201, b"")
    assert reply.one("location") == f"/v2/team/app/blobs/{digest}"
    assert reply.one("docker-content-digest") == str(digest)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_in_one_request(made: House, algorithm: Any) -> None:
    digest = Digest.of(CONTENT, algorithm=algorithm)
    finished(send(made, "POST", f"{START}?digest={digest}", CONTENT), digest)
    assert blob(made, digest) == CONTENT
    assert made.registry.blob_rows["team/app", digest].size == len(CONTENT)
    assert sessions(made) == (0, 0)


def test_in_two_requests(made: House) -> None:
    location = at(start(made), 0, 202)
    finished(send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT))
    assert sessions(made) == (0, 0)


def test_streamed(made: House) -> None:
    location = at(start(made), 0, 202)
    reply = send(made, "PATCH", location, [CONTENT[:10], b"", CONTENT[10:]], chunked=True)
    location = at(reply, len(CONTENT), 202)
    finished(send(made, "PUT", f"{location}?digest={DIGEST}"))


def test_in_chunks_the_last_with_the_put(made: House) -> None:
    location = at(start(made), 0, 202)
    location = at(send(made, "PATCH", location, CONTENT[:400], ("content-range", "0-399")), 400, 202)
    location = at(send(made, "PATCH", location, CONTENT[400:700], ("content-range", "400-699")), 700, 202)
    at(send(made, "GET", location), 700, 204)
    at(send(made, "HEAD", location), 700, 204)
    finished(send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT[700:], ("content-range", "700-999")))
    assert blob(made) == CONTENT


@pytest.mark.parametrize("where", ["0-9", "500-509", "401-410"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_chunk_out_of_order(made: House, method: str, where: str) -> None:
    location = at(start(made), 0, 202)
    at(send(made, "PATCH", location, CONTENT[:400]), 400, 202)
    query = f"?digest={DIGEST}" if method == "PUT" else ""
    reply = send(made, method, location + query, b"x" * 10, ("content-range", where))
    assert at(reply, 400, 416) == location
    assert reply.code == "BLOB_UPLOAD_INVALID"
    at(send(made, "GET", location), 400, 204)
    finished(send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT[400:]))


def test_an_empty_blob(made: House) -> None:
    digest = Digest.of(b"")
    location = at(start(made), 0, 202)
    finished(send(made, "PUT", f"{location}?digest={digest}"), digest)
    finished(send(made, "POST", f"{START}?digest={digest}"), digest)


@pytest.mark.parametrize("how", ["post", "put", "patch"])
def test_a_wrong_digest_leaves_nothing(made: House, how: str) -> None:
    wrong = Digest.of(b"wrong")
    if how == "post":
        reply = send(made, "POST", f"{START}?digest={wrong}", CONTENT)
    else:
        location = at(start(made), 0, 202)
        if how == "patch":
            at(send(made, "PATCH", location, CONTENT), len(CONTENT), 202)
        reply = send(made, "PUT", f"{location}?digest={wrong}", CONTENT if how == "put" else b"")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert made.registry.blob_rows == {}
    assert sessions(made) == (0, 0)


@pytest.mark.parametrize(
    ("method", "query", "headers", "status", "code"),
    [
        pytest.param("PUT", "", (), 400, "DIGEST_INVALID", id="no-digest"),
        pytest.param("PUT", "?digest=sha256:abc", (), 400, "DIGEST_INVALID", id="malformed-digest"),
        pytest.param("PUT", f"?digest={DIGEST}&digest={DIGEST}", (), 400, "UNSUPPORTED", id="two-digests"),
        pytest.param("PATCH", "", (("content-range", "x-y"),), 400, "BLOB_UPLOAD_INVALID", id="malformed-range"),
        pytest.param("PATCH", "", (("content-range", "9-0"),), 400, "BLOB_UPLOAD_INVALID", id="backwards"),
        pytest.param("PATCH", "", (("content-range", "0-99"),), 400, "BLOB_UPLOAD_INVALID", id="another-length"),
    ],
)
def test_requests_that_contradict_themselves(
    made: House, method: str, query: str, headers: tuple[tuple[str, str], ...], status: int, code: str
) -> None:
    location = at(start(made), 0, 202)
    reply = send(made, method, location + query, CONTENT[:10], *headers)
    assert (reply.status, reply.code) == (status, code)
    at(send(made, "GET", location), 0, 204)


def test_a_chunk_that_is_not_as_long_as_it_says(made: House) -> None:
    location = at(start(made), 0, 202)
    reply = send(made, "PATCH", location, CONTENT[:10], ("content-range", "0-19"), chunked=True)
    assert reply.code == "BLOB_UPLOAD_INVALID"
    reply = send(made, "PATCH", location, b"", ("content-range", "0-19"))
    assert reply.code == "BLOB_UPLOAD_INVALID"
    at(send(made, "GET", location), 0, 204)
    finished(send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT))


def test_chunks_that_come_to_nothing_are_bounded(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_PATCHES", 2)
    location = at(start(made), 0, 202)
    for _ in range(3):
        send(made, "PATCH", location, CONTENT[:10], ("content-range", "0-19"), chunked=True)
    (row,) = made.uploads._rows.values()
    assert (row.size, row.patches) == (0, 3)
    for method in ("PATCH", "PUT"):
        reply = send(made, method, f"{location}?digest={DIGEST}" if method == "PUT" else location, CONTENT)
        assert (reply.status, reply.code) == (400, "BLOB_UPLOAD_INVALID")


def test_a_client_that_leaves_has_cost_a_chunk(made: House) -> None:
    location = at(start(made), 0, 202)
    assert send(made, "PATCH", location, [CONTENT[:10], Disconnect()], chunked=True).status == 0
    (row,) = made.uploads._rows.values()
    assert (row.size, row.patches) == (0, 1)


def test_cancel(made: House) -> None:
    location = at(start(made), 0, 202)
    at(send(made, "PATCH", location, CONTENT), len(CONTENT), 202)
    reply = send(made, "DELETE", location)
    assert (reply.status, reply.body) == (204, b"")
    assert sessions(made) == (0, 0)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        reply = send(made, method, f"{location}?digest={DIGEST}")
        assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize(
    ("who", "repository"),
    [pytest.param("owner", "team/app", id="another-account"), pytest.param("writer", "team/b", id="another-place")],
)
def test_a_session_is_its_principals_in_its_repository(made: House, who: str, repository: str) -> None:
    location = at(start(made), 0, 202).replace("team/app", repository)
    token = made.token(who, f"repository:{repository}:push")
    unknown = send(made, "GET", location[:-4] + "ffff", token=token)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        reply = send(made, method, f"{location}?digest={DIGEST}", CONTENT if method != "GET" else b"", token=token)
        assert (reply.status, reply.body) == (404, unknown.body)
    assert sessions(made) == (1, 1)


def test_a_long_session_name_is_not_looked_up(made: House) -> None:
    reply = send(made, "GET", START + "x" * 129)
    assert (reply.status, reply.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_client_that_leaves_finds_the_session_as_it_was(made: House) -> None:
    location = at(start(made), 0, 202)
    at(send(made, "PATCH", location, CONTENT[:400]), 400, 202)
    reply = send(made, "PATCH", location, [CONTENT[400:500], Disconnect()], chunked=True)
    assert reply.status == 0
    assert made.records[-1]["status"] == 499
    at(send(made, "GET", location), 400, 204)
    finished(send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT[400:]))
    assert not made.failures


def test_a_client_that_leaves_in_the_only_request(made: House) -> None:
    reply = send(made, "POST", f"{START}?digest={DIGEST}", [CONTENT[:100], Disconnect()], chunked=True)
    assert reply.status == 0
    assert sessions(made) == (0, 0)


def test_too_large(made: House) -> None:
    small = house(max_blob_bytes=500)
    location = at(start(small), 0, 202)
    client = small.client
    token = small.token("writer", "repository:team/app:push")
    reply = client.send("PATCH", location, body=[b"x" * 100] * 10, token=token)
    assert (reply.status, reply.code) == (413, "SIZE_INVALID")
    reply = client.send("PATCH", location, body=[b"x" * 100] * 10, token=token, chunked=True)
    assert (reply.status, reply.code) == (413, "SIZE_INVALID")
    at(send(small, "GET", location), 0, 204)


def test_digest_algorithm(made: House) -> None:
    start(made, "?digest-algorithm=sha512")
    reply = send(made, "POST", f"{START}?digest-algorithm=md5")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


def test_a_full_disk_forgets_the_session(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    location = at(start(made), 0, 202)

    async def full(*arguments: object, **more: object) -> int:
        raise StorageFull("/the/path")

    monkeypatch.setattr(made.content.uploads, "commit", full)
    reply = send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT)
    assert (reply.status, reply.code) == (507, "UNAVAILABLE")
    assert b"/the/path" not in reply.body
    assert sessions(made)[0] == 0
    assert made.registry.blob_rows == {}


def test_a_catalog_that_does_not_answer_links_nothing(made: House) -> None:
    location = at(start(made), 0, 202)
    made.registry.error = Unavailable("busy")
    assert send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT).status == 503
    assert sessions(made) == (0, 0)


def test_a_start_that_fails_leaves_no_bytes(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*arguments: object, **more: object) -> None:
        raise Unavailable("busy")

    monkeypatch.setattr(made.uploads, "start", busy)
    assert send(made, "POST", START).status == 503
    assert sessions(made) == (0, 0)


# -- mounts

SOURCE = RepositoryName("team/source")
CLOSED = RepositoryName("other/source")
BOTH = ("repository:team/app:push", "repository:team/source:pull", "repository:other/source:pull")


def mount(made: House, query: str, *scopes: str, who: str = "writer", **more: Any) -> Reply:
    return send(made, "POST", START + query, token=made.token(who, *(scopes or BOTH), **more))


@pytest.mark.parametrize("query", ["?mount={}&from=team/source", "?mount={}", "?from=team/source&mount={}"])
def test_mount(made: House, query: str) -> None:
    digest = made.add_blob(CONTENT, repository=SOURCE)
    finished(mount(made, query.format(digest)))
    assert made.registry.blob_rows[STORED].size == len(CONTENT)
    assert sessions(made) == (0, 0)


def test_mount_of_what_is_held(made: House) -> None:
    digest = made.add_blob(CONTENT, repository=SOURCE, visible=False)
    finished(mount(made, f"?mount={digest}&from=team/source"))


@pytest.mark.parametrize(
    ("source", "query"),
    [
        pytest.param(None, "?mount={}&from=team/source", id="not-there"),
        pytest.param(None, "?mount={}", id="nowhere"),
        pytest.param(CLOSED, "?mount={}&from=other/source", id="no-right-there"),
        pytest.param(CLOSED, "?mount={}&from=nowhere/source", id="no-such-project"),
        pytest.param(CLOSED, "?mount={}&from=NOT/a/name", id="no-name"),
        pytest.param(CLOSED, "?mount={}", id="only-where-there-is-no-right"),
    ],
)
def test_a_mount_that_is_not_possible_is_an_upload(made: House, source: RepositoryName | None, query: str) -> None:
    if source is not None:
        made.add_blob(CONTENT, repository=source)
    location = at(mount(made, query.format(DIGEST)), 0, 202)
    assert STORED not in made.registry.blob_rows
    finished(send(made, "PUT", f"{location}?digest={DIGEST}", CONTENT))


def test_a_mount_that_a_wider_token_would_allow_asks_for_both_scopes(made: House) -> None:
    digest = made.add_blob(CONTENT, repository=SOURCE)
    reply = mount(made, f"?mount={digest}&from=team/source", "repository:team/app:push")
    assert reply.status == 401
    assert 'scope="repository:team/app:push repository:team/source:pull"' in reply.one("www-authenticate")
    assert sessions(made) == (0, 0)
    # Without a source the account is asked, not this token.
    finished(mount(made, f"?mount={digest}", "repository:team/app:push"))


def test_a_mount_that_no_token_would_allow_asks_for_nothing(made: House) -> None:
    digest = made.add_blob(CONTENT, repository=CLOSED)
    at(mount(made, f"?mount={digest}&from=other/source", "repository:team/app:push"), 0, 202)


def test_mount_from_a_public_project(made: House) -> None:
    digest = made.add_blob(CONTENT, repository=RepositoryName("open/app"))
    finished(mount(made, f"?mount={digest}", "repository:team/app:push"))


def test_held_bytes_are_not_mounted_by_who_may_not_read_them(made: House) -> None:
    digest = made.add_blob(CONTENT, repository=RepositoryName("open/app"), visible=False)
    at(mount(made, f"?mount={digest}", "repository:team/app:push"), 0, 202)
    made.directory._people["u:writer"].quarantine_read = False
    digest = made.add_blob(CONTENT, repository=SOURCE, visible=False)
    at(mount(made, f"?mount={digest}&from=team/source"), 0, 202)


@pytest.mark.parametrize("source", ["team/source", "team/app"])
def test_row_102_held_bytes_are_not_mounted_with_a_token_that_may_not_read_them(made: House, source: str) -> None:
    digest = made.add_blob(CONTENT, repository=RepositoryName(source), visible=False)
    at(mount(made, f"?mount={digest}", "repository:team/app:push"), 0, 202)
    finished(mount(made, f"?mount={digest}", "repository:team/app:push", f"repository:{source}:pull,push"))


@pytest.mark.parametrize("query", ["?mount={}&from=renewed/source", "?mount={}"])
def test_row_19_a_token_older_than_the_source_mounts_nothing(made: House, query: str) -> None:
    renewed = ProjectName("renewed")
    asyncio.run(
        made.directory.create_project(renewed, mode=Mode.HOLD, visibility=Visibility.PUBLIC, by=SYSTEM, now=NOW + 10)
    )
    digest = made.add_blob(CONTENT, repository=RepositoryName("renewed/source"))
    made.clock[0] += 20
    scopes = ("repository:team/app:push", "repository:renewed/source:pull")
    reply = mount(made, query.format(digest), *scopes, issued=NOW)
    assert reply.status == (401 if "from" in query else 202)
    assert STORED not in made.registry.blob_rows
    finished(mount(made, query.format(digest), *scopes))


@pytest.mark.parametrize("query", ["?mount=sha256:abc", "?mount=&from=team/source"])
def test_a_mount_of_no_digest(made: House, query: str) -> None:
    assert mount(made, query).code == "DIGEST_INVALID"


def test_over_the_number_of_open_sessions(made: House) -> None:
    """Refused with when to come back, and no bytes stay behind; a whole blob in one request is a session, too."""
    for _ in range(MAX_OPEN):
        start(made)
    for query in ("", f"?digest={DIGEST}"):
        reply = send(made, "POST", START + query, CONTENT if query else b"")
        assert (reply.status, reply.code) == (429, "TOOMANYREQUESTS")
        assert reply.one("retry-after") == str(OPEN_RETRY_SECONDS)
    assert sessions(made) == (MAX_OPEN, MAX_OPEN)
