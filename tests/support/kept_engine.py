"""The embedded engine, with the shipped rules compiled once for all who use it in this process.

Compiling them is four tenths of a second, and nearly all of what a house costs.

I/O: none.
"""

import functools
from typing import Final

from gateway.policy import pack
from gateway.policy.revision import PolicyRevision
from gateway.policy.wasm_engine import ENTRYPOINT, WasmEngine, _Loaded
from gateway.policy.wasm_instances import Instances

_KEPT: Final[dict[object, Instances]] = {}


@functools.cache
def shipped() -> PolicyRevision:
    """Return the shipped revision: a frozen value, read once."""
    return pack.shipped_revision()


class KeptEngine(WasmEngine):
    """A `WasmEngine` that takes the compiled shipped rules from the one before it; any others it compiles and releases."""

    def _load(self, revision: PolicyRevision) -> _Loaded:
        if revision.pair != shipped().pair:
            return super()._load(revision)
        kept = _KEPT.get(revision.pair)
        if kept is None:
            loaded = super()._load(revision)
            _KEPT[revision.pair] = loaded.instances
            return loaded
        return _Loaded(revision=revision, instances=kept, entry_point=kept.entry_points[ENTRYPOINT])

    def _retire(self, loaded: _Loaded) -> None:
        if loaded.instances not in _KEPT.values():
            super()._retire(loaded)
