"""What a body may be: how it comes and how it ends."""

import asyncio
from typing import Any

import pytest

from gateway.api.head import MAX_HEAD_BYTES
from tests.support.connection import cut, early, given, hello
from tests.support.listener import exchange, listener

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_row_091_a_body_that_stops_coming_ends_the_connection() -> None:
    with listener(hello, body_seconds=0.2) as port:
        answer = exchange(port, b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert b"200" not in answer


@pytest.mark.parametrize("pieces", [pytest.param(1, id="one-segment"), pytest.param(2, id="two-segments")])
def test_a_trailer_is_never_a_header(pieces: int) -> None:
    seen: list[object] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append([name for name, _ in scope["headers"]])
        await hello(scope, receive, send)

    end = b"0\r\nAuthorization: Bearer stolen\r\n\r\n"
    sent = (CHUNKED + end,) if pieces == 1 else (CHUNKED, end)
    with listener(application) as port:
        answer = exchange(port, *sent)
    assert b"200" not in answer
    assert all(b"authorization" not in names for names in seen if isinstance(names, list))


@pytest.mark.parametrize(
    "trailer",
    [
        pytest.param(b"X-A: " + b"a" * (4 << 20), id="one-endless-field"),
        pytest.param(b"X: 1\r\n" * 200_000, id="many-fields"),
    ],
)
def test_endless_trailers_end_the_connection(trailer: bytes) -> None:
    with listener(hello) as port:
        assert b"200" not in exchange(port, CHUNKED + b"3\r\nabc\r\n0\r\n", trailer)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(b"no chunk\r\n", id="no-chunk"),
        pytest.param(b"0\r\nX: trailer\r\n\r\n", id="trailer"),
        pytest.param(b"3;" + b"a" * (MAX_HEAD_BYTES + 1), id="endless-extension"),
    ],
)
def test_row_120_what_was_answered_is_not_refused_besides(end: bytes) -> None:
    """Two answers to one request: the second would be taken for that of the next."""
    answer = asyncio.run(given(CHUNKED, *cut(end, 30_000), application=early))
    assert answer.count(b"HTTP/1.1 ") == 1
