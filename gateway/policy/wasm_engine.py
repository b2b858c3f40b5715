"""The embedded engine: the rules compiled to WebAssembly, run in this process.

The module has no imports but its memory and OPA's own error hook: no clock, no network, no environment, no host
builtin. What bounds an evaluation: the input's size, the linear memory, a deadline that interrupts the guest, and a
number of threads of its own, so that a slow policy never takes the threads of somebody else.

I/O: none; the evaluation runs on threads.
Source: OPA documentation, "WebAssembly", ABI 1.3; DESIGN 7 and 11.
"""

import asyncio
import concurrent.futures
import contextlib
from dataclasses import dataclass
from typing import Final

import opapywasm

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy import answer, pack
from gateway.policy.canonical import encode
from gateway.policy.document import InputRefused, PolicyInput, check, check_reads
from gateway.policy.revision import PolicyRevision
from gateway.policy.schema import Schema
from gateway.policy.values import PolicyBroken, PolicyOutcome, PolicyRevisionId, PolicyUnavailable
from gateway.policy.wasm_instances import Bounds, Failed, Instances

ENTRYPOINT: Final = "registry/admission/decision"
MAX_RESULT_BYTES: Final = 8 * 1024 * 1024
"""1,001 subjects x 7 rules x 200 bytes are 1.4 MB."""
MAX_DATA_BYTES: Final = 8 * 1024 * 1024
_MAX_INPUT_BYTES: Final = 4 * 1024 * 1024
"""`gateway.policy.document` allows a quarter of it; this is the last line."""


@dataclass(slots=True)
class _Loaded:
    """One revision as it runs. ``users`` and ``retired`` belong to the event loop's thread."""

    revision: PolicyRevision
    instances: Instances
    entry_point: int
    users: int = 0
    retired: bool = False


class WasmEngine:
    """`PolicyEngine` on wasmtime."""

    def __init__(
        self,
        *,
        threads: int = 2,
        max_queued: int = 64,
        max_evaluation_seconds: float = 2.0,
        max_memory_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        """At most ``threads`` evaluations at a time and ``max_queued`` that wait; more are `PolicyUnavailable`.

        ``max_evaluation_seconds`` interrupts the guest. A call's own shorter deadline answers the caller earlier; the
        thread is then free again no later than this. ``max_memory_bytes`` is per evaluation.
        """
        self._threads = threads
        self._max_in_flight = threads + max_queued
        self._max_evaluation_seconds = max_evaluation_seconds
        self._max_memory_bytes = max_memory_bytes
        self._schema = Schema.compile(pack.input_schema())
        self._in_flight = 0
        self._active: _Loaded | None = None
        self._executor = concurrent.futures.ThreadPoolExecutor(max_workers=threads, thread_name_prefix="policy")
        self._closed = False

    def revision(self) -> PolicyRevisionId | None:
        """Return the active pair, or None."""
        return None if self._active is None else self._active.revision.pair

    async def activate(self, revision: PolicyRevision) -> None:
        """Compile and check ``revision``, then make it active in one assignment. Raises `PolicyInvalid`."""
        if self._closed:
            raise PolicyInvalid("the policy engine is closed")
        loop = asyncio.get_running_loop()
        active = await loop.run_in_executor(self._executor, self._load, revision)
        former, self._active = self._active, active
        if former is not None:
            self._retire(former)

    async def evaluate(self, document: JsonObject, *, deadline_seconds: float) -> PolicyOutcome:
        """Return the outcome of ``document``."""
        active = self._active
        if active is None or self._closed:
            return PolicyUnavailable("no policy revision is active")
        checked = check(document, self._schema)
        if isinstance(checked, InputRefused):
            return PolicyBroken(revision=active.revision.id, reason=checked.reason)
        if self._in_flight >= self._max_in_flight:
            return PolicyUnavailable("too many policy evaluations are waiting")
        self._in_flight += 1
        active.users += 1
        future = self._executor.submit(self._run, active, checked)
        future.add_done_callback(_Release(self, active, asyncio.get_running_loop()))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), timeout=deadline_seconds)
        except TimeoutError:
            return PolicyUnavailable("the policy evaluation took too long")

    async def close(self) -> None:
        """Release the instances and the threads."""
        self._closed = True
        active, self._active = self._active, None
        if active is not None:
            self._retire(active)
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)

    def _retire(self, loaded: _Loaded) -> None:
        """Close ``loaded`` now, or when the last evaluation that began under it ends: none of them fails for this."""
        loaded.retired = True
        if loaded.users == 0:
            loaded.instances.close()

    def _released(self, loaded: _Loaded) -> None:
        self._in_flight -= 1
        loaded.users -= 1
        if loaded.retired and loaded.users == 0:
            loaded.instances.close()

    def _load(self, revision: PolicyRevision) -> _Loaded:
        check_reads(revision)
        bounds = Bounds(
            max_memory_bytes=self._max_memory_bytes,
            max_seconds=self._max_evaluation_seconds,
            max_input_bytes=_MAX_INPUT_BYTES,
            max_data_bytes=MAX_DATA_BYTES,
            max_result_bytes=MAX_RESULT_BYTES,
        )
        try:
            instances = Instances(revision.wasm, encode(revision.data), bounds)
        except opapywasm.OpaWasmError as error:
            raise PolicyInvalid(f"the compiled policy cannot be loaded: {error}") from None
        entry_point = instances.entry_points.get(ENTRYPOINT)
        reason = None
        if entry_point is None:
            reason = f"the compiled policy has no entry point {ENTRYPOINT}"
        elif instances.builtins:
            # The library would serve some of them in its own approximation; the capabilities file allows none.
            reason = f"the compiled policy needs host functions: {', '.join(instances.builtins)}"
        if entry_point is None or reason is not None:
            instances.close()
            raise PolicyInvalid(str(reason))
        return _Loaded(revision=revision, instances=instances, entry_point=entry_point)

    def _run(self, active: _Loaded, checked: PolicyInput) -> PolicyOutcome:
        revision = active.revision
        try:
            value = active.instances.evaluate(checked.body, entry_point=active.entry_point)
        except opapywasm.OpaPolicyClosedError:
            return PolicyUnavailable("no policy instance became free in time")
        except Failed as failed:
            if failed.interrupted:
                return PolicyUnavailable("the policy evaluation took too long")
            return PolicyBroken(revision=revision.id, reason=f"the policy failed: {failed}")
        if value is opapywasm.UNDEFINED:
            return PolicyBroken(revision=revision.id, reason="the policy's decision is undefined")
        return answer.outcome(value, expected=revision.pair, rules=revision.rules, subjects=checked.subjects)


class _Release:
    """Counts an evaluation out, on the event loop, when its thread is really free: not when its caller gave up."""

    def __init__(self, engine: WasmEngine, loaded: _Loaded, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loaded = loaded
        self._loop = loop

    def __call__(self, _: concurrent.futures.Future[PolicyOutcome]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed: the process ends, nobody counts any more.
            self._loop.call_soon_threadsafe(self._engine._released, self._loaded)
