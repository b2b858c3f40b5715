"""Has the newest decision said this already?

A manifest is judged again whenever an answer about it may have changed, and others can bring that about as often as they
like: who puts a child again has every index that names it asked. What says the same on the same grounds is not recorded
again, so that this leaves no rows.

I/O: reads of the catalog.
Source: DESIGN 3 ("Re-judging never hides an admitted manifest"), 8.
"""

from typing import Final

from gateway.admission.tools import Tools
from gateway.catalog.effects import RecordDecision
from gateway.catalog.values import DecisionRow
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag

DECISIONS_BACK: Final = 50
"""Decisions that are looked at for the newest one about the same: those of other tags stand between."""

_NOT_COMPARED: Final = frozenset({"trigger", "input"})
"""Who asked, and the document that was asked with: the time is in it. All that it led to is in the rest."""


async def newest(tools: Tools, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> DecisionRow | None:
    """Return the newest decision about the manifest (``tag`` None) or about this tag of it, as far as one looks back."""
    name = None if tag is None else tag.text
    before = await tools.store.decisions(repository, digest, limit=DECISIONS_BACK)
    return next((row for row in before if row.tag == name), None)


async def said(tools: Tools, repository: RepositoryName, record: RecordDecision) -> DecisionRow | None:
    """Return the newest decision where it says what ``record`` says: outcome, reasons, findings, grounds, and for whom."""
    before = await newest(tools, repository, record.digest, tag=record.tag)
    if before is None or before.outcome != record.outcome:
        return None
    old, new = dict(before.record), dict(record.record)
    for member in _NOT_COMPARED:
        old.pop(member, None)
        new.pop(member, None)
    return before if old == new else None
