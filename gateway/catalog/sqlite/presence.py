"""Whether the catalog's file is still the one that was opened.

SQLite goes on with a file that was removed or replaced under it, without a word: what it commits then is durable in a
file that nobody finds again. Asked by name alone, since to close any descriptor of the file would drop this process's
locks on it.

I/O: stat(2).
Source: sqlite.org/howtocorrupt.html, sections 2.2 and 4 (unlinking or renaming a database file while in use).
"""

import os
from pathlib import Path

from gateway.errors import StorageFailed, Unavailable


class OpenedFile:
    """A file by its name and by what it was when this was made."""

    def __init__(self, path: Path) -> None:
        """Raise what `check` raises."""
        self._path = path
        self._was = self._look()

    def check(self) -> None:
        """Raise `StorageFailed` where the file is gone or another one, `Unavailable` where that cannot be told."""
        if self._look() != self._was:
            raise StorageFailed("the catalog's file was replaced: a restart opens what is there now")

    def _look(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StorageFailed("the catalog's file is gone: what is written into it now is lost") from error
        except OSError as error:
            raise Unavailable(f"the catalog's file cannot be looked at: {error.strerror}") from error
        return found.st_dev, found.st_ino
