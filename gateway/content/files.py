"""The system calls of the filesystem store, and what their failures mean.

A seam of more than four methods, on purpose: it is the operating system's own interface, method for method, so that
tests can fail each call in turn and read the order in which they came.

I/O: blocking calls; only ever made from a thread of the adapter.
Source: DESIGN 4; fsync(2), "EIO" (a second fsync after a failed one can succeed over lost data).
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from gateway.errors import GatewayError, StorageFailed, StorageFull, Unavailable

READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
WRITE: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE: Final = WRITE | os.O_CREAT | os.O_EXCL
DIRECTORY: Final = READ | os.O_DIRECTORY

BATCH_BYTES: Final = 1024 * 1024
"""performance.md, rule 4: one thread hop, one write and one hash update per MiB."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class FileSystem(Protocol):
    """What the adapter asks of the operating system. Each method raises `OSError` as the call does."""

    def open(self, path: Path, flags: int) -> int: ...
    def close(self, fd: int) -> None: ...
    def pread(self, fd: int, count: int, offset: int) -> bytes: ...
    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int: ...
    def truncate(self, fd: int, size: int) -> None: ...
    def fsync(self, fd: int) -> None: ...
    def fstat(self, fd: int) -> os.stat_result: ...
    def lstat(self, path: Path) -> os.stat_result: ...
    def try_lock(self, fd: int) -> bool: ...
    def unlock(self, fd: int) -> None: ...
    def mkdir(self, path: Path) -> None: ...
    def link(self, source: Path, target: Path) -> None: ...
    def rename(self, source: Path, target: Path) -> None: ...
    def unlink(self, path: Path) -> None: ...
    def names(self, path: Path) -> list[str]: ...


class OsFileSystem:
    """The operating system itself. Files are 0600 and directories 0700: nobody else has business with the bytes."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags, 0o600)

    def close(self, fd: int) -> None:
        os.close(fd)

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        return os.pread(fd, count, offset)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        return os.pwrite(fd, data, offset)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def fstat(self, fd: int) -> os.stat_result:
        return os.fstat(fd)

    def lstat(self, path: Path) -> os.stat_result:
        return os.lstat(path)

    def try_lock(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock(self, fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    def mkdir(self, path: Path) -> None:
        os.mkdir(path, 0o700)

    def link(self, source: Path, target: Path) -> None:
        os.link(source, target, follow_symlinks=False)

    def rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def names(self, path: Path) -> list[str]:
        return os.listdir(path)


@contextmanager
def failures() -> Iterator[None]:
    """Let no `OSError` out: what it means is raised in its place. No message names a path."""
    try:
        yield
    except OSError as error:
        raise meaning(error) from error


def meaning(error: OSError) -> GatewayError:
    """Return the refusal for a failed call.

    No space is `StorageFull`. An I/O error is `StorageFailed`, after which the process stops serving. The rest (no
    descriptors, a read-only mount, a wrong owner) fails this request and leaves pulls alone: `Unavailable`.
    """
    if error.errno in _FULL:
        return StorageFull("the content store has no space left")
    reason = os.strerror(error.errno) if error.errno else "unknown error"
    if error.errno == errno.EIO:
        return StorageFailed(f"the content store failed: {reason}")
    return Unavailable(f"the content store refused a call: {reason}")


def write_all(files: FileSystem, fd: int, data: bytes, *, offset: int) -> None:
    """Write all of ``data`` at ``offset``, however many calls that takes."""
    rest = memoryview(data)
    while rest:
        written = files.pwrite(fd, rest, offset)
        if written == 0:
            # POSIX allows it and says nothing of progress: an endless loop is worse than a failure.
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]
        offset += written


def read_pieces(files: FileSystem, fd: int, *, size: int) -> Iterator[bytes]:
    """Yield the first ``size`` bytes in pieces of at most `BATCH_BYTES`; fewer where the file ends."""
    offset = 0
    while offset < size:
        piece = files.pread(fd, min(BATCH_BYTES, size - offset), offset)
        if not piece:
            return
        yield piece
        offset += len(piece)


def sync(files: FileSystem, fd: int) -> None:
    """Make what ``fd`` names durable. Raises `StorageFailed` whatever the error: it is never tried again."""
    try:
        files.fsync(fd)
    except OSError as error:
        raise StorageFailed("the content store could not make bytes durable") from error


def sync_directory(files: FileSystem, path: Path) -> None:
    """Make the names in a directory durable. Raises `StorageFailed` where the call fails."""
    fd = files.open(path, DIRECTORY)
    try:
        sync(files, fd)
    finally:
        files.close(fd)
