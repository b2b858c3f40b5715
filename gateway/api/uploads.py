"""Uploads: bytes on their way to become a blob of a repository.

A session belongs to one principal in one repository; to anybody else it is not there (CVE-2026-32589). The catalog's row
says how long it is. Nothing is a blob, and no repository has it, before its digest was verified over durable bytes.

I/O: through the catalog and the content store.
Source: OCI distribution-spec v1.1.1, "Pushing Blobs" and its main branch (cancel, digest-algorithm); DESIGN 4.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.api.answer import Answer
from gateway.api.call import Access, Call
from gateway.api.mount import Mounts
from gateway.api.refusals import error_entry, rule
from gateway.api.routes import MAX_SESSION_CHARS, only
from gateway.catalog.stores import BlobCatalog, UploadCatalog
from gateway.catalog.values import MAX_PATCHES, UploadRow
from gateway.content.store import UploadStore
from gateway.errors import (
    DigestInvalid,
    GatewayError,
    Internal,
    SizeInvalid,
    StorageFailed,
    StorageFull,
    UploadInvalid,
    UploadOutOfOrder,
    UploadUnknown,
)
from gateway.oci.digest import HEX_LENGTHS, Digest
from gateway.oci.names import RepositoryName
from gateway.oci.ranges import ByteRange, format_range, parse_content_range

SESSION_BYTES: Final = 16
"""128 random bits, though the id alone opens nothing."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """The handlers of uploads."""

    catalog: UploadCatalog
    blobs: BlobCatalog
    store: UploadStore
    mounts: Mounts
    random_bytes: Callable[[int], bytes]
    max_blob_bytes: int

    async def start(self, call: Call, access: Access) -> Answer:
        """Answer POST: a mount, a whole blob in one request, or the start of a session."""
        algorithm = only(call.query, "digest-algorithm")
        if algorithm is not None and algorithm not in HEX_LENGTHS:
            raise DigestInvalid(f"{algorithm[:40]}:", "unsupported algorithm")
        wanted = only(call.query, "mount")
        if wanted is not None:
            mounted = await self.mounts.mount(Digest.parse(wanted), only(call.query, "from"), call, access)
            if mounted is not None:
                await self.blobs.link(
                    access.grant.repository,
                    mounted.digest,
                    mounted.size,
                    principal=access.principal,
                    now=call.now,
                    mounted=True,
                )
                return _created(access.grant.repository, mounted.digest)
        digest_text = only(call.query, "digest")
        digest = None if digest_text is None or wanted is not None else Digest.parse(digest_text)
        row = await self._begin(call, access)
        if digest is None:
            return _progress(202, row)
        try:
            return await self._finish(call, access, row, digest)
        except BaseException:
            # Nobody was told of this session, so nobody will go on with it.
            await self._forget(row)
            raise

    async def status(self, call: Call, access: Access) -> Answer:
        """Answer GET and HEAD: how far the session is."""
        return _progress(204, await self._row(call, access))

    async def append(self, call: Call, access: Access) -> Answer:
        """Answer PATCH: more bytes, with or without saying where they belong."""
        row = await self._row(call, access)
        try:
            size = await self._receive(call, row)
            try:
                await self.catalog.advance(row.id, from_size=row.size, to_size=size, now=call.now)
            except GatewayError:
                await self._failed(row)
                raise
        except UploadOutOfOrder as error:
            return _out_of_order(row, error)
        return _progress(202, row, size=size)

    async def finish(self, call: Call, access: Access) -> Answer:
        """Answer PUT: the last bytes, if any, and the digest of them all."""
        row = await self._row(call, access)
        text = only(call.query, "digest")
        if text is None:
            raise DigestInvalid("", "the upload is closed with a digest parameter")
        try:
            return await self._finish(call, access, row, Digest.parse(text))
        except UploadOutOfOrder as error:
            return _out_of_order(row, error)

    async def cancel(self, call: Call, access: Access) -> Answer:
        """Answer DELETE: the session and its bytes go."""
        row = await self._row(call, access)
        await self._forget(row)
        return Answer(204)

    async def _begin(self, call: Call, access: Access) -> UploadRow:
        session = self.random_bytes(SESSION_BYTES).hex()
        repository, principal = access.grant.repository, access.principal
        # Bytes without a row are cleared away; a row without bytes would be a session that cannot be written to.
        await self.store.create(session)
        try:
            await self.catalog.start(session, repository, principal=principal, now=call.now)
        except BaseException:
            await self.store.discard(session)
            raise
        return UploadRow(
            id=session,
            repository=repository,
            principal_id=principal.id,
            size=0,
            patches=0,
            started=call.now,
            touched=call.now,
        )

    async def _row(self, call: Call, access: Access) -> UploadRow:
        session = call.target.session
        if session is None:
            raise Internal("a row without a session")
        if len(session) > MAX_SESSION_CHARS:
            raise UploadUnknown(session[:MAX_SESSION_CHARS])
        return await self.catalog.upload(session, access.grant.repository, principal_id=access.principal.id)

    async def _receive(self, call: Call, row: UploadRow) -> int:
        """Append the body to the session; return how long it is then, not recorded yet.

        Raises `UploadOutOfOrder` before a byte is read where the chunk belongs elsewhere; the session lives on. What fails
        later has cost as much as what does not, and counts as much.
        """
        chunk = _chunk(call)
        if chunk is not None and chunk.start != row.size:
            raise UploadOutOfOrder(row.size)
        announced = call.request.content_length
        if announced is not None and row.size + announced > self.max_blob_bytes:
            raise SizeInvalid(f"the upload is larger than {self.max_blob_bytes} bytes")
        if not call.request.has_body:
            if chunk is not None:
                raise UploadInvalid("the chunk is not as long as its Content-Range says")
            return row.size
        if row.patches > MAX_PATCHES:
            raise UploadInvalid(f"more than {MAX_PATCHES} chunks: start again, with larger ones")
        try:
            progress = await self.store.append(
                row.id,
                call.body.chunks(),
                offset=row.size,
                max_bytes=self.max_blob_bytes,
                expected_bytes=None if chunk is None else chunk.length,
            )
        except Exception:
            await self._failed(row)
            raise
        return progress.size_bytes

    async def _failed(self, row: UploadRow) -> None:
        # What it failed of is what the client is told of.
        with contextlib.suppress(GatewayError):
            await self.catalog.count_failed(row.id)

    async def _finish(self, call: Call, access: Access, row: UploadRow, digest: Digest) -> Answer:
        size = await self._receive(call, row)
        try:
            stored = await self.store.commit(row.id, digest=digest, size_bytes=size)
        except (DigestInvalid, StorageFull, StorageFailed):
            # The store has dropped the bytes.
            await self.catalog.end(row.id)
            raise
        repository = access.grant.repository
        try:
            await self.blobs.link(repository, digest, stored, principal=access.principal, now=call.now)
        finally:
            # The bytes are a blob now, linked or not: there is no session to go on with.
            await self.catalog.end(row.id)
        return _created(repository, digest)

    async def _forget(self, row: UploadRow) -> None:
        await self.catalog.end(row.id)
        await self.store.discard(row.id)


def _chunk(call: Call) -> ByteRange | None:
    """Return where the body says it belongs. Raises `UploadInvalid` where it contradicts its own length."""
    header = call.request.content_range
    if header is None:
        return None
    chunk = parse_content_range(header)
    announced = call.request.content_length
    if announced is not None and announced != chunk.length:
        raise UploadInvalid("Content-Range and Content-Length contradict each other")
    return chunk


def _created(repository: RepositoryName, digest: Digest) -> Answer:
    return Answer(
        201,
        (("location", f"/v2/{repository}/blobs/{digest}"), ("docker-content-digest", str(digest))),
    )


def _progress(status: int, row: UploadRow, *, size: int | None = None) -> Answer:
    return Answer(status, _where(row, size=row.size if size is None else size))


def _where(row: UploadRow, *, size: int) -> tuple[tuple[str, str], ...]:
    return (
        ("location", f"/v2/{row.repository}/blobs/uploads/{row.id}"),
        ("range", format_range(size)),
        ("docker-upload-uuid", row.id),
    )


def _out_of_order(row: UploadRow, error: UploadOutOfOrder) -> Answer:
    """Return 416 with where the session is, so that the client can go on."""
    entry = error_entry(error.code, error.message, {"offset_bytes": error.offset_bytes})
    return Answer.of_json(rule(error).status, {"errors": [entry]}, *_where(row, size=error.offset_bytes))
