"""Attacks with the head of a request: smuggling, forged hosts, paths with two readings.

The corpus of what servers in front and behind were seen to read differently. The numbers are rows of the register of
known attacks. What a server refuses before the application is asked (raw sockets) is tested with the server.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oci.digest import Digest
from tests.support.api import HOST, House, house
from tests.support.oci import PROPERTY, encode, image

IMAGE = encode(image())
GOOD = ("host", HOST)
READ = b"/v2/team/app/manifests/v1"


@pytest.fixture(scope="module")
def made() -> House:
    built = house()
    built.registry.put(IMAGE, tag="v1")
    return built


def bearer(made: House, who: str = "owner") -> tuple[str, str]:
    return ("authorization", f"Bearer {made.all_of(who)}")


@pytest.mark.parametrize(
    "host",
    ["x/v2/pub?", "registry.example:5000/v2/open/app/manifests/v1?", "registry.example:5000@evil", "evil", "", " "],
)
def test_row_32_a_host_header_decides_nothing(made: House, host: str) -> None:
    reply = made.client.raw("GET", READ, [("host", host), bearer(made)])
    assert reply.status == 400
    assert host.encode() not in reply.body or not host.strip()


def test_row_32_no_address_is_made_from_the_host_header() -> None:
    # Any host of the list will do, and what is answered names the configured one all the same.
    reply = house().client.raw("GET", b"/v2/", [("host", HOST.upper())])
    assert 'realm="https://registry.example:5000/token"' in reply.one("www-authenticate")


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "GET\x00", "PURGE", ""])
def test_row_33_methods_that_there_are_not(made: House, method: str) -> None:
    reply = made.client.raw(method, READ, [GOOD, bearer(made)])
    assert reply.status in (400, 405)
    assert made.client.raw("GET", READ, [GOOD, bearer(made)]).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("content-length", "5"), ("transfer-encoding", "chunked")], id="length-and-coding"),
        pytest.param([("content-length", "5"), ("content-length", "6")], id="two-lengths"),
        pytest.param([("content-length", "5"), ("content-length", "5")], id="one-length-twice"),
        pytest.param([("content-length", "1, 1")], id="list"),
        pytest.param([("content-length", "+5")], id="plus"),
        pytest.param([("content-length", "0x5")], id="hexadecimal"),
        pytest.param([("transfer-encoding", "xchunked")], id="unknown-coding"),
        pytest.param([("transfer-encoding", "chunked, identity")], id="two-codings"),
        pytest.param([("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], id="coding-twice"),
        pytest.param([("transfer-encoding", " chunked")], id="coding-with-a-blank"),
        pytest.param([("host", HOST)], id="two-hosts"),
        pytest.param([("authorization", "Bearer x")], id="two-authorizations"),
    ],
)
def test_row_120_a_body_with_two_ends_is_read_by_nobody(made: House, headers: list[tuple[str, str]]) -> None:
    client = made.client
    before = len(made.registry.pushes)
    reply = client.raw("PUT", READ, [GOOD, bearer(made), *headers], [IMAGE])
    assert reply.status == 400
    # Whatever follows on this connection is not taken for a request.
    assert reply.one("connection") == "close"
    assert client.received == 0
    assert len(made.registry.pushes) == before


def test_row_120_chunks_in_http_1_0(made: House) -> None:
    headers = [GOOD, bearer(made), ("transfer-encoding", "chunked")]
    assert made.client.raw("PUT", READ, headers, [IMAGE], http_version="1.0").status == 400


def test_row_90_a_head_that_a_server_let_through(made: House) -> None:
    for headers in ([("x", "y")] * 200, [("x", "y" * 100_000)]):
        assert made.client.raw("GET", READ, [GOOD, bearer(made), *headers]).status == 400
    assert made.client.raw("GET", READ + b"/" * 5000, [GOOD]).status == 400
    assert made.client.raw("GET", READ + b"?" + b"a" * 9000, [GOOD]).status == 400


@pytest.mark.parametrize(
    "path",
    [
        b"/v2//team/app/manifests/v1",
        b"/v2/team/app/../app/manifests/v1",
        b"/v2/./team/app/manifests/v1",
        b"/v2/team%2fapp/manifests/v1",
        b"/v2/team%2Fapp/manifests/v1",
        b"/v2/%2e%2e/v2/team/app/manifests/v1",
        b"/v2/team/app%00/manifests/v1",
        b"/v2/team/app/manifests/v1%00",
        b"/v2/team/app/manifests/v1%0d%0ax:y",
        b"/v2/team/app/manifests/v1;x",
        b"/v2/team/app/manifests\\v1",
        b"/v2/team/app/manifests/%2576%2531",
        b"/v2/team/app/manifests/%1b[31m",
        b"/v2/team/app/blobs/sha256:../../../../etc/passwd",
        b"/v2/team/app/blobs/sha256%3A..%2F..%2Fetc",
        b"http://registry.example:5000/v2/team/app/manifests/v1",
    ],
)
def test_paths_with_two_readings(made: House, path: bytes) -> None:
    reply = made.client.raw("GET", path, [GOOD, bearer(made)])
    assert reply.status in (400, 404)
    assert reply.code in ("UNSUPPORTED", "DIGEST_INVALID", "NAME_UNKNOWN")


def test_two_spellings_of_one_path_are_one_path(made: House) -> None:
    digest = Digest.of(IMAGE)
    for path in (f"/v2/team/app/manifests/{digest}", f"/v2/team/app/manifests/sha256%3a{digest.hex}"):
        assert made.client.raw("GET", path.encode(), [GOOD, bearer(made)]).body == IMAGE
        assert made.client.raw("GET", path.encode(), [GOOD]).status == 401


_PATHS = st.one_of(
    st.binary(max_size=40).map(lambda raw: b"/" + raw),
    st.lists(
        st.sampled_from(
            [b"v2", b"team", b"app", b"manifests", b"blobs", b"uploads", b"tags", b"list", b"referrers", b"v1", b"..",
             b"", b"%2e", b"%00", b"token", b"_catalog", str(Digest.of(IMAGE)).encode(), b"metrics", b"livez"]
        ),
        max_size=8,
    ).map(lambda parts: b"/" + b"/".join(parts)),
)  # fmt: skip
_QUERIES = st.one_of(
    st.just(b""),
    st.binary(max_size=30),
    st.sampled_from([b"n=1&last=a", b"digest=sha256:x", b"mount=x&from=y", b"tag=a&tag=b", b"artifactType=a/b"]),
)
_VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=30),
    st.sampled_from(["bytes=0-1", "0-1", "chunked", "3", "Basic Og==", "Bearer a.b.c", "pending", "100-continue"]),
)
_NAMES = st.sampled_from(
    ["authorization", "content-length", "content-range", "content-type", "expect", "if-none-match", "if-range", "range",
     "transfer-encoding", "registry-gateway-view", "x-forwarded-for"]
)  # fmt: skip


@PROPERTY
@given(
    path=_PATHS,
    query=_QUERIES,
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "x"]),
    headers=st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    body=st.lists(st.binary(max_size=30), max_size=3),
    authorized=st.booleans(),
)
def test_nothing_that_is_sent_is_an_error_of_ours(
    path: bytes,
    query: bytes,
    method: str,
    headers: list[tuple[str, str]],
    body: list[bytes],
    authorized: bool,
) -> None:
    made = house()
    made.registry.put(IMAGE, tag="v1")
    made.add_blob(b"layer")
    sent = [GOOD, *headers]
    if authorized:
        sent.append(bearer(made))
    reply = made.client.raw(method, path + b"?" + query if query else path, sent, body)
    assert reply.status < 500
    assert made.failures == []
    assert len(made.records) == 1
    if reply.status >= 400 and reply.body:
        (error,) = reply.json()["errors"]
        assert error["code"].replace("_", "").isupper()
