"""Referrers: what is attached to a digest, as far as the caller sees it.

An index, always: empty for a digest, a repository or a right that is not there, so that it tells nothing.

What a caller does not see costs a row and never its bytes: these are read for what is shown, after that is decided.

I/O: through the catalog; large pages are read into entries in a thread.
Source: OCI distribution-spec v1.1.1, "Listing Referrers".
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import quote

from gateway.access.sight import Absent, Quarantined, referrer_sight
from gateway.api.answer import NOT_KEPT, Answer, Header
from gateway.api.blobs import named_digest
from gateway.api.call import Access, Call
from gateway.api.routes import only
from gateway.catalog.stores import ManifestReads
from gateway.catalog.values import ManifestView
from gateway.errors import RequestInvalid
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.media_types import OCI_INDEX, is_media_type
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject, JsonValue

FETCH: Final = 100
"""Rows per step: what the catalog reads inline."""
MAX_WALK: Final = 1000
"""Rows of one request, shown or not: whoever may push attaches as many as he likes."""
MAX_ENTRIES: Final = 1000
MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Of the manifests that one page is read from: as much as one of them may have (a page has at least one)."""
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""What clients read of a manifest, and so of an index."""
INLINE_BYTES: Final = 64 * 1024
"""Above it, documents are parsed in a thread (DESIGN 10, rule 7)."""

Place: TypeAlias = tuple[str, int]
"""Where a page begins: after the artifact type and the row id of an entry, in the catalog's order."""

_CURSOR: Final = re.compile(r"([0-9]{1,18})\.(.*)")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the caller is shown of a walk, still without bodies. ``quarantined``: some of it is for this caller only."""

    views: Sequence[ManifestView]
    quarantined: bool
    more: Place | None


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
        shown = await self._walk(call, access, subject, artifact_type, _cursor(only(call.query, "after")))
        entries, more = await self._entries(shown)
        headers: list[Header] = [("content-type", OCI_INDEX)]
        if artifact_type is not None:
            headers.append(("oci-filters-applied", "artifactType"))
        if more is not None:
            headers.append(_next_link(access.grant.repository, subject, artifact_type, more))
        if shown.quarantined:
            headers.append(NOT_KEPT)
        return Answer.of_json(200, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries]}, *headers)

    async def _walk(
        self, call: Call, access: Access, subject: Digest, artifact_type: str | None, after: Place | None
    ) -> Shown:
        """Return what the caller is shown of the rows after ``after``, a bounded number of them.

        A page ends after an entry that the caller was given. Only where `MAX_WALK` rows in a row are not for him does it
        end after one that he was not: he learns that so many are hidden, and the type of one. To go on would cost
        whatever somebody attached, and to end without a link would let that hide the entries behind.
        """
        views: list[ManifestView] = []
        quarantined, size, walked = False, 0, 0
        while walked < MAX_WALK:
            rows = await self.reads.referrers(
                access.grant.repository,
                subject,
                artifact_type=artifact_type,
                after=after,
                limit=FETCH,
                now=call.now,
            )
            for view in rows:
                after = _place(view)
                sight = referrer_sight(access.grant, visible=view.visible, condition=view.condition)
                if isinstance(sight, Absent):
                    continue
                size += view.size
                if views and (size > MAX_BODY_BYTES or len(views) == MAX_ENTRIES):
                    return Shown(views, quarantined, more=_place(views[-1]))
                quarantined = quarantined or isinstance(sight, Quarantined)
                views.append(view)
            if len(rows) < FETCH:
                return Shown(views, quarantined, more=None)
            walked += len(rows)
            # A long walk gives way to whoever waits.
            await asyncio.sleep(0)
        return Shown(views, quarantined, more=_place(views[-1]) if views else after)

    async def _entries(self, shown: Shown) -> tuple[Sequence[JsonValue], Place | None]:
        """Return the entries of one answer, and where the next page begins if there is one."""
        if not shown.views:
            return [], shown.more
        bodies = await self.reads.bodies([view.id for view in shown.views])
        # What was deleted since it was walked is not there any more.
        pairs = [(view, bodies[view.id]) for view in shown.views if view.id in bodies]
        if sum(view.size for view, _ in pairs) <= INLINE_BYTES:
            read = _read(pairs)
        else:
            read = await asyncio.to_thread(_read, pairs)
        entries: list[JsonValue] = []
        size = 0
        for number, (entry, entry_bytes) in enumerate(read):
            size += entry_bytes
            if entries and size > MAX_ANSWER_BYTES:
                return entries, _place(pairs[number - 1][0])
            entries.append(entry)
        return entries, shown.more


def _place(view: ManifestView) -> Place:
    return view.artifact_type or "", view.id


def _read(pairs: Sequence[tuple[ManifestView, bytes]]) -> Sequence[tuple[JsonObject, int]]:
    """Return the descriptors, each with its length in bytes as JSON."""
    entries = [_entry(view, body) for view, body in pairs]
    return [(entry, len(json.dumps(entry))) for entry in entries]


def _entry(view: ManifestView, body: bytes) -> JsonObject:
    """Return the descriptor of a referrer, with its own annotations and its declared type."""
    manifest = Manifest.parse_stored(body, media_type=view.media_type)
    entry: JsonObject = {"mediaType": view.media_type, "digest": str(view.digest), "size": view.size}
    if manifest.declared_type is not None:
        entry["artifactType"] = manifest.declared_type
    if manifest.annotations:
        entry["annotations"] = dict(manifest.annotations)
    return entry


def _cursor(text: str | None) -> Place | None:
    if text is None:
        return None
    matched = _CURSOR.fullmatch(text)
    if matched is None or (matched[2] and not is_media_type(matched[2])):
        raise RequestInvalid("the page does not exist: follow the Link of the one before it")
    return matched[2], int(matched[1])


def _next_link(repository: RepositoryName, subject: Digest, artifact_type: str | None, last: Place) -> Header:
    kind = "" if artifact_type is None else f"artifactType={quote(artifact_type, safe='')}&"
    cursor = quote(f"{last[1]}.{last[0]}", safe="")
    return ("link", f'</v2/{repository}/referrers/{subject}?{kind}after={cursor}>; rel="next"')
