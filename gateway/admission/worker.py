"""Background work: rows in the `work` table, carried out by whichever worker claims them.

``reevaluate`` is one manifest whose missing part arrived, ``arrival`` a blob that many waited for. ``rejudge`` is every
image, after trust or policy changed: what waits may be admitted, what is admitted stands and may be found to have drifted.
``expire`` and ``strays`` look at what waits, all the time: their rows stay, and are due again. All of it goes page by page,
each page a row of its own, so that no lease outlives its work. What fails is tried again later, with growing pauses; what
does not exist any more is done.

I/O: through the gate and the work store.
Source: DESIGN 2 (last paragraph), 3 ("Held things wait").
"""

from collections.abc import Callable
from typing import Final

from gateway.admission.expiry import Expiry
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
EXPIRE_SECONDS: Final = 60
STRAYS_SECONDS: Final = 3600
"""Between two looks. A stray is found that much late at most, and has its whole time from then on."""


class Worker:
    """Claims and carries out work. ``failed`` is told of every surprise; it never stops the others."""

    def __init__(
        self,
        *,
        gate: Gate,
        work: WorkStore,
        stock: ManifestStock,
        arrivals: Arrivals,
        expiry: Expiry,
        now: Callable[[], int],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._gate = gate
        self._work = work
        self._stock = stock
        self._arrivals = arrivals
        self._expiry = expiry
        self._now = now
        self._failed = failed

    async def keep_looking(self) -> None:
        """See to it that the rows of what is looked at all the time are there; where they are, nothing changes."""
        for kind, seconds in (("expire", EXPIRE_SECONDS), ("strays", STRAYS_SECONDS)):
            await self._work.enqueue(kind, "", {}, due=self._now() + seconds)

    async def run_once(self) -> int:
        """Carry out what is due; return how many items were claimed."""
        items = await self._work.claim(limit=BATCH, lease_seconds=LEASE_SECONDS, now=self._now())
        for item in items:
            try:
                pause = await self._carry_out(item)
            except Exception as error:  # of one item: the others and the worker go on
                self._failed(f"{item.kind} {item.key}", error)
                pause = _pause(item)
            if pause is None:
                await self._work.done(item)
            else:
                await self._work.retry(item, due=self._now() + pause)
        return len(items)

    async def _carry_out(self, item: WorkItem) -> int | None:
        """Return in how many seconds to go on with the item, None where it is done."""
        match item.kind:
            case "expire":
                return await self._expire(item)
            case "strays":
                return await self._strays(item)
            case "arrival":
                await self._arrivals.complete_waiting(
                    RepositoryName.parse(item.data["repository"]),
                    Digest.parse(item.data["digest"]),
                    data=item.data,
                    now=self._now(),
                )
                return None
            case _:
                return None if await self._judge(item) else _pause(item)

    async def _expire(self, item: WorkItem) -> int | None:
        after = (int(item.data.get("expires", "0")), int(item.data.get("id", "0")))
        following = await self._expiry.due(after)
        if following is not None:
            data = {"expires": str(following[0]), "id": str(following[1])}
            await self._work.enqueue(item.kind, f">{following[0]}>{following[1]}", data, due=self._now())
        return None if item.key else EXPIRE_SECONDS

    async def _strays(self, item: WorkItem) -> int | None:
        following = await self._expiry.strays(int(item.data.get("id", "0")))
        if following is not None:
            await self._work.enqueue(item.kind, f">{following}", {"id": str(following)}, due=self._now())
        return None if item.key else STRAYS_SECONDS

    async def _judge(self, item: WorkItem) -> bool:
        match item.kind:
            case "reevaluate":
                repository = RepositoryName.parse(item.data["repository"])
                kind = TriggerKind(item.data.get("kind", TriggerKind.REEVALUATE.value))
                return await self._reevaluate(repository, Digest.parse(item.data["digest"]), kind, _hides(item))
            case "rejudge":
                return await self._rejudge(item)
            case _:
                self._failed(f"{item.kind} {item.key}", NameUnknown("no such kind of work"))
                return True

    async def _reevaluate(
        self, repository: RepositoryName, digest: Digest, kind: TriggerKind, hides: int | None
    ) -> bool:
        try:
            outcome = await self._gate.reevaluate(repository, digest, principal=SYSTEM, kind=kind, hides=hides)
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
        # Work that hides has keys of its own: what else asks for these images must not take its purpose from it.
        hiding = {"hides": item.data["hides"]} if "hides" in item.data else {}
        mark = f"!{item.data['hides']}" if hiding else ""
        page = await self._stock.images(after=after, limit=PAGE, now=self._now())
        silent = [view for view in page if not await self._answers(view, kind, _hides(item))]
        if silent and item.attempts < PAGE_ATTEMPTS:
            return False
        for view in silent:
            data = {"repository": view.repository.text, "digest": str(view.digest), "kind": kind.value, **hiding}
            due = self._now() + MAX_PAUSE_SECONDS
            await self._work.enqueue("reevaluate", f"{view.repository}@{view.digest}{mark}", data, due=due)
        if page:
            following = {"kind": kind.value, "after": str(page[-1].id), **hiding}
            await self._work.enqueue("rejudge", f"{kind.value}>{page[-1].id}{mark}", following, due=self._now())
        return True

    async def _answers(self, view: ManifestView, kind: TriggerKind, hides: int | None) -> bool:
        try:
            return await self._reevaluate(view.repository, view.digest, kind, hides)
        except GatewayError as error:
            self._failed(f"{kind.value} {view.repository}@{view.digest}", error)
            return False


def _hides(item: WorkItem) -> int | None:
    """Return the generation of the policy activation whose denials hide; None of any other work."""
    return int(item.data["hides"]) if "hides" in item.data else None


def _pause(item: WorkItem) -> int:
    """Return after how many seconds to try again."""
    return min(MAX_PAUSE_SECONDS, 1 << min(item.attempts, 8))
