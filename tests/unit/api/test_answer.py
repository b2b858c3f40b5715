"""How an answer goes out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.api import answer as answers
from gateway.api.answer import READ_BYTES, Answer, FilePart, Omitted
from gateway.api.asgi import SENDFILE
from gateway.errors import Internal


def send(answer: Answer, *, method: str = "GET", sendfile: bool = False) -> list[Any]:
    sent: list[Any] = []

    async def to(message: Any) -> None:
        sent.append(message)

    extensions = (SENDFILE,) if sendfile else ()
    asyncio.run(answers.send(answer, method=method, extensions=extensions, to=to))
    return sent


def headers(sent: list[Any]) -> dict[bytes, bytes]:
    return dict(sent[0]["headers"])


def test_bytes() -> None:
    sent = send(Answer(200, (("etag", '"x"'),), b"abc"))
    assert sent[0]["status"] == 200
    assert headers(sent) == {
        b"docker-distribution-api-version": b"registry/2.0",
        b"x-content-type-options": b"nosniff",
        b"etag": b'"x"',
        b"content-length": b"3",
    }
    assert sent[1:] == [{"type": "http.response.body", "body": b"abc"}]


@pytest.mark.parametrize("body", [b"abc", FilePart(Path("nowhere"), 0, 3), Omitted(3)])
def test_a_head_has_the_length_and_no_body(body: bytes | FilePart | Omitted) -> None:
    sent = send(Answer(200, (), body), method="HEAD")
    assert headers(sent)[b"content-length"] == b"3"
    assert sent[1:] == [{"type": "http.response.body", "body": b""}]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_content_has_no_length(status: int) -> None:
    assert b"content-length" not in headers(send(Answer(status)))


def test_the_last_of_a_connection_says_so() -> None:
    assert headers(send(Answer(413).closing()))[b"connection"] == b"close"


def test_a_file_by_the_servers_own_means(tmp_path: Path) -> None:
    sent = send(Answer(200, (), FilePart(tmp_path / "blob", 5, 7)), sendfile=True)
    assert headers(sent)[b"content-length"] == b"7"
    assert sent[1:] == [{"type": SENDFILE, "path": str(tmp_path / "blob"), "offset": 5, "count": 7}]


def test_a_file_in_large_reads(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "blob").write_bytes(content)
    sent = send(Answer(200, (), FilePart(tmp_path / "blob", 3, len(content) - 5)))
    pieces = [message["body"] for message in sent[1:]]
    assert b"".join(pieces) == content[3:-2]
    assert len(pieces) == -(-(len(content) - 5) // READ_BYTES) + 1
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(pieces) - 1) + [False]


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"")
    assert send(Answer(200, (), FilePart(tmp_path / "blob", 0, 0)))[1:] == [{"type": "http.response.body", "body": b""}]


def test_a_file_that_ends_early_is_not_taken_for_whole(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"abc")
    with pytest.raises(Internal):
        send(Answer(200, (), FilePart(tmp_path / "blob", 0, 4)))


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "a\x00b", "é", "\x1b[31m"])
def test_a_value_that_cannot_be_a_header(value: str) -> None:
    with pytest.raises(Internal):
        send(Answer(200, (("location", value),)))


def test_json_is_ascii() -> None:
    answer = Answer.of_json(200, {"a": "é\x1b"})
    assert answer.body == b'{"a":"\\u00e9\\u001b"}'
    assert answer.headers == (("content-type", "application/json"),)


def test_json_of_another_type() -> None:
    assert Answer.of_json(200, {}, ("content-type", "a/b")).headers == (("content-type", "a/b"),)
