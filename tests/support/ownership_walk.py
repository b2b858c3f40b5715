"""A walk through pushes by people of unequal sight, and what must be so after each step.

Four principals push, wrap, name, delete, sign and take signatures away over a few images that share layers: ``alice`` reads
what is held, two robots do not, and ``bob`` may and comes with a token of push alone: he is as blind as they are. A plain
model keeps who brought which blob and who put which manifest, and says what may have become visible; the counters, links
and notes of the catalog are summed up beside it. At the end nothing waits that need not.

I/O: a `House`; reads its tables as they are.
Source: DESIGN 3 and 4 ("knowing a digest gives nothing"); docs/decisions/0007-parts-are-there-for-their-writer.md.
"""

import copy
import dataclasses
import functools
import itertools
import json
import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.access.values import Condition, Grant, QuarantineLevel, Rights, Role, Verb
from gateway.admission.values import Admitted
from gateway.catalog.sqlite.visibility import visible
from gateway.errors import GatewayError
from gateway.oci.digest import Algorithm, Digest
from tests.support.admission import KEY, REPOSITORY, House
from tests.support.admission_stories import administrator, distrust, put_bytes, reevaluate
from tests.support.evidence import Evidence, signed_bundle
from tests.support.images import OCI_INDEX, Artifact, Blob, Json, cache_index, canonical, image
from tests.support.naming_stories import FOREIGN, bring, with_foreign

FULL: Final = "alice"
ROBOTS: Final = ("ci", "ci2")
NARROW: Final = "bob"
MAX_DEPTH: Final = 3
"""Wraps of wraps: one more than the nesting that an admission follows is refused, which the walk may see as well."""

_VISIBLE: Final = f"SELECT m.sha256 FROM manifest m JOIN repository r ON r.id = m.repo_id WHERE {visible('m')}"
_ROWS: Final = """SELECT m.id, m.sha256, m.class, m.state, m.size, m.held_size, b.bytes
FROM manifest m JOIN body b ON b.manifest_id = m.id"""
_LINKS: Final = "SELECT l.manifest_id, b.digest, b.size FROM link l JOIN blob b ON b.id = l.blob_id"


def layers_of(body: bytes) -> set[str]:
    """Return the digests of the blobs that a decision looks at: config and layers, without foreign ones."""
    document = json.loads(body)
    named = [*([document["config"]] if "config" in document else []), *document.get("layers", ())]
    return {part["digest"] for part in named if "nondistributable" not in part["mediaType"]}


def sha512(body: bytes) -> str:
    """Return the other digest of these bytes."""
    return str(Digest.of(body, algorithm="sha512"))


