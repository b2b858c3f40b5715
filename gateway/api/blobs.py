"""Blobs: whole, in part, or only whether they are there; and the end of a repository's link to one.

Knowing a digest gives nothing: the blob must belong to the repository, and the caller must see it there. No thread hop and
no chunk of bytes in this module: it says where the bytes are, the server sends them.

I/O: through the catalog; one system call of the content store.
Source: OCI distribution-spec v1.1.1, "Pulling blobs", "Deleting Blobs"; DESIGN 10, rules 1 and 2; CVE-2024-39897.
"""

from dataclasses import dataclass
from typing import assert_never

from gateway.access.sight import Absent, BlobUse, Open, Quarantined, blob_sight
from gateway.api.answer import NOT_KEPT, Answer, FilePart, Header, Omitted
from gateway.api.call import Access, Call
from gateway.api.conditions import entity_tag, has_already, range_counts
from gateway.api.outcomes import STATE
from gateway.api.settings import RecordPull
from gateway.audit.pulls import DENIED, PULLED
from gateway.catalog.stores import BlobCatalog
from gateway.content.store import BlobStore, InlineBlob, Location, StoredBlob
from gateway.errors import BlobUnknown, Internal
from gateway.oci.digest import Digest
from gateway.oci.ranges import ByteRange, format_content_range, parse_range

_KIND = ("content-type", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class Blobs:
    """The handlers of blobs."""

    catalog: BlobCatalog
    store: BlobStore
    record_pull: RecordPull

    async def read(self, call: Call, access: Access) -> Answer:
        """Answer GET and HEAD."""
        digest = named_digest(call)
        head = call.request.method == "HEAD"
        view = await self.catalog.blob(access.grant.repository, digest, now=call.now)
        if view is None:
            raise BlobUnknown(str(digest))
        sight = blob_sight(access.grant, visible=view.visible, use=BlobUse.HEAD if head else BlobUse.GET)
        match sight:
            case Absent():
                self._record(call, access, digest, DENIED)
                raise BlobUnknown(str(digest))
            case Open():
                extra: tuple[Header, ...] = ()
            case Quarantined():
                extra = ((STATE, sight.state_header), NOT_KEPT)
            case _:
                assert_never(sight)
        location = self.store.locate(digest)
        if location is None or location.size_bytes != view.size:
            # The catalog vouches for it: this is damage, to be seen by an operator, and not a blob that is unknown.
            raise Internal(f"the bytes of blob {digest} are not there, or not all of them")
        headers = (("docker-content-digest", str(digest)), ("etag", entity_tag(digest)), *extra)
        if has_already(call.request, digest):
            return Answer(304, headers)
        headers = (_KIND, ("accept-ranges", "bytes"), *headers)
        if head:
            return Answer(200, headers, Omitted(view.size))
        part = _part(call, digest, size=view.size)
        self._record(call, access, digest, PULLED)
        if part is None:
            return Answer(200, headers, _bytes(location, start=0, count=view.size))
        headers = (*headers, ("content-range", format_content_range(part, size=view.size)))
        return Answer(206, headers, _bytes(location, start=part.start, count=part.length))

    async def delete(self, call: Call, access: Access) -> Answer:
        """Answer DELETE: the repository's link goes, never one that a manifest there needs (405)."""
        digest = named_digest(call)
        view = await self.catalog.blob(access.grant.repository, digest, now=call.now)
        # The account's sight, not the token's: a client asks for `delete` alone, which shows nothing.
        if view is None or isinstance(blob_sight(access.present, visible=view.visible, use=BlobUse.HEAD), Absent):
            raise BlobUnknown(str(digest))
        await self.catalog.unlink(access.grant.repository, digest, principal=access.principal, now=call.now)
        return Answer(202)

    def _record(self, call: Call, access: Access, digest: Digest, outcome: str) -> None:
        self.record_pull(
            principal_id=access.principal.id,
            repository=access.grant.repository.text,
            digest=str(digest),
            address=call.request.address,
            outcome=outcome,
            now=call.now,
        )


def named_digest(call: Call) -> Digest:
    """Return the digest in the path."""
    digest = call.target.digest
    if digest is None:
        raise Internal("a row without a digest")
    return digest


def _part(call: Call, digest: Digest, *, size: int) -> ByteRange | None:
    header = call.request.range
    if header is None or not range_counts(call.request, digest):
        return None
    return parse_range(header, size=size)


def _bytes(location: Location, *, start: int, count: int) -> bytes | FilePart:
    match location:
        case StoredBlob():
            return FilePart(location.path, start, count)
        case InlineBlob():
            return location.content[start : start + count]
        case _:
            assert_never(location)
