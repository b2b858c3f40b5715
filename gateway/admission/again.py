"""Has the newest decision said this already?

A manifest is judged again whenever an answer about it may have changed, and others can bring that about as often as they
like: who puts a child again has every index that names it asked. What says the same on the same grounds is not recorded
again, so that this leaves no rows. The newest is the newest about just this, the manifest or one tag of it, however many
others wait beside it.

I/O: reads of the catalog.
Source: DESIGN 3 ("Re-judging never hides an admitted manifest"), 8.
"""

from gateway.admission.tools import Tools
from gateway.catalog.effects import RecordDecision
from gateway.catalog.saying import Said, record_sha256
from gateway.oci.names import RepositoryName


async def said(tools: Tools, repository: RepositoryName, record: RecordDecision) -> Said | None:
    """Return the newest decision where it says what ``record`` says: outcome, reasons, findings, grounds, and for whom."""
    before = await tools.store.newest_decision(repository, record.digest, tag=record.tag)
    if before is None or before.outcome != record.outcome or before.all != record_sha256(record.record):
        return None
    return before
