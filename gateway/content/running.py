"""Running digests: so that a closing PUT need not read again what a PATCH has just hashed.

A state is good for one session, at one length, *in one file*: two requests that race on a session could otherwise leave
the bytes of one under the digest of the other. Session files only grow (`gateway.content.uploads`), so the bytes below a
length that was handed out are fixed for as long as it is the same file; each state keeps that file open, so that its
number cannot be given to another.

Kept in this process only: a hash state is never written anywhere and never read from anywhere (quay e9560e5: a pickled
one in a database was code execution). Another process finds nothing and reads the file once.

I/O: none of its own; it closes the files that it was given.
Source: DESIGN 4.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.content.files import FileSystem

MAX_STATES: Final = 128
"""Each holds a descriptor; the usual limit of a process is 1,024."""


class HashState(Protocol):
    """What `hashlib` makes: its own type has no public name."""

    def update(self, data: bytes, /) -> None: ...
    def copy(self) -> "HashState": ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _State:
    size: int
    sha256: HashState
    fd: int


class RunningDigests:
    """SHA-256 states by session, the most recent `MAX_STATES`."""

    def __init__(self, *, filesystem: FileSystem, max_states: int = MAX_STATES) -> None:
        self._files = filesystem
        self._max_states = max_states
        self._states: OrderedDict[str, _State] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, session: str, *, size: int, file: os.stat_result) -> HashState | None:
        """Return a copy of the state after ``size`` bytes of this very file, None where it is not known."""
        if size == 0:
            return hashlib.sha256()
        with self._lock:
            state = self._states.get(session)
            if state is None or state.size != size or not os.path.samestat(self._files.fstat(state.fd), file):
                return None
            return state.sha256.copy()

    def keep(self, session: str, *, size: int, sha256: HashState, fd: int) -> None:
        """Remember the state after ``size`` bytes of the file ``fd``, which is closed here one day."""
        with self._lock:
            stale = [self._states.pop(session, None)]
            self._states[session] = _State(size, sha256, fd)
            if len(self._states) > self._max_states:
                stale.append(self._states.popitem(last=False)[1])
        self._close(stale)

    def drop(self, session: str) -> None:
        """Forget the session."""
        with self._lock:
            stale = self._states.pop(session, None)
        self._close([stale])

    def _close(self, states: Sequence[_State | None]) -> None:
        for state in states:
            if state is not None:
                # Whether its bytes reached the disk is what the sync of `commit` says; a blob that is durable is not
                # refused for this.
                with suppress(OSError):
                    self._files.close(state.fd)
