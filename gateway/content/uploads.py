"""Upload sessions in files.

One rule carries the rest: **below a length that was handed out, a session file never changes.** An append writes after
the recorded offset, alone (an exclusive lock that holds across processes), and takes its own bytes back if it fails. Where
the file holds more than the record (a process died between the two, or a slow rival is still at an old offset), the
part that counts is copied to a new file that takes the session's name. It follows that a running digest is good for as
long as the file is the same, that a rival can spoil its own upload and never put its bytes under another's digest, and
that a file which became a blob is never written to: its name here is gone, or (a crash between the two names) it has two
names and is refused.

The digest of a partly uploaded blob is not taken from the catalog's row either: it would vouch for a file that a rival
may have replaced since. Another process reads the file once instead.

I/O: files, in threads.
Source: DESIGN 4; CVE-2026-32589 for why a session is bound, which is the catalog's part.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from stat import S_ISREG

from gateway.content import files
from gateway.content.cutting import Cuts
from gateway.content.files import BATCH_BYTES, FileSystem
from gateway.content.layout import Layout, is_session
from gateway.content.publish import Publisher
from gateway.content.running import HashState, RunningDigests
from gateway.content.store import Progress, UploadFile
from gateway.content.threads import Threads
from gateway.errors import (
    Conflict,
    DigestInvalid,
    SizeInvalid,
    StorageFailed,
    StorageFull,
    UploadInvalid,
    UploadUnknown,
)
from gateway.oci.digest import Digest


class FilesystemUploads:
    """`UploadStore` over a directory. ``nonce`` returns a fresh hexadecimal text, for names of our own."""

    def __init__(
        self,
        *,
        layout: Layout,
        filesystem: FileSystem,
        publisher: Publisher,
        running: RunningDigests,
        threads: Threads,
        nonce: Callable[[], str],
    ) -> None:
        self._layout = layout
        self._files = filesystem
        self._publisher = publisher
        self._running = running
        self._threads = threads
        self._cuts = Cuts(layout=layout, filesystem=filesystem, publisher=publisher, nonce=nonce)

    async def create(self, session: str) -> None:
        """See `UploadStore.create`. Not synced: an empty session is a promise to nobody."""
        await self._threads.hop(self._create, session)

    async def append(
        self,
        session: str,
        chunks: AsyncIterator[bytes],
        *,
        offset: int,
        max_bytes: int,
        expected_bytes: int | None = None,
    ) -> Progress:
        """See `UploadStore.append`. Not synced: only the end of an upload is a promise, and it syncs all of it."""
        writer = _Append(self, session, offset=offset)
        expected = None if expected_bytes is None else offset + expected_bytes
        size = offset
        batch: list[bytes] = []
        waiting = 0
        try:
            await self._threads.hop(writer.begin)
            async for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise SizeInvalid(f"the upload is larger than {max_bytes} bytes")
                if expected is not None and size > expected:
                    raise UploadInvalid("the chunk is longer than it says")
                batch.append(chunk)
                waiting += len(chunk)
                if waiting >= BATCH_BYTES:
                    await self._threads.hop(writer.write, batch)
                    batch, waiting = [], 0
            if expected is not None and size < expected:
                # Before the end: what is still this request's own to take back is truncated, what is not is copied.
                raise UploadInvalid("the chunk is shorter than it says")
            await self._threads.hop(writer.finish, batch)
        except BaseException as error:
            # Whatever it was, a cancellation too: the lock and the file are given back before it goes on.
            await self._threads.hop(writer.abandon, gone=isinstance(error, StorageFull | StorageFailed))
            raise
        return Progress(size)

    async def commit(self, session: str, *, digest: Digest, size_bytes: int) -> int:
        """See `UploadStore.commit`."""
        return await self._threads.hop(self._commit, session, digest, size_bytes)

    async def discard(self, session: str) -> None:
        """See `UploadStore.discard`. A request that is still writing goes on, into a file without a name."""
        if is_session(session):
            await self._threads.hop(self._discard, session)

    async def sessions(self) -> Sequence[UploadFile]:
        """See `UploadStore.sessions`: what has a session's name and is a file; all else is not ours (zot 09de471)."""
        return await self._threads.hop(self._sessions)

    def _create(self, session: str) -> None:
        with files.failures():
            try:
                fd = self._files.open(self._layout.upload(session), files.CREATE)
            except FileExistsError:
                raise Conflict("an upload session of this name exists") from None
            self._files.close(fd)

    def _discard(self, session: str) -> None:
        self._running.drop(session)
        with files.failures():
            self._publisher.remove(self._layout.upload(session))

    def _sessions(self) -> list[UploadFile]:
        found: list[UploadFile] = []
        with files.failures():
            for name in sorted(filter(is_session, self._files.names(self._layout.uploads))):
                try:
                    status = self._files.lstat(self._layout.upload(name))
                except FileNotFoundError:
                    continue
                if S_ISREG(status.st_mode):
                    found.append(UploadFile(name, status.st_size, int(status.st_mtime)))
        return found

    def _commit(self, session: str, digest: Digest, size: int) -> int:
        try:
            with files.failures():
                fd = self._open_locked(session, size=size)
                try:
                    self._sync_session(fd)
                    if self._hex(session, fd, algorithm=digest.algorithm, size=size) != digest.hex:
                        raise DigestInvalid(str(digest), "the content has another digest")
                    self._publisher.publish(self._layout.upload(session), digest=digest, size_bytes=size)
                finally:
                    self._files.close(fd)
        except (DigestInvalid, StorageFull, StorageFailed):
            # After a failed fsync most of all: the next one would succeed, over bytes that are not on the disk.
            self._discard(session)
            raise
        self._running.drop(session)
        return size

    def _sync_session(self, fd: int) -> None:
        try:
            self._files.fsync(fd)
        except OSError as error:
            # A file system may find out only now that there is no room. The file has no name that anybody relies on.
            failure = files.meaning(error)
            if isinstance(failure, StorageFull):
                raise failure from error
            raise StorageFailed("the content store could not make an upload durable") from error

    def _hex(self, session: str, fd: int, *, algorithm: str, size: int) -> str:
        """Return the digest of the whole file: from the running state where there is one for this file, else read."""
        if algorithm == "sha256":
            state = self._running.find(session, size=size, file=self._files.fstat(fd))
            if state is not None:
                return state.hexdigest()
        fresh = hashlib.new(algorithm)
        for piece in files.read_pieces(self._files, fd, size=size):
            fresh.update(piece)
        return fresh.hexdigest()

    def _open_locked(self, session: str, *, size: int) -> int:
        """Return the session's file, locked and exactly ``size`` bytes long. See `UploadStore.append` for the errors.

        The lock may have been won on a file that lost its name meanwhile, to a blob or to a cut: that one is looked at
        no further.
        """
        path = self._layout.upload(session)
        fd = self._open(session, path)
        try:
            if not self._files.try_lock(fd):
                raise UploadInvalid("another request is writing to this upload session")
            held = self._files.fstat(fd)
            try:
                named = self._files.lstat(path)
            except FileNotFoundError:
                raise UploadUnknown(session) from None
            if (held.st_dev, held.st_ino) != (named.st_dev, named.st_ino):
                raise UploadInvalid("another request has just written to this upload session")
            if held.st_size < size:
                raise UploadInvalid("the upload session has lost bytes: start the upload again")
            if held.st_size == size:
                return fd
            cut = self._cuts.cut(path, fd, size=size)
        except BaseException:
            self._files.close(fd)
            raise
        self._files.close(fd)
        return cut

    def _open(self, session: str, path: Path) -> int:
        try:
            return self._files.open(path, files.WRITE)
        except FileNotFoundError:
            raise UploadUnknown(session) from None


