"""What the gateway takes for an answer, from a real server behind TLS."""

import asyncio
import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import OutboundFailed
from tests.unit.outbound.toy_peer import CANARY, HOST, Answer, ask, ok, refused, run, toy_peer

BODY = b'{"keys": [], "x": "' + CANARY.encode() + b'"}'


def fetched(folder: Path, answer: bytes | Answer, *, max_bytes: int = 1024) -> bytes:
    async def story() -> bytes:
        async with toy_peer(folder, answer) as seen:
            return await ask(seen, max_bytes=max_bytes)

    return run(story())


def refusal(folder: Path, answer: bytes | Answer, *, max_bytes: int = 1024) -> str:
    """Return the sentence without the peer, which `refused` has seen."""

    async def story() -> str:
        async with toy_peer(folder, answer) as seen:
            return await refused(ask(seen, max_bytes=max_bytes))

    return run(story()).removeprefix(f"the-issuer ({HOST}) ")


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ok(BODY), id="length"),
        pytest.param(chunked(BODY[:7], BODY[7:]), id="chunks"),
        pytest.param(chunked(*(BODY[i : i + 1] for i in range(len(BODY)))), id="chunks-of-one-byte"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + ok(BODY), id="after-early-hints"),
        pytest.param(ok(BODY) + b"and more", id="more-than-its-length-says"),
    ],
)
def test_a_whole_answer_is_returned(tmp_path: Path, answer: bytes) -> None:
    assert fetched(tmp_path, answer) == BODY


@pytest.mark.parametrize("answer", [pytest.param(ok(BODY), id="length"), pytest.param(chunked(BODY), id="chunks")])
def test_the_limit_is_exact(tmp_path: Path, answer: bytes) -> None:
    assert fetched(tmp_path, answer, max_bytes=len(BODY)) == BODY
    limit = len(BODY) - 1
    assert refusal(tmp_path, answer, max_bytes=limit) == f"answers with more than {limit} bytes"


def test_a_length_over_the_limit_is_refused_before_the_body(tmp_path: Path) -> None:
    """The body never comes, so waiting for it would end in another sentence."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n")

    assert refusal(tmp_path, answer) == "answers with more than 1024 bytes"


def test_a_body_without_end_is_refused_at_the_limit(tmp_path: Path) -> None:
    sent = 0

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(chunked(end=b""))
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()
            sent += 1024

    assert refusal(tmp_path, answer, max_bytes=64 * 1024) == f"answers with more than {64 * 1024} bytes"
    # What the two sockets and the two ends of TLS hold is on top of what was read.
    assert sent < 16 * 1024 * 1024


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_no_redirect_is_followed(tmp_path: Path, status: int) -> None:
    async def story() -> tuple[str, int]:
        async with toy_peer(tmp_path, ok(BODY)) as other:
            location = other.url.encode()
            head = b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location)
            async with toy_peer(tmp_path, head) as seen:
                sentence = await refused(ask(seen))
                assert len(seen.heads) == 1
                return sentence, len(other.names)

    sentence, asked = run(story())
    assert sentence == f"the-issuer ({HOST}) answers with a redirect ({status}), and none is followed"
    assert asked == 0


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206, 400, 401, 403, 404, 407, 429, 500, 503, 999])
def test_only_200_counts(tmp_path: Path, status: int) -> None:
    answer = b"HTTP/1.1 %d %b\r\nContent-Length: %d\r\n\r\n%b" % (status, CANARY.encode(), len(BODY), BODY)
    assert refusal(tmp_path, answer) == f"answers with status {status}"


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"identity", b"gzip, gzip", b"x-of-mine"])
def test_an_encoded_body_is_refused(tmp_path: Path, coding: bytes) -> None:
    answer = ok(gzip.compress(BODY), b"Content-Encoding: " + coding)
    assert refusal(tmp_path, answer) == "answers with an encoded body, which was not asked for"


def test_a_body_whose_end_is_that_of_the_connection_is_refused(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY
    assert refusal(tmp_path, answer) == "answers without the length of its body"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="half-a-head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", id="shorter-than-its-length-says"),
        pytest.param(chunked(BODY, end=b""), id="no-last-chunk"),
        pytest.param(chunked(end=b"5\r\n{}"), id="half-a-chunk"),
        pytest.param(chunked(end=b"-1\r\n{}\r\n0\r\n\r\n"), id="negative-chunk"),
        pytest.param(chunked(end=b"f" * 40 + b"\r\n{}"), id="chunk-beyond-numbers"),
        pytest.param(ok(BODY, b"Content-Length: 1"), id="two-lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", id="negative-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}", id="hexadecimal-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}", id="length-of-5000-digits"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="other-transfer-coding"),
        pytest.param(ok(BODY, b"X Y: z"), id="space-in-a-header-name"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="ssh"),
        pytest.param(b"HTTP/2 200\r\n\r\n", id="http-2"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", id="other-protocol"),
        pytest.param(BODY, id="no-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2**20 + b"\r\nContent-Length: 2\r\n\r\n{}", id="head-of-1-mb"),
    ],
)  # fmt: skip
def test_an_answer_that_is_broken_is_refused(tmp_path: Path, answer: bytes) -> None:
    assert refusal(tmp_path, answer) == "breaks off, or answers something that is not HTTP/1.1 within its bounds"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", id="head"),
        pytest.param(chunked(end=b"0\r\n"), id="trailer"),
    ],
)
def test_header_lines_without_end_are_refused(tmp_path: Path, start: bytes) -> None:
    """At a bound, not at the deadline, which would let everybody fill our memory until then."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    assert refusal(tmp_path, answer).startswith("breaks off, or answers something")


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 302 Found\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Set-Cookie: a=b\r\n",
        b"Location: https://127.0.0.1/\r\n",
        b"Connection: upgrade\r\nUpgrade: x\r\n",
        b"\r\n",
        b"2\r\n{}\r\n",
        b"0\r\n\r\n",
        b"{}",
    ]
)


@settings(max_examples=100)  # each is a server of its own: some seconds for all of them
@given(st.lists(PIECES | st.binary(max_size=20), max_size=8).map(b"".join))
def test_whatever_is_answered_ends_in_a_body_or_our_refusal(
    tmp_path_factory: pytest.TempPathFactory, answer: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        body = fetched(folder, answer, max_bytes=2)
    except OutboundFailed:
        return
    assert len(body) <= 2
    assert b"HTTP/1.1 200" in answer or b"HTTP/1.0 200" in answer
