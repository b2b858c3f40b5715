"""Manifests: read as they were pushed, put through admission, deleted.

What a caller sees is `gateway.access.sight`'s answer; what is stored is `gateway.admission`'s. The bytes are those that
were pushed: no Accept header converts them, since another digest would be another manifest.

I/O: through the catalog and admission.
Source: OCI distribution-spec v1.1.1, "Pulling manifests", "Pushing Manifests", and its main branch for ``?tag=``.
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never

from gateway.access.sight import ABSENT, Absent, Open, Quarantined, Sight, manifest_sight, tag_sight
from gateway.access.values import Grant
from gateway.admission.service import ManifestAdmission
from gateway.admission.values import Push
from gateway.api import outcomes
from gateway.api.answer import NOT_KEPT, Answer, Header, Omitted
from gateway.api.call import Access, Call
from gateway.api.conditions import entity_tag, has_already
from gateway.api.settings import RecordPull
from gateway.audit.pulls import DENIED, PULLED
from gateway.catalog.stores import ManifestReads
from gateway.catalog.values import METADATA, ManifestClass, ManifestView, TagView, WithBody
from gateway.errors import Internal, ManifestTooLarge, ManifestUnknown, RequestInvalid, TagUnknown
from gateway.oci.digest import Digest
from gateway.oci.names import Tag

MAX_TAGS: Final = 10
"""Of one PUT (DESIGN 2)."""


@dataclass(frozen=True, slots=True)
class Manifests:
    """The handlers of manifests."""

    reads: ManifestReads
    admission: ManifestAdmission
    record_pull: RecordPull
    max_manifest_bytes: int

    async def read(self, call: Call, access: Access) -> Answer:
        """Answer GET and HEAD, by tag and by digest."""
        sight, view = await self._find(call, access)
        if view is None or isinstance(sight, Absent):
            if view is not None:
                self._record(call, access, view, DENIED)
            raise _unknown(call)
        match sight:
            case Open():
                extra: tuple[Header, ...] = ((outcomes.STATE, "unverified"),) if view.unverified else ()
            case Quarantined():
                extra = ((outcomes.STATE, sight.state_header), NOT_KEPT)
                view = await self._with_body(call, view)
            case _:
                assert_never(sight)
        return self._serve(call, access, view, extra)

    async def _find(self, call: Call, access: Access) -> tuple[Sight, ManifestView | None]:
        """Return how the caller sees what the path names, and what that is; the latter also where it is not for him.

        The bytes of what is visible come with it, for one read a pull. Those of all else are not read before it is known
        that they are for this caller: an answer that takes longer the larger they are would tell that they are there.
        """
        reference = _reference(call)
        repository = access.grant.repository
        with_body: WithBody = "visible" if call.request.method == "GET" else False
        match reference:
            case Tag():
                found = await self.reads.by_tag(repository, reference, now=call.now, with_body=with_body)
                return _tag(found, call, access.grant)
            case Digest():
                view = await self.reads.by_digest(repository, reference, now=call.now, with_body=with_body)
                return (ABSENT if view is None else _manifest(access.grant, view)), view
            case _:
                assert_never(reference)

    async def _with_body(self, call: Call, view: ManifestView) -> ManifestView:
        """Return what is quarantined with the bytes that `_find` left out. Raises where it was deleted since."""
        if call.request.method == "HEAD":
            return view
        bodies = await self.reads.bodies([view.id])
        if view.id not in bodies:
            raise _unknown(call)
        return replace(view, body=bodies[view.id])

    async def put(self, call: Call, access: Access) -> Answer:
        """Answer PUT: everything but the limit of the body is admission's."""
        reference = _reference(call)
        queried = _tags(call)
        if queried and isinstance(reference, Tag):
            raise RequestInvalid("tags in the query go with a digest in the path")
        too_large = ManifestTooLarge(self.max_manifest_bytes)
        if (call.request.content_length or 0) > self.max_manifest_bytes:
            raise too_large
        body = await call.body.read(
            max_bytes=self.max_manifest_bytes, max_seconds=None, too_large=too_large, sender=access.principal.id
        )
        outcome = await self.admission.push(
            Push(
                grant=access.grant,
                reference=reference if isinstance(reference, Digest) else None,
                tags=(reference,) if isinstance(reference, Tag) else queried,
                content_type=call.request.content_type or "",
                body=body,
                claims={} if access.session is None else access.session.claims,
                session=None if access.session is None else access.session.id,
            )
        )
        call.trace.decision_id = outcomes.decision_id(outcome)
        return outcomes.put_answer(outcome, access.grant.repository, name_tags=bool(queried))

    async def delete(self, call: Call, access: Access) -> Answer:
        """Answer DELETE. By digest, what the account may not see does not exist; a tag is deleted whoever pushed it."""
        reference = _reference(call)
        match reference:
            case Tag():
                await self.admission.delete_tag(access.grant, reference)
            case Digest():
                view = await self.reads.by_digest(access.grant.repository, reference, now=call.now, with_body=False)
                # The account's sight, not the token's: a client asks for `delete` alone, which shows nothing.
                if view is None or isinstance(_manifest(access.present, view), Absent):
                    raise ManifestUnknown(str(reference))
                await self.admission.delete_manifest(access.grant, view.digest)
            case _:
                assert_never(reference)
        return Answer(202)

    def _serve(self, call: Call, access: Access, view: ManifestView, extra: tuple[Header, ...]) -> Answer:
        digest = view.served_as
        headers = (("docker-content-digest", str(digest)), ("etag", entity_tag(digest)), *extra)
        if has_already(call.request, digest):
            return Answer(304, headers)
        headers = (("content-type", view.media_type), *headers)
        if call.request.method == "HEAD":
            return Answer(200, headers, Omitted(view.size))
        if view.body is None:
            raise Internal("a manifest without its body")
        self._record(call, access, view, PULLED)
        return Answer(200, headers, view.body)

    def _record(self, call: Call, access: Access, view: ManifestView, outcome: str) -> None:
        self.record_pull(
            principal_id=access.principal.id,
            repository=view.repository.text,
            digest=str(view.digest),
            address=call.request.address,
            outcome=outcome,
            now=call.now,
        )