class _Append:
    """One append under way: the file, its lock and its digest. Each method runs in a thread, one after the other."""

    def __init__(self, uploads: FilesystemUploads, session: str, *, offset: int) -> None:
        self._uploads = uploads
        self._files = uploads._files
        self._session = session
        self._offset = offset
        self._size = offset
        self._fd: int | None = None
        self._written = False
        self._sha256: HashState | None = None

    def begin(self) -> None:
        with files.failures():
            fd = self._fd = self._uploads._open_locked(self._session, size=self._offset)
            status = self._files.fstat(fd)
            if status.st_nlink > 1:
                raise UploadInvalid("the upload session has been closed")
            self._sha256 = self._uploads._running.find(self._session, size=self._offset, file=status)

    def write(self, batch: list[bytes]) -> None:
        assert self._fd is not None
        data = b"".join(batch)
        self._written = True
        with files.failures():
            files.write_all(self._files, self._fd, data, offset=self._size)
        self._size += len(data)
        if self._sha256 is not None:
            self._sha256.update(data)

    def finish(self, batch: list[bytes]) -> None:
        self.write(batch)
        assert self._fd is not None
        with files.failures():
            self._files.unlock(self._fd)
        fd, self._fd = self._fd, None
        if self._sha256 is None:
            self._files.close(fd)
        else:
            self._uploads._running.keep(self._session, size=self._size, sha256=self._sha256, fd=fd)

    def abandon(self, *, gone: bool) -> None:
        """Take back what was written, or the whole session where the store failed under it."""
        if gone:
            self._uploads._discard(self._session)
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        with files.failures():
            try:
                if self._written and not gone:
                    self._files.truncate(fd, self._offset)
            finally:
                self._files.close(fd)
