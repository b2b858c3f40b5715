"""The OPA engine: decisions by a real OPA server, which an operator runs beside the gateway and gives its bundle.

The gateway never writes to that server. It says which revision counts, and an answer of any other, or none, is no
decision: so a server that has just restarted, or that still has yesterday's bundle, refuses pushes instead of judging them.

I/O: HTTP to the server.
Source: DESIGN 7 and 2 (Outcomes: `PolicyBroken` against `Unavailable`).
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy import answer, pack
from gateway.policy.document import InputRefused, PolicyInput, check, check_reads
from gateway.policy.opa_client import DECISION_PATH, REVISION_PATH, Answered, OpaAddress, OpaClient, Unreached
from gateway.policy.revision import PolicyRevision
from gateway.policy.schema import Schema
from gateway.policy.values import PolicyBroken, PolicyOutcome, PolicyRevisionId, PolicyUnavailable, RuleInfo

_NO_INPUT: Final = b'{"input":{}}'


@dataclass(frozen=True, slots=True)
class _Expected:
    """What an answer must show and name. Not the revision's wasm and sources: those run elsewhere."""

    pair: PolicyRevisionId
    rules: tuple[RuleInfo, ...]


class OpaEngine:
    """`PolicyEngine` on an OPA server."""

    def __init__(
        self,
        *,
        address: str,
        ca: Path | None = None,
        token: str | None = None,
        max_in_flight: int = 16,
        max_queued: int = 64,
    ) -> None:
        """``address`` is written as `OpaAddress.parse` reads it; raises `ConfigInvalid` as that does.

        At most ``max_in_flight`` questions at a time and ``max_queued`` that wait; more are `PolicyUnavailable`.
        """
        self._client = OpaClient(OpaAddress.parse(address, ca_file=ca, token=token), max_connections=max_in_flight)
        self._turn = asyncio.Semaphore(max_in_flight)
        self._max_waiting = max_in_flight + max_queued
        self._waiting = 0
        self._schema = Schema.compile(pack.input_schema())
        self._expected: _Expected | None = None
        self._opened = False
        self._closed = False

    def revision(self) -> PolicyRevisionId | None:
        """Return the pair that counts, whether or not the server has it."""
        return None if self._expected is None else self._expected.pair

    async def activate(self, revision: PolicyRevision) -> None:
        """Make ``revision`` the one that counts. The server's bundle is the operator's to change.

        Does not ask the server: one that lags behind makes pushes wait with 503, which is what the state is.
        """
        if self._closed:
            raise PolicyInvalid("the policy engine is closed")
        check_reads(revision)
        if not self._opened:
            self._opened = True
            await self._client.__aenter__()
        self._expected = _Expected(revision.pair, revision.rules)

    async def evaluate(self, document: JsonObject, *, deadline_seconds: float) -> PolicyOutcome:
        """Return the outcome of ``document``."""
        expected = self._expected
        if expected is None or self._closed:
            return PolicyUnavailable("no policy revision is active")
        checked = check(document, self._schema)
        if isinstance(checked, InputRefused):
            return PolicyBroken(revision=expected.pair.id, reason=checked.reason)
        if self._waiting >= self._max_waiting:
            return PolicyUnavailable("too many policy evaluations are waiting")
        self._waiting += 1
        try:
            async with asyncio.timeout(deadline_seconds), self._turn:
                return await self._decide(checked, expected, deadline_seconds=deadline_seconds)
        except TimeoutError:
            return PolicyUnavailable("the policy engine took too long")
        finally:
            self._waiting -= 1

    async def probe(self, *, deadline_seconds: float) -> PolicyUnavailable | None:
        """Ask the server which revision it has: None where it is the active one, else why no push can be judged."""
        expected = self._expected
        if expected is None or self._closed:
            return PolicyUnavailable("no policy revision is active")
        shown = await self._client.ask(REVISION_PATH, _NO_INPUT, deadline_seconds=deadline_seconds)
        if isinstance(shown, Answered):
            same = answer.shows(shown.value, expected.pair)
            return None if same else PolicyUnavailable("the engine does not show the active policy revision")
        return PolicyUnavailable(shown.reason)

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        await self._client.close_connection()

    async def _decide(self, checked: PolicyInput, expected: _Expected, *, deadline_seconds: float) -> PolicyOutcome:
        began = time.monotonic()
        body = b'{"input":' + checked.body + b"}"
        answered = await self._client.ask(DECISION_PATH, body, deadline_seconds=deadline_seconds)
        if isinstance(answered, Unreached):
            return PolicyUnavailable(answered.reason)
        if isinstance(answered, Answered) and answered.defined:
            return answer.outcome(
                answered.value, expected=expected.pair, rules=expected.rules, subjects=checked.subjects
            )
        reason = "its decision is undefined" if isinstance(answered, Answered) else answered.reason
        # An error or nothing shows no revision. Whether this is the active policy failing (deterministic: 403) or a
        # server without it (a moment later all is well: 503) takes a second question.
        left = deadline_seconds - (time.monotonic() - began)
        shown = await self._client.ask(REVISION_PATH, _NO_INPUT, deadline_seconds=max(left, 0.001))
        if not (isinstance(shown, Answered) and answer.shows(shown.value, expected.pair)):
            return PolicyUnavailable(f"the engine does not show the active policy revision ({reason})")
        return PolicyBroken(revision=expected.pair.id, reason=f"the policy failed: {reason}")
