"""Instances of one compiled policy: an evaluation costs the guest's own work, one write, one call and one read.

The library compiles, instantiates, bounds the memory, ticks the deadline and loads the data. The call alone is made here:
the library's own asks the guest four times for what is known beforehand, a third of the whole. The heap behind the data
is where every evaluation begins, and `opa_eval` resets it to the address that it is given; OPA's own SDK for JavaScript
calls it so.

An instance is used by one thread at a time. One that failed in the guest is never used again: nobody knows what state its
heap is in.

I/O: none; blocks the calling thread for as long as the guest runs.
Source: OPA documentation, "WebAssembly", ABI 1.2 ("opa_eval").
"""

import threading
from dataclasses import dataclass
from typing import Final, Self, TypeAlias, cast

import opapywasm
import wasmtime
from opapywasm.abi import OpaAbiSpec
from opapywasm.instance import OpaPolicyInstance
from opapywasm.runtime import WasmtimeRuntimeFactory

from gateway.oci.strict_json import JsonValue

PAGE_BYTES: Final = 64 * 1024
_ALIGNMENT: Final = 16

Answer: TypeAlias = "JsonValue | opapywasm.Undefined"
"""A value, or that there is none: not the same as null."""


class Failed(Exception):
    """The guest, or what it left in its memory, was not as agreed. ``interrupted``: its deadline stopped it."""

    def __init__(self, message: str, *, interrupted: bool) -> None:
        super().__init__(message)
        self.interrupted = interrupted


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one evaluation may use. Sizes of what goes in and comes out in bytes."""

    max_memory_bytes: int
    max_seconds: float
    max_input_bytes: int
    max_data_bytes: int
    max_result_bytes: int


class Instances:
    """As many instances as there are threads that evaluate at the same time; each is made when it is first needed."""

    def __init__(self, wasm: bytes, data: bytes, bounds: Bounds) -> None:
        """Compile ``wasm`` and load ``data``, canonical JSON, once. Raises `opapywasm.OpaWasmError`."""
        self._data = data
        self._bounds = bounds
        self._lock = threading.Lock()
        self._idle: list[_Instance] = []
        self._closed = False
        self._config = opapywasm.PolicyConfig(
            pool_size=1,
            strict_result=False,
            strict_result_shape=True,
            max_input_bytes=bounds.max_input_bytes,
            max_data_bytes=bounds.max_data_bytes,
            max_result_bytes=bounds.max_result_bytes,
            max_cstring_scan_bytes=bounds.max_result_bytes,
            parse_raw_json_input=False,
            max_memory_pages=bounds.max_memory_bytes // PAGE_BYTES,
            eval_timeout_seconds=bounds.max_seconds,
        )
        self._factory = WasmtimeRuntimeFactory(wasm, max_memory_pages=self._config.max_memory_pages)
        try:
            self._idle.append(self._made())
            self.entry_points = self._idle[0].opa.entrypoints()
            self.builtins = tuple(sorted(self._idle[0].opa.builtins()))
        except BaseException:
            self.close()
            raise

    def evaluate(self, body: bytes, *, entry_point: int) -> Answer:
        """Return the value of the entry point for the JSON document ``body``, `UNDEFINED` where there is none.

        Raises `Failed`, and `opapywasm.OpaPolicyClosedError` after `close`.
        """
        instance = self._taken()
        try:
            found = instance.evaluate(body, entry_point, self._bounds)
        except Exception as error:
            instance.opa.close()
            raise Failed(str(error), interrupted=_interrupted(error)) from error
        except BaseException:
            instance.opa.close()
            raise
        self._give_back(instance)
        match found:
            case []:
                return opapywasm.UNDEFINED
            case [{"result": value}]:
                return cast(JsonValue, value)
            case _:
                raise Failed("the engine's result is of an unexpected shape", interrupted=False)

    def close(self) -> None:
        """Release everything; an evaluation that runs releases its own instance. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for instance in idle:
            instance.opa.close()
        self._factory.close()

    def _taken(self) -> "_Instance":
        with self._lock:
            if self._closed:
                raise opapywasm.OpaPolicyClosedError("policy is closed")
            if self._idle:
                return self._idle.pop()
        try:
            return self._made()
        except opapywasm.OpaWasmError as error:
            raise Failed(str(error), interrupted=False) from error

    def _give_back(self, instance: "_Instance") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(instance)
                return
        instance.opa.close()

    def _made(self) -> "_Instance":
        opa = OpaPolicyInstance(self._factory, self._config, OpaAbiSpec(), epoch=self._factory.epoch)
        try:
            ticks = self._factory.epoch.deadline_ticks(self._bounds.max_seconds)
            return _Instance.loaded(opa, self._data, self._bounds, ticks)
        except BaseException:
            opa.close()
            raise


@dataclass(frozen=True, slots=True)
class _Instance:
    """One instance with its data. ``base`` is the first address behind the data: where each evaluation begins."""

    opa: OpaPolicyInstance
    data: int
    base: int
    ticks: int

    @classmethod
    def loaded(cls, opa: OpaPolicyInstance, data: bytes, bounds: Bounds, ticks: int) -> Self:
        """Return the instance with ``data`` in its memory. Raises `opapywasm.OpaWasmError`."""
        try:
            address = opa.codec.python_to_opa_value(data, limit=bounds.max_data_bytes, kind="data")
            return cls(opa, address, _aligned(opa.abi.opa_heap_ptr_get()), ticks)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            raise opapywasm.OpaDataError(str(error)) from error

    def evaluate(self, body: bytes, entry_point: int, bounds: Bounds) -> object:
        """Return the result set. Raises whatever the guest, the runtime or the result's reading raises."""
        if len(body) > bounds.max_input_bytes:
            raise opapywasm.OpaMemoryError(f"the input is longer than {bounds.max_input_bytes} bytes")
        abi = self.opa.abi
        # The deadline counts from here, and holds for everything the guest does.
        abi.set_epoch_deadline(self.ticks)
        heap = _aligned(self.base + len(body))
        if heap > abi.memory_len():
            # The guest's own allocator makes the room, within the memory's limit, or aborts.
            abi.opa_heap_ptr_set(self.base)
            abi.opa_malloc(heap - self.base)
        abi.memory_write(self.base, body)
        result = abi.opa_eval(entry_point, self.data, self.base, len(body), heap)
        value: object = self.opa.codec.read_json_cstring(result, limit=bounds.max_result_bytes)
        abi.clear_epoch_deadline()
        return value


def _aligned(address: int) -> int:
    return -(-address // _ALIGNMENT) * _ALIGNMENT


def _interrupted(error: BaseException) -> bool:
    """Return whether the guest was stopped by its deadline, as wasmtime's own trap code says."""
    # The library raises an error from the one it caused: the chain can be a ring.
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, wasmtime.Trap):
            return cause.trap_code is wasmtime.TrapCode.INTERRUPT
        cause = cause.__cause__
    return False
