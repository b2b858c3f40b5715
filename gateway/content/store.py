"""The seams of the content store: what blobs and uploads promise, whatever holds the bytes.

A blob is named by its digest and never changes. An upload session is a growing piece of bytes that belongs to nobody
here: the catalog binds it to a principal and a repository, and records how long it is; that recorded length is the
truth, and a store that holds more or less than it says so or mends it.

The bytes of a pull do not pass through here: `BlobStore.locate` says where they are, and the server sends them.

Pure: definitions only.
Source: DESIGN 4.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from gateway.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob in a file: ``path`` holds ``size_bytes`` bytes and is never written to again."""

    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class InlineBlob:
    """A blob at hand: of a store that has no files. The fake in the tests is one, so that nobody relies on a file."""

    content: bytes = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """How many bytes it is."""
        return len(self.content)


Location: TypeAlias = StoredBlob | InlineBlob
"""Where the bytes of a blob are. Closed: a new kind of store adds its kind here, and `match` finds who must know."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is: the catalog records ``size_bytes``, and the next chunk starts there."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class UploadFile:
    """What a store holds under a session's name, for whoever clears up. ``touched`` is in Unix seconds."""

    session: str
    size_bytes: int
    touched: int


class BlobStore(Protocol):
    """Blobs by digest."""

    async def stat(self, digest: Digest) -> int | None:
        """Return the length in bytes of the blob, None where it is not here."""
        ...

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        """Return the whole blob, which has that digest: it is hashed again at every read.

        Raises `BlobUnknown`, `SizeInvalid` for one longer than ``max_bytes`` (nothing is read then) and `Internal` for
        one that is no longer what its name says: that is one damaged blob, not a store to stop serving.
        """
        ...

    def locate(self, digest: Digest) -> Location | None:
        """Return where the bytes are, None where they are not here.

        Not ``async``: the pull path asks once per request, and one system call is shorter than any hop (DESIGN 10).
        """
        ...

    async def put(self, digest: Digest, content: bytes) -> None:
        """Keep ``content``, durably when this returns. Raises `DigestInvalid` where it has another digest."""
        ...


class UploadStore(Protocol):
    """Upload sessions, named by the caller: 1 to 128 of ``A-Z a-z 0-9 _ -``, each name used once."""

    async def create(self, session: str) -> None:
        """Begin an empty session. Raises `Conflict` where the name is taken."""
        ...

    async def append(
        self,
        session: str,
        chunks: AsyncIterator[bytes],
        *,
        offset: int,
        max_bytes: int,
        expected_bytes: int | None = None,
    ) -> Progress:
        """Add ``chunks`` after the first ``offset`` bytes, the length that the catalog recorded; all of them or none.

        What the session holds beyond ``offset`` (a process died between the bytes and the record) is dropped. Raises
        `UploadInvalid` where it holds less (a power cut: the client starts over) or another request is writing to it,
        `SizeInvalid` where it would grow beyond ``max_bytes``, `UploadInvalid` where ``chunks`` are not ``expected_bytes``
        long (None: of any length), `UploadUnknown`, `Unavailable` where too much is dropped at this moment, and whatever
        ``chunks`` raises; the session is then as before, without its bytes being copied. `StorageFull` and
        `StorageFailed` leave no session to go on with.
        """
        ...

    async def commit(self, session: str, *, digest: Digest, size_bytes: int) -> int:
        """Make the first ``size_bytes`` bytes the blob ``digest`` and end the session; return the blob's length.

        When this returns, the blob survives power loss, also where it was here before. The digest is verified by the
        store, never taken over from a caller. Raises `DigestInvalid` (the session is gone), `UploadUnknown`,
        `UploadInvalid` and `Unavailable` as `append` does, `StorageFull` and `StorageFailed`. After any other failure the
        same call may be made again.
        """
        ...

    async def discard(self, session: str) -> None:
        """Forget the session and its bytes. No such session is no error."""
        ...

    async def sessions(self) -> Sequence[UploadFile]:
        """Return all that is held for sessions, also what no catalog knows any more."""
        ...


@dataclass(frozen=True, slots=True)
class Content:
    """A content store: both halves, over the same bytes."""

    blobs: BlobStore
    uploads: UploadStore
