"""Background work: rows in the `work` table, carried out by whichever worker claims them.

``reevaluate`` is one manifest whose missing part arrived, ``arrival`` a blob that many waited for. ``rejudge`` is every
image, after trust or policy changed: what waits may be admitted, what is admitted stands and may be found to have
drifted. It goes page by page, each page a
row of its own, so that no lease outlives its work. What fails is tried again later, with growing pauses; what does not
exist any more is done.

I/O: through the gate and the work store.
Source: DESIGN 2 (last paragraph), 3 ("Held things wait").
"""

from collections.abc import Callable
from typing import Final

from gateway.admission.gate import Gate
from gateway.admission.values import TriggerKind, Unreachable
from gateway.catalog.stores import Arrivals, ManifestStock, WorkStore
from gateway.catalog.values import ManifestView, WorkItem
from gateway.errors import GatewayError, ManifestUnknown, NameUnknown
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

LEASE_SECONDS: Final = 120
BATCH: Final = 16
PAGE: Final = 100
PAGE_ATTEMPTS: Final = 4
MAX_PAUSE_SECONDS: Final = 300


class Worker:
    """Claims and carries out work. ``failed`` is told of every surprise; it never stops the others."""

    def __init__(
        self,
        *,
        gate: Gate,
        work: WorkStore,
        stock: ManifestStock,
        arrivals: Arrivals,
        now: Callable[[], int],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._gate = gate
        self._work = work
        self._stock = stock
        self._arrivals = arrivals
        self._now = now
        self._failed = failed

    async def run_once(self) -> int:
        """Carry out what is due; return how many items were claimed."""
        items = await self._work.claim(limit=BATCH, lease_seconds=LEASE_SECONDS, now=self._now())
        for item in items:
            try:
                finished = await self._carry_out(item)
            except Exception as error:  # of one item: the others and the worker go on
                self._failed(f"{item.kind} {item.key}", error)
                finished = False
            if finished:
                await self._work.done(item)
            else:
                pause = min(MAX_PAUSE_SECONDS, 2 ** min(item.attempts, 8))
                await self._work.retry(item, due=self._now() + pause)
        return len(items)

    async def _carry_out(self, item: WorkItem) -> bool:
        match item.kind:
            case "reevaluate":
                repository = RepositoryName.parse(item.data["repository"])
                kind = TriggerKind(item.data.get("kind", TriggerKind.REEVALUATE.value))
                return await self._reevaluate(repository, Digest.parse(item.data["digest"]), kind)
            case "arrival":
                await self._arrivals.complete_waiting(
                    RepositoryName.parse(item.data["repository"]),
                    Digest.parse(item.data["digest"]),
                    brought_by=item.data["brought_by"],
                    after=int(item.data["after"]),
                    now=self._now(),
                )
                return True
            case "rejudge":
                return await self._rejudge(item)
            case _:
                self._failed(f"{item.kind} {item.key}", NameUnknown("no such kind of work"))
                return True

    async def _reevaluate(self, repository: RepositoryName, digest: Digest, kind: TriggerKind) -> bool:
        try:
            outcome = await self._gate.reevaluate(repository, digest, principal=SYSTEM, kind=kind)
        except (ManifestUnknown, NameUnknown):
            return True
        return not isinstance(outcome, Unreachable)

    async def _rejudge(self, item: WorkItem) -> bool:
        """Judge one page of images, and ask for the next.

        One that gives no answer makes the page be judged again; one that never does is left to itself then, so that it
        cannot keep all that comes after it waiting.
        """
        kind = TriggerKind(item.data.get("kind", TriggerKind.POLICY.value))
        after = int(item.data.get("after", "0"))
        page = await self._stock.images(after=after, limit=PAGE, now=self._now())
        silent = [view for view in page if not await self._answers(view, kind)]
        if silent and item.attempts < PAGE_ATTEMPTS:
            return False
        for view in silent:
            data = {"repository": view.repository.text, "digest": str(view.digest), "kind": kind.value}
            due = self._now() + MAX_PAUSE_SECONDS
            await self._work.enqueue("reevaluate", f"{view.repository}@{view.digest}", data, due=due)
        if page:
            following = {"kind": kind.value, "after": str(page[-1].id)}
            await self._work.enqueue("rejudge", f"{kind.value}>{page[-1].id}", following, due=self._now())
        return True

    async def _answers(self, view: ManifestView, kind: TriggerKind) -> bool:
        try:
            return await self._reevaluate(view.repository, view.digest, kind)
        except GatewayError as error:
            self._failed(f"{kind.value} {view.repository}@{view.digest}", error)
            return False
