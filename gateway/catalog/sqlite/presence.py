"""Whether the catalog's files are still those that were opened.

SQLite goes on with a file that was removed or replaced under it, without a word: what it commits then is durable in a
file that nobody finds again. That is so of the write-ahead log as of the catalog itself: it is there as long as a
connection is, whoever checkpoints, and what is in it and in no file of this name is lost with the process. Two processes
that do not share one ``-shm`` do not see each other's locks, and destroy the catalog together.

Asked by name alone, since to close any descriptor of the file would drop this process's locks on it.

I/O: stat(2).
Source: sqlite.org/howtocorrupt.html, sections 2.2 and 4 (unlinking or renaming a database file while in use);
sqlite.org/walformat.html, section 1.
"""

import os
from pathlib import Path
from typing import Final

from gateway.errors import StorageFailed, Unavailable

FILES: Final = ("", "-wal", "-shm")
"""What is added to the catalog's name."""


class OpenedFiles:
    """The catalog's files by their names and by what they were when this was made: after every connection has read."""

    def __init__(self, path: Path) -> None:
        """Raise what `check` raises."""
        # SQLite resolves links when it opens the file, and writes beside what it found. The name itself is kept too: it is
        # what the next process opens.
        found = os.path.realpath(path)
        self._names = (os.path.abspath(path), *(found + suffix for suffix in FILES if suffix))
        self._were = self._look()

    def check(self) -> None:
        """Raise `StorageFailed` where one is gone or another one, `Unavailable` where that cannot be told (7 us)."""
        if self._look() != self._were:
            raise StorageFailed("the catalog's file was replaced: a restart opens what is there now")

    def _look(self) -> list[tuple[int, int]]:
        try:
            return [(found.st_dev, found.st_ino) for found in map(os.stat, self._names)]
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StorageFailed("a file of the catalog is gone: what is written into it now is lost") from error
        except OSError as error:
            raise Unavailable(f"the catalog's files cannot be looked at: {error.strerror}") from error
