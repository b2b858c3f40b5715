"""Blobs in files, and the filesystem store as a whole.

I/O: files. `FilesystemBlobs.locate` makes its one system call where it stands; all else hops to a thread.
Source: DESIGN 4.
"""

import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from stat import S_ISREG

from gateway.content import files, layout
from gateway.content.files import FileSystem, OsFileSystem
from gateway.content.layout import Layout
from gateway.content.publish import Publisher
from gateway.content.running import RunningDigests
from gateway.content.store import Content, StoredBlob
from gateway.content.threads import Threads
from gateway.content.uploads import FilesystemUploads
from gateway.errors import BlobUnknown, DigestInvalid, Internal, SizeInvalid
from gateway.oci.digest import Digest


def open_content(
    root: Path,
    *,
    filesystem: FileSystem | None = None,
    executor: Executor | None = None,
    nonce: Callable[[], str] = lambda: secrets.token_hex(16),
) -> Content:
    """Return the content store at ``root``, made where there is none.

    ``executor`` runs the blocking calls (None: the event loop's own threads). Blocks; call it before serving. Raises
    `ConfigInvalid` for a folder that is something else, `StorageFull`, `StorageFailed` and `Unavailable`.
    """
    calls = filesystem if filesystem is not None else OsFileSystem()
    prepared = layout.prepare(root, filesystem=calls, nonce=nonce())
    publisher = Publisher(layout=prepared, filesystem=calls)
    threads = Threads(executor)
    return Content(
        blobs=FilesystemBlobs(layout=prepared, filesystem=calls, publisher=publisher, threads=threads, nonce=nonce),
        uploads=FilesystemUploads(
            layout=prepared,
            filesystem=calls,
            publisher=publisher,
            running=RunningDigests(filesystem=calls),
            threads=threads,
            nonce=nonce,
        ),
    )


class FilesystemBlobs:
    """`BlobStore` over a directory."""

    def __init__(
        self,
        *,
        layout: Layout,
        filesystem: FileSystem,
        publisher: Publisher,
        threads: Threads,
        nonce: Callable[[], str],
    ) -> None:
        self._layout = layout
        self._files = filesystem
        self._publisher = publisher
        self._threads = threads
        self._nonce = nonce

    async def stat(self, digest: Digest) -> int | None:
        """See `BlobStore.stat`."""
        location = await self._threads.hop(self.locate, digest)
        return None if location is None else location.size_bytes

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        """See `BlobStore.read`."""
        return await self._threads.hop(self._read, digest, max_bytes)

    def locate(self, digest: Digest) -> StoredBlob | None:
        """See `BlobStore.locate`. What is not a file (a link, a directory) is not a blob (zot 09de471)."""
        path = self._layout.blob(digest)
        try:
            status = self._files.lstat(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.meaning(error) from error
        return StoredBlob(path, status.st_size) if S_ISREG(status.st_mode) else None

    async def put(self, digest: Digest, content: bytes) -> None:
        """See `BlobStore.put`."""
        await self._threads.hop(self._put, digest, content)

    def _read(self, digest: Digest, max_bytes: int) -> bytes:
        location = self.locate(digest)
        if location is None:
            raise BlobUnknown(str(digest))
        with files.failures():
            try:
                fd = self._files.open(location.path, files.READ)
            except FileNotFoundError:
                raise BlobUnknown(str(digest)) from None
            try:
                size = self._files.fstat(fd).st_size
                if size > max_bytes:
                    raise SizeInvalid(f"blob {digest} is larger than {max_bytes} bytes")
                content = b"".join(files.read_pieces(self._files, fd, size=size))
            finally:
                self._files.close(fd)
        try:
            digest.check(content)
        except DigestInvalid:
            raise Internal(f"blob {digest} is damaged: its content has another digest") from None
        return content

    def _put(self, digest: Digest, content: bytes) -> None:
        digest.check(content)
        draft = self._layout.upload(f"put-{self._nonce()}")
        with files.failures():
            fd = self._files.open(draft, files.CREATE)
            try:
                files.write_all(self._files, fd, content, offset=0)
                files.sync(self._files, fd)
                self._publisher.publish(draft, digest=digest, size_bytes=len(content))
            except BaseException:
                self._publisher.remove(draft)
                raise
            finally:
                self._files.close(fd)
