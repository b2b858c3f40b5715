"""The shipped rules as WebAssembly, compiled once per process and not once per engine.

Compiling them takes 0.4 s of CPU and hundreds of tests run them; an engine that is handed the compiled module is made in
0.004 s. Each still has instances, data and limits of its own; any other module is compiled and released as in production.

I/O: reads the package's own files.
"""

import functools

from opapywasm.runtime import WasmtimeRuntimeFactory

from gateway.policy import pack, wasm_instances


class _Kept(WasmtimeRuntimeFactory):
    """A factory that outlives the engine that asked for it."""

    def close(self) -> None:
        """Release nothing: the next engine takes it up."""


@functools.cache
def _kept(max_memory_pages: int) -> _Kept:
    return _Kept(_shipped(), max_memory_pages=max_memory_pages)


@functools.cache
def _shipped() -> bytes:
    return (pack.SHIPPED / "admission.wasm").read_bytes()


def _factory(wasm: bytes, *, max_memory_pages: int) -> WasmtimeRuntimeFactory:
    if wasm == _shipped():
        return _kept(max_memory_pages)
    return WasmtimeRuntimeFactory(wasm, max_memory_pages=max_memory_pages)


def install() -> None:
    """Let every engine of this process take the compiled shipped rules from here."""
    wasm_instances.WasmtimeRuntimeFactory = _factory  # type: ignore[assignment, attr-defined]