def _manifest(grant: Grant, view: ManifestView) -> Sight:
    return manifest_sight(grant, visible=view.visible, condition=view.condition)


def _tag(found: TagView | None, call: Call, grant: Grant) -> tuple[Sight, ManifestView | None]:
    """Return what the tag answers with: what waits for it, where the caller is one to see that; else its target."""
    if found is None:
        return ABSENT, None
    last: ManifestView | None = None
    for view, pending in ((found.pending, True), (found.target, False)):
        if view is None:
            continue
        sight = tag_sight(
            grant,
            pending=pending,
            visible=view.visible,
            condition=view.condition,
            requester_id=found.requester,
            view_pending=call.request.view_pending,
            cache=view.cls is ManifestClass.CACHE,
            metadata=view.cls in METADATA,
        )
        if not isinstance(sight, Absent):
            return sight, view
        last = view
    return ABSENT, last


def _unknown(call: Call) -> ManifestUnknown | TagUnknown:
    reference = _reference(call)
    return ManifestUnknown(str(reference)) if isinstance(reference, Digest) else TagUnknown(str(reference))


def _reference(call: Call) -> Digest | Tag:
    reference = call.target.reference
    if reference is None:
        raise Internal("a row without a reference")
    return reference


def _tags(call: Call) -> tuple[Tag, ...]:
    """Return the tags of the query, each once, in order: every one of them is a write (security row 21)."""
    texts = dict.fromkeys(call.query.get("tag", ()))
    if len(texts) > MAX_TAGS:
        raise RequestInvalid(f"at most {MAX_TAGS} tags in one request")
    return tuple(Tag.parse(text) for text in texts)
