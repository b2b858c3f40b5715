"""What `image why` tells, found by whatever a person has: a tag, a digest, or the decision id of a refusal.

A push that was refused leaves no tag. So a tag is looked for among the decisions too, and where the newest one about it is
a refusal of other bytes than those it names, that is told first: it is what the person at the terminal has just seen.

I/O: reads of the catalog.
Source: INTERFACE 6.
"""

from collections.abc import Sequence
from typing import Final

from gateway.app import Parts, unix_now
from gateway.catalog.values import DecisionRow, ManifestView
from gateway.cli.references import ImageReference
from gateway.cli.why import decision_record, explain, explain_decision, record_of
from gateway.errors import ManifestUnknown
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

MAX_DECISIONS: Final = 50
_REFUSALS: Final = frozenset({"denied", "policy-error"})


async def find(parts: Parts, reference: ImageReference) -> ManifestView:
    """Return the manifest that a reference names; of a tag, what waits for it before what it points at."""
    found = await _named(parts, reference)
    if found is None:
        raise ManifestUnknown(str(reference))
    return found


async def name_of(parts: Parts, principal_id: str) -> str:
    """Return the name of a principal; the id of one that is gone."""
    row = await parts.principals.principal_by_name(principal_id)
    return principal_id if row is None else row.name


async def decisions_about(parts: Parts, view: ManifestView) -> Sequence[DecisionRow]:
    """Return the newest decisions about a manifest, newest first."""
    return await parts.store.decisions(view.repository, view.digest, limit=MAX_DECISIONS)


async def explained_decision(parts: Parts, *, decision_id: str) -> tuple[str, dict[str, object]]:
    """Return one decision, told and as data. Raises `ManifestUnknown`."""
    row = await parts.decisions.decision(decision_id)
    if row is None:
        raise ManifestUnknown(f"of decision {decision_id}")
    where: dict[str, object] = {"digest": str(row.digest), "repository": row.repository.text}
    return explain_decision(row), {**where, "decisions": [decision_record(row)]}


async def explained(parts: Parts, *, reference: ImageReference, host: str) -> tuple[str, dict[str, object]]:
    """Return why what ``reference`` names is as it is, told and as data. Raises `ManifestUnknown`."""
    view = await _named(parts, reference)
    if isinstance(reference.target, Digest):
        return await _told(parts, reference, reference.target if view is None else view.digest, view, host=host)
    newest = await parts.decisions.newest_of_tag(reference.repository, reference.target)
    if newest is None or (view is not None and not _refused_since(newest, view)):
        return await _told(parts, reference, None if view is None else view.digest, view, host=host)
    about = await _of_digest(parts, reference.repository, newest.digest)
    text, record = await _told(parts, reference, newest.digest, about, host=host)
    if view is None:
        return text, record
    now_text, now_record = await _told(parts, reference, view.digest, view, host=host)
    return f"{text}\n\n{reference} itself is what it was:\n\n{now_text}", {**record, "tag": now_record}


def _refused_since(newest: DecisionRow, view: ManifestView) -> bool:
    """Return whether the newest decision about a tag refused other bytes than those it names.

    Evidence and build caches have no decision of their own: a refusal from before them is no news.
    """
    return newest.outcome in _REFUSALS and newest.digest != view.digest and newest.at >= view.created


async def _told(
    parts: Parts, reference: ImageReference, digest: Digest | None, view: ManifestView | None, *, host: str
) -> tuple[str, dict[str, object]]:
    if digest is None:
        raise ManifestUnknown(str(reference))
    decisions = await parts.store.decisions(reference.repository, digest, limit=MAX_DECISIONS)
    if view is None and not decisions:
        raise ManifestUnknown(str(reference))
    pushed_by = None if view is None else await name_of(parts, view.who)
    return explain(view, decisions, host=host, pushed_by=pushed_by), record_of(view, decisions)


async def _named(parts: Parts, reference: ImageReference) -> ManifestView | None:
    if isinstance(reference.target, Digest):
        return await _of_digest(parts, reference.repository, reference.target)
    tag = await parts.manifests.by_tag(reference.repository, reference.target, now=unix_now(), with_body=False)
    return None if tag is None else tag.pending or tag.target


async def _of_digest(parts: Parts, repository: RepositoryName, digest: Digest) -> ManifestView | None:
    return await parts.manifests.by_digest(repository, digest, now=unix_now(), with_body=False)
