"""A content store that forgets: the fake that passes the contract of the real one.

For tests, and for nothing that anybody should find again.

Pure: no I/O.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from gateway.content.layout import is_session
from gateway.content.store import Content, InlineBlob, Progress, UploadFile
from gateway.errors import (
    BlobUnknown,
    Conflict,
    DigestInvalid,
    Internal,
    SizeInvalid,
    UploadInvalid,
    UploadUnknown,
)
from gateway.oci.digest import Digest


def memory_content(*, clock: Callable[[], int] = lambda: 0) -> Content:
    """Return an empty store. ``clock`` is what `UploadFile.touched` is read from."""
    blobs = MemoryBlobs()
    return Content(blobs=blobs, uploads=MemoryUploads(blobs=blobs, clock=clock))


class MemoryBlobs:
    """`BlobStore` over a dictionary. ``contents`` is open to tests that want to damage a blob."""

    def __init__(self) -> None:
        self.contents: dict[Digest, bytes] = {}

    async def stat(self, digest: Digest) -> int | None:
        """See `BlobStore.stat`."""
        content = self.contents.get(digest)
        return None if content is None else len(content)

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        """See `BlobStore.read`."""
        content = self.contents.get(digest)
        if content is None:
            raise BlobUnknown(str(digest))
        if len(content) > max_bytes:
            raise SizeInvalid(f"blob {digest} is larger than {max_bytes} bytes")
        try:
            digest.check(content)
        except DigestInvalid:
            raise Internal(f"blob {digest} is damaged: its content has another digest") from None
        return content

    def locate(self, digest: Digest) -> InlineBlob | None:
        """See `BlobStore.locate`."""
        content = self.contents.get(digest)
        return None if content is None else InlineBlob(content)

    async def put(self, digest: Digest, content: bytes) -> None:
        """See `BlobStore.put`."""
        digest.check(content)
        self.contents.setdefault(digest, content)


class MemoryUploads:
    """`UploadStore` over a dictionary."""

    def __init__(self, *, blobs: MemoryBlobs, clock: Callable[[], int]) -> None:
        self._blobs = blobs
        self._clock = clock
        self._sessions: dict[str, bytes] = {}
        self._touched: dict[str, int] = {}
        self._writing: set[str] = set()

    async def create(self, session: str) -> None:
        """See `UploadStore.create`."""
        if not is_session(session):
            raise UploadUnknown(session[:140])
        if session in self._sessions:
            raise Conflict("an upload session of this name exists")
        self._set(session, b"")

    async def append(
        self,
        session: str,
        chunks: AsyncIterator[bytes],
        *,
        offset: int,
        max_bytes: int,
        expected_bytes: int | None = None,
    ) -> Progress:
        """See `UploadStore.append`."""
        held = bytearray(self._prefix(session, size=offset))
        self._writing.add(session)
        try:
            async for chunk in chunks:
                held += chunk
                if len(held) > max_bytes:
                    raise SizeInvalid(f"the upload is larger than {max_bytes} bytes")
            if expected_bytes is not None and len(held) != offset + expected_bytes:
                raise UploadInvalid("the chunk is not as long as it says")
        finally:
            self._writing.discard(session)
        if session in self._sessions:
            self._set(session, bytes(held))
        return Progress(len(held))

    async def commit(self, session: str, *, digest: Digest, size_bytes: int) -> int:
        """See `UploadStore.commit`."""
        content = self._prefix(session, size=size_bytes)
        await self.discard(session)
        await self._blobs.put(digest, content)
        return size_bytes

    async def discard(self, session: str) -> None:
        """See `UploadStore.discard`."""
        self._sessions.pop(session, None)
        self._touched.pop(session, None)

    async def sessions(self) -> Sequence[UploadFile]:
        """See `UploadStore.sessions`."""
        return [
            UploadFile(session, len(held), self._touched[session]) for session, held in sorted(self._sessions.items())
        ]

    def _prefix(self, session: str, *, size: int) -> bytes:
        held = self._sessions.get(session)
        if held is None:
            raise UploadUnknown(session[:140])
        if session in self._writing:
            raise UploadInvalid("another request is writing to this upload session")
        if len(held) < size:
            raise UploadInvalid("the upload session has lost bytes: start the upload again")
        return held[:size]

    def _set(self, session: str, held: bytes) -> None:
        self._sessions[session] = held
        self._touched[session] = self._clock()