@dataclass
class Walk:
    """One walk: the house, the dice, and the model of what everybody did."""

    home: House
    dice: random.Random
    images: list[Artifact]
    weights: Sequence[int]
    bringers: Sequence[str]
    usual: str
    brought: dict[str, set[str]]
    put: dict[str, set[str]]
    seen: set[str] = field(default_factory=set)
    story: list[str] = field(default_factory=list)
    signatures: list[Evidence] = field(default_factory=list)

    @classmethod
    async def start(cls, home: House, seed: int) -> "Walk":
        """Return a walk at its beginning, in a house with the robots: mostly something is held that they do not see."""
        base, other, foreign = image("base"), image("other"), Blob(FOREIGN, b"a foreign layer")
        every = [base, other, _with(base, other.blobs[-1]), _with(other, foreign), cache_index("cache")]
        dice, names = random.Random(seed), (FULL, *ROBOTS, NARROW)
        images = dice.sample(every, dice.choice((1, 1, 2, 5)))
        # Walks that differ in what happens often, and in who has anything, meet more than walks that are all alike.
        weights = [dice.choice((0, 4, 8)), 8, 8, *(dice.choice((0, 1, 4)) for _ in range(7))]
        bringers = dice.sample(names, dice.choice((1, 1, 2, 3)))
        nothing: dict[str, set[str]] = {name: set() for name in names}
        usual = dice.choice((*names, ROBOTS[0]))
        walk = cls(home, dice, images, weights, bringers, usual, nothing, copy.deepcopy(nothing))
        await home.person(NARROW, Role.WRITER)
        if dice.random() < 0.7:
            walk.story.append(await walk._push_all_of(FULL, images[0]))
        return walk

    # steps

    async def step(self) -> None:
        """Do one thing that somebody may do, and check what is so afterwards."""
        await self._checked(self.dice.choices(self._actions, self.weights)[0])

    async def finish(self) -> None:
        """Sign all there is, so that what was prepared comes to light, and let the gateway do what it put off.

        From the outside in: a child that is shown for its own sake would hide that an index shows it. Before all is signed,
        what was signed on the way is looked at: the new signature would have it judged, and hide that nothing else did.
        """
        await self._nothing_waits_that_need_not()
        for one in reversed(list(self.images)):
            await self._checked(functools.partial(self._sign_one, one))
        await self._nothing_waits_that_need_not()

    async def _nothing_waits_that_need_not(self) -> None:
        await self._checked(self._work)
        for one in list(self.images):
            view = await self.home.view(one.digest)
            if view is not None and view.condition in (Condition.HELD, Condition.DISTRUSTED):
                await self._checked(functools.partial(self._judge, one))

    @property
    def _actions(self) -> Sequence[Callable[[], Awaitable[str]]]:
        return (
            self._bring,
            self._put,
            self._wrap,
            self._push_whole,
            self._sign,
            self._work,
            self._delete,
            self._unlink,
            self._bring_manifest,
            self._distrust,
        )

    async def _checked(self, act: Callable[[], Awaitable[str]]) -> None:
        before = set(self.seen)
        try:
            self.story.append(await act())
        except GatewayError as refusal:
            self.story.append(f"refused: {refusal.code}")
        await self._check(before)

    def _who(self) -> str:
        return self.usual if self.dice.random() < 0.6 else self.dice.choice((FULL, *ROBOTS, NARROW))

    def _one(self) -> Artifact:
        return self.dice.choice((self.images[0], self.images[-1], self.dice.choice(self.images)))

    def _blob(self) -> Blob:
        return self.dice.choice([blob for one in self.images for blob in one.blobs])

    async def _bring(self) -> str:
        who, blob = self.dice.choice(self.bringers), self._blob()
        await self._bring_blob(who, blob)
        return f"{who} brings {blob.digest[7:13]}"

    async def _bring_blob(self, who: str, blob: Blob) -> None:
        self.brought[who].add(blob.digest)
        await bring(self.home, blob.content, self.home.people[who])

    async def _bring_manifest(self) -> str:
        """Upload the bytes of a manifest as a blob: they are somebody's to read, and a blob is no manifest."""
        who, one = self._who(), self._one()
        algorithm: Algorithm = self.dice.choice(("sha256", "sha512"))
        await bring(self.home, one.manifest.content, self.home.people[who], algorithm=algorithm)
        return f"{who} brings {one.digest[7:13]} as a blob by {algorithm}"

    async def _put(self) -> str:
        who, one = self._who(), self._one()
        return await self._put_one(who, one, by_sha512=self.dice.random() < 0.3, tagged=self.dice.random() < 0.5)

    async def _put_one(self, who: str, one: Artifact, *, by_sha512: bool = False, tagged: bool = False) -> str:
        tags = [self.dice.choice(["v1", "v2"])] if tagged else []
        self.put[who].add(one.digest)
        reference = Digest.parse(sha512(one.manifest.content)) if by_sha512 and not tagged else None
        if who == NARROW:
            outcome = await put_bytes(self.home, await self._narrow(), one, *tags)
        else:
            outcome = await self.home.put(who, one, *tags, reference=reference)
        name = " ".join(tags) or ("sha512" if reference else "sha256")
        return f"{who} puts {one.digest[7:13]} as {name}: {type(outcome).__name__}"

    async def _narrow(self) -> Grant:
        given = await self.home.grant(NARROW)
        return dataclasses.replace(given, rights=Rights(frozenset({Verb.PUSH, Verb.OVERWRITE}), QuarantineLevel.NONE))

    async def _push_whole(self) -> str:
        return await self._push_all_of(self.dice.choice(self.bringers), self._one())

    async def _push_all_of(self, who: str, one: Artifact) -> str:
        said = ""
        for part in one.walk():
            for blob in part.blobs:
                await self._bring_blob(who, blob)
            said = await self._put_one(who, part)
        return f"{said}, whole"

    async def _wrap(self) -> str:
        choices = [one for one in self.images if _depth(one) < MAX_DEPTH]
        inner = tuple(self.dice.sample(choices, min(len(choices), self.dice.choice((1, 1, 2)))))
        entries: list[dict[str, Json]] = [one.manifest.descriptor() for one in inner]
        for one, entry in zip(inner, entries, strict=True):
            if self.dice.random() < 0.4:
                entry["digest"] = sha512(one.manifest.content)
        document: Json = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        made = Artifact(Blob(OCI_INDEX, canonical(document)), children=inner)
        if all(one.digest != made.digest for one in self.images):
            self.images.append(made)
        return await self._put_one(self._who(), made)

    async def _sign(self) -> str:
        return await self._sign_one(self._one())

    async def _sign_one(self, one: Artifact) -> str:
        self.signatures.append(signed_bundle(KEY, subject=one.digest))
        await self.home.attach(FULL, self.signatures[-1])
        return f"{FULL} signs {one.digest[7:13]}"

    async def _distrust(self) -> str:
        if not self.signatures:
            return "nothing is signed"
        signature = self.dice.choice(self.signatures)
        await distrust(self.home, signature)
        return f"takes the signature {signature.digest[7:13]} away"

    async def _work(self) -> str:
        await self.home.work()
        return "work"

    async def _judge(self, one: Artifact) -> str:
        """Judge again what is held: had it come to be complete, it would have been judged by itself."""
        outcome = await reevaluate(self.home, one)
        assert not isinstance(outcome, Admitted), self.explain(f"{one.digest[7:13]} was left waiting")
        return f"{one.digest[7:13]} is judged again"

    async def _delete(self) -> str:
        one = self._one()
        await self.home.gate.delete_manifest(await administrator(self.home), Digest.parse(one.digest))
        return f"deletes {one.digest[7:13]}"

    async def _unlink(self) -> str:
        blob = self._blob()
        await self.home.blobs.unlink(
            REPOSITORY, Digest.parse(blob.digest), principal=self.home.people[FULL], now=self.home.now
        )
        return f"deletes blob {blob.digest[7:13]}"

    # what must be so

    async def _check(self, before: set[str]) -> None:
        found = await self.home.database.read_aside(_Tables.read)
        shown = {f"sha256:{sha256}" for sha256 in found.visible}
        for digest in {blob.digest for one in self.images for blob in one.blobs}:
            view = await self.home.blobs.blob(REPOSITORY, Digest.parse(digest), now=self.home.now)
            if view is not None and view.visible:
                shown.add(digest)
        self._check_nothing_came_by_its_name(found, shown, before)
        found.check_parts(shown, self.explain)
        found.check_counters(self.explain)
        self.seen = shown

    def _check_nothing_came_by_its_name(self, found: "_Tables", shown: set[str], before: set[str]) -> None:
        """What came to be visible came by a manifest of somebody who had all of it, or who may read what is held."""
        ours = {digest for one in self.images for digest in (one.digest, *(blob.digest for blob in one.blobs))}
        came = (shown - before) & ours
        if not came:
            return
        roots = [root for root in self.images if found.state.get(root.digest[7:]) == 1]
        earned, last = set(before), -1
        while len(earned) > last:  # what is shown is there for everybody, and may complete what others wait with
            last = len(earned)
            for root, who in itertools.product(roots, self.put):
                if self._may_show(who, root, earned):
                    earned |= {part.digest for part in root.walk()}
                    earned |= {blob.digest for part in root.walk() for blob in self._his(who, part)}
        assert came <= earned, self.explain(f"became visible by naming alone: {sorted(came - earned)}")

    def _may_show(self, who: str, one: Artifact, shown: set[str]) -> bool:
        if one.digest in shown:
            return True
        if one.digest not in self.put[who]:
            return False
        if who == FULL:
            return True
        judged = layers_of(one.manifest.content)
        return judged <= self.brought[who] | shown and all(self._may_show(who, child, shown) for child in one.children)

    def _his(self, who: str, one: Artifact) -> list[Blob]:
        """Return what he may show by it: all that is judged, and of what is not, what he may read or brought."""
        judged = layers_of(one.manifest.content)
        return [blob for blob in one.blobs if who == FULL or blob.digest in judged | self.brought[who]]

    def explain(self, what: str) -> str:
        """Return what went wrong and the way there."""
        return "\n".join((what, *self.story))


