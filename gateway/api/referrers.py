"""Referrers: what is attached to a digest, as far as the caller sees it.

An index, always: empty for a digest, a repository or a right that is not there, so that it tells nothing.

I/O: through the catalog; large pages are read into entries in a thread.
Source: OCI distribution-spec v1.1.1, "Listing Referrers".
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.access.sight import Absent, Quarantined, referrer_sight
from gateway.api.answer import NOT_KEPT, Answer, Header
from gateway.api.blobs import named_digest
from gateway.api.call import Access, Call
from gateway.api.routes import only
from gateway.catalog.stores import ManifestReads
from gateway.catalog.values import ManifestView
from gateway.errors import Internal, RequestInvalid
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.media_types import OCI_INDEX, is_media_type
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject, JsonValue

FETCH: Final = 100
MAX_ENTRIES: Final = 1000
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""What clients read of a manifest, and so of an index."""
INLINE_BYTES: Final = 64 * 1024
"""Above it, documents are parsed in a thread (DESIGN 10, rule 7)."""

_CURSOR: Final = re.compile(r"([0-9]{1,18})\.(.*)")


@dataclass(frozen=True, slots=True)
class Referrers:
    """The handler of referrers."""

    reads: ManifestReads

    async def list(self, call: Call, access: Access) -> Answer:
        """Answer GET and HEAD."""
        subject = named_digest(call)
        # An empty filter is none: clients send the parameter with whatever they were given.
        artifact_type = only(call.query, "artifactType") or None
        if artifact_type is not None and not is_media_type(artifact_type):
            raise RequestInvalid("artifactType is not a media type (a + in a query is written %2B)")
        after = _cursor(only(call.query, "after"))
        entries: list[JsonValue] = []
        quarantined, size = False, 0
        more: tuple[str, int] | None = None
        last = after
        while more is None:
            page = await self.reads.referrers(
                access.grant.repository,
                subject,
                artifact_type=artifact_type,
                after=after,
                limit=FETCH,
                now=call.now,
            )
            seen = []
            for view in page:
                after = (view.artifact_type or "", view.id)
                sight = referrer_sight(access.grant, visible=view.visible, condition=view.condition)
                if not isinstance(sight, Absent):
                    quarantined = quarantined or isinstance(sight, Quarantined)
                    seen.append(view)
            for view, entry in zip(seen, await _entries(seen), strict=True):
                size += len(json.dumps(entry))
                if entries and (size > MAX_ANSWER_BYTES or len(entries) == MAX_ENTRIES):
                    more = last
                    break
                entries.append(entry)
                last = (view.artifact_type or "", view.id)
            if len(page) < FETCH:
                break
        headers: list[Header] = [("content-type", OCI_INDEX)]
        if artifact_type is not None:
            headers.append(("oci-filters-applied", "artifactType"))
        if more is not None:
            headers.append(_next_link(access.grant.repository, subject, artifact_type, more))
        if quarantined:
            headers.append(NOT_KEPT)
        return Answer.of_json(200, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}, *headers)


async def _entries(views: Sequence[ManifestView]) -> Sequence[JsonObject]:
    if sum(view.size for view in views) <= INLINE_BYTES:
        return _read(views)
    return await asyncio.to_thread(_read, views)


def _read(views: Sequence[ManifestView]) -> Sequence[JsonObject]:
    return [_entry(view) for view in views]


def _entry(view: ManifestView) -> JsonObject:
    """Return the descriptor of a referrer, with its own annotations and its declared type."""
    if view.body is None:
        raise Internal("a referrer without its body")
    manifest = Manifest.parse(view.body, content_type=view.media_type, max_bytes=view.size)
    entry: JsonObject = {"mediaType": view.media_type, "digest": str(view.digest), "size": view.size}
    if manifest.declared_type is not None:
        entry["artifactType"] = manifest.declared_type
    if manifest.annotations:
        entry["annotations"] = dict(manifest.annotations)
    return entry


def _cursor(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    matched = _CURSOR.fullmatch(text)
    if matched is None or (matched[2] and not is_media_type(matched[2])):
        raise RequestInvalid("the page does not exist: follow the Link of the one before it")
    return matched[2], int(matched[1])


def _next_link(repository: RepositoryName, subject: Digest, artifact_type: str | None, last: tuple[str, int]) -> Header:
    kind = "" if artifact_type is None else f"artifactType={quote(artifact_type, safe='')}&"
    cursor = quote(f"{last[1]}.{last[0]}", safe="")
    return ("link", f'</v2/{repository}/referrers/{subject}?{kind}after={cursor}>; rel="next"')
