"""From verified bytes in a file of our own to a blob that survives power loss.

The order is the promise: the file's bytes are durable before its name exists, the name before anybody is told. A name
is never replaced: should a fault ever let wrong bytes come this far, they may take a free name, not one that others
already read.

I/O: blocking calls; runs in a thread of the adapter.
Source: DESIGN 4, "Promise"; security.md B4, what a power cut leaves of each order.
"""

import errno
import stat
from pathlib import Path

from gateway.content import files
from gateway.content.files import FileSystem
from gateway.content.layout import Layout
from gateway.oci.digest import Digest


class Publisher:
    """Gives files their names as blobs."""

    def __init__(self, *, layout: Layout, filesystem: FileSystem) -> None:
        self._layout = layout
        self._files = filesystem
        # Directories whose own names this process has made durable. None is ever removed, so one fsync lasts.
        self._durable: set[Path] = set()

    def publish(self, source: Path, *, digest: Digest, size_bytes: int) -> None:
        """Make ``source`` the blob ``digest``, durably, and remove the name ``source``.

        The caller holds ``source`` alone, has made its bytes durable and has verified that they have this digest and
        size. Raises `OSError` and `StorageFailed`. Whatever fails, the same call may be made again: ``source`` goes
        last.
        """
        target = self._layout.blob(digest)
        self._make_directories(target.parent)
        try:
            self._files.link(source, target)
        except FileExistsError:
            self._keep_existing(source, target, size_bytes=size_bytes)
        self._sync_up(target.parent)
        self.remove(source)

    def remove(self, path: Path) -> None:
        """Remove the name ``path``; that it is not there is no error."""
        try:
            self._files.unlink(path)
        except FileNotFoundError:
            return

    def _keep_existing(self, source: Path, target: Path, *, size_bytes: int) -> None:
        """Leave the blob that is there, made durable again: whoever put it there may not have got that far.

        One of another length cannot be what its name says (a power cut under another program, a bad disk). Only that
        one is replaced, by the bytes just verified.
        """
        fd = self._files.open(target, files.READ)
        try:
            status = self._files.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EEXIST, "something that is not a file has the name of a blob")
            if status.st_size == size_bytes:
                files.sync(self._files, fd)
                return
        finally:
            self._files.close(fd)
        self._files.rename(source, target)

    def _make_directories(self, leaf: Path) -> None:
        if leaf in self._durable:
            return
        for directory in (leaf.parent, leaf):
            try:
                self._files.mkdir(directory)
            except FileExistsError:
                continue

    def _sync_up(self, leaf: Path) -> None:
        """Make the new name durable, and the names of the directories above it up to the root.

        A directory that was there already may be another process's, made a moment ago and not yet durable: the first
        time, each is synced whoever made it.
        """
        files.sync_directory(self._files, leaf)
        named: list[Path] = []
        directory = leaf
        while directory != self._layout.root and directory not in self._durable:
            named.append(directory)
            directory = directory.parent
            files.sync_directory(self._files, directory)
        # Not before all of them are: a name is durable with the names above it.
        self._durable.update(named)
