"""In no piece is there more than one message, however messages come."""

import time

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.server.cutting import Cutter
from gateway.server.head_fault import body_length

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SHORT = b"GET / HTTP/1.1\r\n\r\n"
FALSE_END = b"0\r\n\r\n" + GET
"""In a body it ends nothing."""

BODIES = st.one_of(st.binary(max_size=40), st.just(FALSE_END), st.just(b"\r\n\r\n\r\n"))


def chunked(pieces: list[bytes], extension: bytes) -> bytes:
    chunks = b"".join(b"%04X%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
    return b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"00" + extension + b"\r\n\r\n"


MESSAGES = st.one_of(
    st.sampled_from([GET, SHORT, b"\r\n\r\n" + GET]),
    BODIES.map(lambda body: b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)),
    st.builds(chunked, st.lists(BODIES, max_size=4), st.sampled_from([b"", b";a=b"])),
)


class Reader:
    """Feeds a parser with what the cutter lets it have."""

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.cutter = Cutter()
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        assert self.cutter.says_http
        self.cutter.body(body_length(self.headers))
        self.headers = []

    def on_message_complete(self) -> None:
        self.complete += 1

    def read(self, data: bytes) -> list[int]:
        """Return where messages ended in ``data``."""
        start, ends = 0, []
        while start < len(data):
            end = self.cutter.cut(data, start, len(data))
            assert end > start
            before = self.complete
            self.parser.feed_data(data[start:end])
            assert self.complete <= before + 1
            if self.complete > before:
                ends.append(end)
                self.cutter.head()
            start = end
        return ends


@settings(max_examples=300, deadline=None)
@given(messages=st.lists(MESSAGES, min_size=1, max_size=5), every=st.integers(1, 60))
def test_a_message_ends_where_a_piece_does(messages: list[bytes], every: int) -> None:
    stream, reader = b"".join(messages), Reader()
    ends = [at + end for at in range(0, len(stream), every) for end in reader.read(stream[at : at + every])]
    assert ends == [sum(map(len, messages[: number + 1])) for number in range(len(messages))]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n", True, id="http"),
        pytest.param(b"GET / HTTP/2.0\r\n", True, id="another-version"),
        pytest.param(b"GET / RTSP/1.1\r\n", False, id="rtsp"),
        pytest.param(b"SOURCE / ICE/1.1\r\n", False, id="ice"),
        pytest.param(b"GET /HTTP/1.1\r\n", False, id="in-the-target"),
        pytest.param(b"GET /\r\n", False, id="none"),
    ],
)
@pytest.mark.parametrize("every", [1, 3, 100])
def test_what_a_request_line_says(line: bytes, says: bool, every: int) -> None:
    cutter, stream = Cutter(), b"\r\n" + line
    for at in range(0, len(stream), every):
        piece, start = stream[at : at + every], 0
        while start < len(piece):
            start = cutter.cut(piece, start, len(piece))
    assert cutter.says_http is says


@pytest.mark.parametrize("size", [b"g\r\n", b"\n\n\n", b"-1\r\n", b"0\r\n\r\nmore"])
def test_what_the_parser_will_refuse_is_given_to_it(size: bytes) -> None:
    cutter, data = Cutter(), size * 100
    cutter.body(None)
    start, pieces = 0, 0
    while start < len(data):
        start, pieces = cutter.cut(data, start, len(data)), pieces + 1
    assert pieces <= 2


@pytest.mark.parametrize("endless", [b"0", b"f", b"0;", b"\r"])
@pytest.mark.parametrize("chunked", [True, False])
def test_row_090_a_line_without_end_costs_what_it_is_long(endless: bytes, chunked: bool) -> None:
    cutter, data = Cutter(), endless * 200_000
    if chunked:
        cutter.body(None)
    before = time.process_time()
    assert cutter.cut(data, 0, len(data)) == len(data)
    assert time.process_time() - before < 0.5, "a few milliseconds; 25 s where it was tried from every byte"
