"""Cutting an upload session to the length that was handed out: what counts is copied to a file that takes its name.

A session is longer than its row where a process died between the two, or where a rival is still at an old offset. Whoever
races against himself brings that about as often as he likes, and each time a whole session is copied, in one of the few
threads that all uploads share. So few are cut at one time, and the next is told to come back.

I/O: files, in the caller's thread.
Source: DESIGN 4.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.content import files
from gateway.content.files import FileSystem
from gateway.content.layout import Layout
from gateway.content.publish import Publisher
from gateway.errors import Unavailable

MAX_CUTS: Final = 2
"""At one time, of one process."""
RETRY_SECONDS: Final = 5


class Cuts:
    """Cuts the sessions of one store. ``nonce`` returns a fresh hexadecimal text, for names of our own."""

    def __init__(
        self, *, layout: Layout, filesystem: FileSystem, publisher: Publisher, nonce: Callable[[], str]
    ) -> None:
        self._layout = layout
        self._files = filesystem
        self._publisher = publisher
        self._nonce = nonce
        self._places = threading.BoundedSemaphore(MAX_CUTS)

    def cut(self, path: Path, fd: int, *, size: int) -> int:
        """Give the session's name to a copy of its first ``size`` bytes; return the copy, locked.

        Raises `Unavailable` where `MAX_CUTS` are under way, before anything is read.
        """
        if not self._places.acquire(blocking=False):
            raise Unavailable(
                "too many broken uploads are mended at this moment: try again", retry_after_seconds=RETRY_SECONDS
            )
        try:
            return self._copy(path, fd, size=size)
        finally:
            self._places.release()

    def _copy(self, path: Path, fd: int, *, size: int) -> int:
        draft = self._layout.upload(f"cut-{self._nonce()}")
        copy = self._files.open(draft, files.CREATE)
        try:
            self._files.try_lock(copy)
            offset = 0
            for piece in files.read_pieces(self._files, fd, size=size):
                files.write_all(self._files, copy, piece, offset=offset)
                offset += len(piece)
            self._files.rename(draft, path)
        except BaseException:
            self._files.close(copy)
            self._publisher.remove(draft)
            raise
        return copy