@dataclass(frozen=True)
class _Row:
    id: int
    sha256: str
    cls: str
    state: int
    size: int
    held_size: int
    body: bytes


@dataclass(frozen=True)
class _Tables:
    visible: frozenset[str]
    rows: tuple[_Row, ...]
    links: dict[int, dict[str, int]]
    missing: dict[int, set[str]]
    held_bytes: int
    cache_bytes: int

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "_Tables":
        rows = tuple(_Row(*row) for row in connection.execute(_ROWS))
        links: dict[int, dict[str, int]] = {row.id: {} for row in rows}
        for manifest_id, digest, size in connection.execute(_LINKS):
            links[manifest_id][digest] = size
        missing: dict[int, set[str]] = {row.id: set() for row in rows}
        for parent_id, digest in connection.execute("SELECT parent_id, digest FROM missing"):
            missing[parent_id].add(digest)
        held, cache = connection.execute("SELECT held_bytes, cache_bytes FROM project").fetchone()
        seen = frozenset(row[0] for row in connection.execute(_VISIBLE, {"now": 0}))
        return cls(seen, rows, links, missing, held, cache)

    @property
    def state(self) -> dict[str, int]:
        return {row.sha256: row.state for row in self.rows}

    def check_parts(self, shown: Iterable[str], explain: Callable[[str], str]) -> None:
        """Every part that is judged is linked or noted as missing; what is admitted shows all of its own."""
        for row in self.rows:
            if row.cls != "image":
                continue
            judged = layers_of(row.body)
            lost = judged - set(self.links[row.id]) - self.missing[row.id]
            assert not lost, explain(f"{row.sha256[:6]} neither has nor waits for {sorted(lost)}")
            if row.state == 1 and row.sha256 in self.visible:
                hidden = judged - set(shown)
                assert not hidden, explain(f"{row.sha256[:6]} is admitted and does not show {sorted(hidden)}")

    def check_counters(self, explain: Callable[[str], str]) -> None:
        """The project counts what its rows count, and a row its own bytes and what is linked to it."""
        for counter, classes in ((self.held_bytes, {"image", "evidence", "fallback"}), (self.cache_bytes, {"cache"})):
            rows = sum(row.held_size for row in self.rows if row.cls in classes)
            assert counter == rows, explain(
                f"the project counts {counter} bytes for {sorted(classes)}, its rows {rows}"
            )
        for row in self.rows:
            if row.held_size and row.cls in ("image", "cache"):
                length = row.size + sum(self.links[row.id].values())
                assert row.held_size == length, explain(f"{row.sha256[:6]} counts {row.held_size}, has {length}")


def _with(base: Artifact, layer: Blob) -> Artifact:
    """Return an image with one layer more, all of it its own."""
    more = with_foreign(base, layer)
    return Artifact(more.manifest, (*more.blobs, layer))


def _depth(one: Artifact) -> int:
    return 1 + max((_depth(child) for child in one.children), default=0)
