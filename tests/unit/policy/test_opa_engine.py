"""What the OPA engine makes of a server that misbehaves. The real server is in `tests/services/test_policy_opa.py`."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.opa_client import DECISION_PATH, MAX_ANSWER_BYTES, REVISION_PATH
from gateway.policy.opa_engine import OpaEngine
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyOutcome, PolicyUnavailable
from tests.support.policy import RULES, admissible, digest, strict_revision

REVISION = strict_revision()
SHOWN: JsonObject = {"rules": REVISION.rules_digest, "data": REVISION.data_digest}
EVALUATED: list[JsonValue] = [{"rule": rule, "subject": digest("a"), "verdict": "pass"} for rule in RULES]
ANSWER: JsonObject = {"revision": SHOWN, "evaluated": EVALUATED, "obligations": []}

OK = "200 OK"
ERROR = "500 Internal Server Error"


class Server:
    """Speaks just enough HTTP: path -> (status, body); a body of None never comes, ``cut`` ends in mid-answer."""

    def __init__(self, answers: Mapping[str, tuple[str, bytes | None]], *, cut: bool = False) -> None:
        self._answers = answers
        self._cut = cut
        self.asked: list[str] = []
        self.bodies: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                length = next(int(x.partition(":")[2]) for x in lines if x.lower().startswith("content-length:"))
                self.bodies.append(await reader.readexactly(length))
                self.asked.append(lines[0])
                status, body = self._answers[lines[0].split(" ")[1].partition("?")[0]]
                if body is None:
                    await reader.read()
                    break
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
                writer.write(body[:-1] if self._cut else body)
                await writer.drain()
                if self._cut:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def result(value: JsonValue) -> bytes:
    return json.dumps({"result": value}).encode()


def decided(server: Server, folder: Path, *, seconds: float = 30.0) -> PolicyOutcome:
    """Return what the engine makes of ``server``."""

    async def run() -> PolicyOutcome:
        socket = folder / "opa.sock"
        listening = await asyncio.start_unix_server(server.talk, str(socket))
        engine = OpaEngine(address=f"unix://{socket}")
        try:
            await engine.activate(REVISION)
            return await engine.evaluate(admissible(), deadline_seconds=seconds)
        finally:
            await engine.close()
            listening.close()
            # Handlers see the end of their connection and finish.
            for _ in range(5):
                await asyncio.sleep(0)

    return asyncio.run(run())


def test_one_question_on_the_constant_path_with_strict_errors(tmp_path: Path) -> None:
    server = Server({DECISION_PATH: (OK, result(ANSWER))})
    assert isinstance(decided(server, tmp_path), PolicyAllowed)
    assert server.asked == [f"POST {DECISION_PATH}?strict-builtin-errors=true HTTP/1.1"]
    assert json.loads(server.bodies[0]) == {"input": admissible()}


def test_an_error_of_the_policy_is_asked_once_and_told_in_its_words(tmp_path: Path) -> None:
    told = b'{"code":"internal_error","message":"m","errors":[{"code":"eval_conflict_error","message":"two values"}]}'
    server = Server({DECISION_PATH: (ERROR, told), REVISION_PATH: (OK, result(SHOWN))})
    outcome = decided(server, tmp_path)
    assert isinstance(outcome, PolicyBroken)
    assert "eval_conflict_error: two values" in outcome.reason
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        pytest.param((ERROR, b"{}"), (OK, b"{}"), id="error-and-no-revision"),
        pytest.param((ERROR, b"{}"), (OK, result({**SHOWN, "data": "sha256:x"})), id="error-and-another-revision"),
        pytest.param((OK, b"{}"), (OK, b"{}"), id="undefined-and-no-revision"),
        pytest.param((OK, b"{}"), (ERROR, b"{}"), id="undefined-and-an-error"),
        pytest.param(("401 Unauthorized", b'{"code":"unauthorized"}'), ("401 Unauthorized", b"{}"), id="unauthorized"),
        pytest.param(("302 Found", b"{}"), ("302 Found", b"{}"), id="redirected"),
        pytest.param((OK, b"<html>"), (OK, b"<html>"), id="somebody-else-s-page"),
        pytest.param((OK, result(None)), (OK, result(SHOWN)), id="null-shows-nothing"),
        pytest.param((OK, result(True)), (OK, result(SHOWN)), id="true-shows-nothing"),
        pytest.param((OK, result({"allow": True})), (OK, result(SHOWN)), id="allow-shows-nothing"),
        pytest.param((OK, b" " * (MAX_ANSWER_BYTES + 1)), (OK, result(SHOWN)), id="endless"),
        pytest.param((OK, None), (OK, result(SHOWN)), id="silent"),
    ],
)
def test_no_revision_no_decision(tmp_path: Path, answer: tuple[str, bytes | None], shown: tuple[str, bytes]) -> None:
    seconds = 0.2 if answer[1] is None else 30.0
    outcome = decided(Server({DECISION_PATH: answer, REVISION_PATH: shown}), tmp_path, seconds=seconds)
    assert isinstance(outcome, PolicyUnavailable)


def test_undefined_under_the_active_revision_is_broken(tmp_path: Path) -> None:
    outcome = decided(Server({DECISION_PATH: (OK, b"{}"), REVISION_PATH: (OK, result(SHOWN))}), tmp_path)
    assert isinstance(outcome, PolicyBroken)


def test_a_finding_left_out_is_broken(tmp_path: Path) -> None:
    outcome = decided(Server({DECISION_PATH: (OK, result({**ANSWER, "evaluated": EVALUATED[1:]}))}), tmp_path)
    assert isinstance(outcome, PolicyBroken)


def test_an_answer_cut_off_is_unavailable(tmp_path: Path) -> None:
    assert isinstance(decided(Server({DECISION_PATH: (OK, result(ANSWER))}, cut=True), tmp_path), PolicyUnavailable)


def test_an_answer_with_a_member_twice_is_none(tmp_path: Path) -> None:
    twice = b'{"result":' + json.dumps(ANSWER).encode() + b',"result":' + json.dumps(ANSWER).encode() + b"}"
    server = Server({DECISION_PATH: (OK, twice), REVISION_PATH: (OK, result(SHOWN))})
    assert isinstance(decided(server, tmp_path), PolicyBroken)


def test_the_proxy_of_the_environment_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert isinstance(decided(Server({DECISION_PATH: (OK, result(ANSWER))}), tmp_path), PolicyAllowed)


def test_more_than_may_wait_are_refused(tmp_path: Path) -> None:
    async def run() -> list[PolicyOutcome]:
        socket = tmp_path / "opa.sock"
        listening = await asyncio.start_unix_server(Server({DECISION_PATH: (OK, result(ANSWER))}).talk, str(socket))
        engine = OpaEngine(address=f"unix://{socket}", max_in_flight=1, max_queued=1)
        try:
            await engine.activate(REVISION)
            return await asyncio.gather(*(engine.evaluate(admissible(), deadline_seconds=30) for _ in range(5)))
        finally:
            await engine.close()
            listening.close()
            for _ in range(5):
                await asyncio.sleep(0)

    outcomes = asyncio.run(run())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PolicyAllowed"] * 2 + ["PolicyUnavailable"] * 3


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        pytest.param((OK, result(SHOWN)), None, id="the-active-one"),
        pytest.param((OK, result({**SHOWN, "data": "sha256:x"})), "does not show the active policy", id="another"),
        pytest.param((OK, b"{}"), "does not show the active policy", id="none"),
        pytest.param(("401 Unauthorized", b'{"code":"unauthorized"}'), "HTTP 401: unauthorized", id="unauthorized"),
    ],
)
def test_a_probe_asks_for_the_revision_only(tmp_path: Path, shown: tuple[str, bytes], reason: str | None) -> None:
    server = Server({REVISION_PATH: shown})

    async def run() -> PolicyUnavailable | None:
        socket = tmp_path / "opa.sock"
        listening = await asyncio.start_unix_server(server.talk, str(socket))
        engine = OpaEngine(address=f"unix://{socket}")
        try:
            await engine.activate(REVISION)
            return await engine.probe(deadline_seconds=30.0)
        finally:
            await engine.close()
            listening.close()
            for _ in range(5):
                await asyncio.sleep(0)

    found = asyncio.run(run())
    assert server.asked == [f"POST {REVISION_PATH}?strict-builtin-errors=true HTTP/1.1"]
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert reason in found.reason


def test_a_probe_before_anything_is_active_asks_nobody(tmp_path: Path) -> None:
    engine = OpaEngine(address=f"unix://{tmp_path / 'opa.sock'}")
    assert asyncio.run(engine.probe(deadline_seconds=1.0)) == PolicyUnavailable("no policy revision is active")
