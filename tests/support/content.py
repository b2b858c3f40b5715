"""The file system of the content store, for tests: it keeps a log, fails where it is told to, and can lose its power."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from gateway.content.files import OsFileSystem

T = TypeVar("T")


class PowerCut(BaseException):
    """The process is dead: nothing that it would still do is done."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns."""
    return asyncio.run(work)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield ``parts``."""
    for part in parts:
        yield part


async def broken(*parts: bytes, error: BaseException) -> AsyncIterator[bytes]:
    """Yield ``parts``, then raise ``error``: a client that disconnects."""
    for part in parts:
        yield part
    raise error


class WatchedFileSystem(OsFileSystem):
    """The real calls, each written down before it is made as ``(call, path)``, paths relative to ``root``.

    ``failures[n]`` is raised in place of the n-th call (from 0). After a `PowerCut` every call raises it, and the files
    that were open are closed, as the kernel does for a dead process.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log: list[tuple[str, str]] = []
        self.failures: dict[int, BaseException] = {}
        self.fail_when: Callable[[str, str], BaseException | None] = lambda call, path: None
        self.most_per_write: int | None = None
        self._open: dict[int, Path] = {}
        self._dead = False

    def note(self, call: str, path: Path) -> None:
        """Write the call down; raise what is to be raised in its place."""
        if self._dead:
            raise PowerCut
        name = str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
        number = len(self.log)
        self.log.append((call, name))
        error = self.failures.get(number) or self.fail_when(call, name)
        if isinstance(error, PowerCut):
            self._dead = True
            for fd in self._open:
                os.close(fd)
            self._open.clear()
        if error is not None:
            raise error

    @property
    def open_files(self) -> list[str]:
        """The names of the files that are open now."""
        return sorted(path.name for path in self._open.values())

    def open(self, path: Path, flags: int) -> int:
        self.note("create" if flags & os.O_CREAT else "open", path)
        fd = super().open(path, flags)
        self._open[fd] = path
        return fd

    def close(self, fd: int) -> None:
        try:
            self._note_fd("close", fd)
        finally:
            # close(2) gives the number back whatever it returns; a power cut has done so already.
            if self._open.pop(fd, None) is not None:
                super().close(fd)

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        self._note_fd("read", fd)
        return super().pread(fd, count, offset)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        self._note_fd("write", fd)
        return super().pwrite(fd, data if self.most_per_write is None else data[: self.most_per_write], offset)

    def truncate(self, fd: int, size: int) -> None:
        self._note_fd("truncate", fd)
        super().truncate(fd, size)

    def fsync(self, fd: int) -> None:
        self._note_fd("fsync", fd)
        super().fsync(fd)

    def fstat(self, fd: int) -> os.stat_result:
        self._note_fd("fstat", fd)
        return super().fstat(fd)

    def lstat(self, path: Path) -> os.stat_result:
        self.note("lstat", path)
        return super().lstat(path)

    def try_lock(self, fd: int) -> bool:
        self._note_fd("lock", fd)
        return super().try_lock(fd)

    def unlock(self, fd: int) -> None:
        self._note_fd("unlock", fd)
        super().unlock(fd)

    def mkdir(self, path: Path) -> None:
        self.note("mkdir", path)
        super().mkdir(path)

    def link(self, source: Path, target: Path) -> None:
        self.note("link", target)
        super().link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        self.note("rename", target)
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self.note("unlink", path)
        super().unlink(path)

    def names(self, path: Path) -> list[str]:
        self.note("names", path)
        return super().names(path)

    def _note_fd(self, call: str, fd: int) -> None:
        self.note(call, self._open.get(fd, self.root))


async def survive(work: Awaitable[object]) -> BaseException | None:
    """Return what ``work`` raises, a `PowerCut` too, or None."""
    try:
        await work
    except BaseException as error:
        return error
    return None
