"""Secrets in what an image says about itself: found, named, and masked before anybody stores or sends them.

A decision's input is stored and goes to the policy engine, so what a detector matched is replaced whole (never a part
of it: what is left beside a matched key is often the other half) and only the detector's name and the place remain. This
finds known shapes and telling names; it is no proof of absence.

Every pattern runs on RE2, in time linear in the text: the text is whatever was pushed.

Pure: no I/O.
Source: DESIGN 7; the issuers' documentation of their token formats.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import places
from gateway.policy.budget import Budget
from gateway.policy.detectors import (
    PRIVATE_KEY,
    UNREADABLE,
    detect_in_words,
    detect_named,
    detect_pair,
    detect_text,
    in_private_key,
)

MAX_FINDINGS: Final = 1000
"""Within the input schema's 1,024. The last one then says that there are more."""

TOO_MANY: Final = "too-many-findings"


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """``detector`` matched at ``where`` (``env:NAME``, ``layers[0].annotation:KEY``, ``config.OnBuild[3]``, ``#2.#0``)."""

    detector: str
    where: str


@dataclass(frozen=True, slots=True)
class Masked:
    """The texts as they may be stored and sent, and what was found. Lists keep their order and length."""

    env: tuple[str, ...]
    labels: dict[str, str]
    annotations: dict[str, str]
    history: tuple[str, ...]
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    exposed_ports: tuple[str, ...]
    texts: dict[str, str]
    findings: tuple[SecretFinding, ...]


def merged(*found: Sequence[SecretFinding]) -> tuple[SecretFinding, ...]:
    """Return what was found, once each, in order; a last finding stands for those that are too many."""
    once = tuple(dict.fromkeys(itertools.chain(*found)))
    if len(once) <= MAX_FINDINGS:
        return once
    return (*once[: MAX_FINDINGS - 1], SecretFinding(TOO_MANY, f"{len(once)} places"))


def mask(
    *,
    env: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    history: Sequence[str] = (),
    entrypoint: Sequence[str] = (),
    cmd: Sequence[str] = (),
    exposed_ports: Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
    descriptors: Mapping[str, Mapping[str, str]] | None = None,
    rest: JsonObject | None = None,
    budget: Budget | None = None,
) -> Masked:
    """Return every given text with each secret's whole value replaced by ``[masked: <detector>]``.

    ``env`` are ``NAME=VALUE`` entries. ``texts`` is for single values (``{"user": ...}``); its keys are the caller's own
    and not looked at. ``descriptors`` are annotations by the place of their descriptor (``layers[3]``), ``rest`` is what
    else the config says, of whatever form: only searched, since no input holds them. ``budget`` is what all of it may cost,
    or a call's part of that: what is left when it is spent is masked unread.
    """
    masking = _Masking(budget or Budget())
    for place, pairs in (descriptors or {}).items():
        masking.pairs(f"{place}.annotation", pairs)
    masking.search(rest or {})
    # What is run is one after the other.
    run = masking.command(
        [*(f"entrypoint:{number}" for number, _ in enumerate(entrypoint)), *(f"cmd:{n}" for n, _ in enumerate(cmd))],
        [*entrypoint, *cmd],
    )
    return Masked(
        env=masking.entries(env),
        labels=masking.pairs("label", labels or {}),
        annotations=masking.pairs("annotation", annotations or {}),
        history=masking.items("history", history),
        entrypoint=run[: len(entrypoint)],
        cmd=run[len(entrypoint) :],
        exposed_ports=masking.items("exposed-port", exposed_ports),
        texts={name: masking.text(name, text) for name, text in (texts or {}).items()},
        findings=merged(tuple(masking.found)),
    )


class _Masking:
    """One pass over one image's texts."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.found: dict[SecretFinding, None] = {}
        # Twenty layers are of one media type. Of this image alone, and gone with it.
        self._detected: dict[str, str | None] = {}
        self._asked: tuple[str, str] | None = None
        self._told: tuple[str | None, str | None] = (None, None)

    def text(self, where: str, text: str) -> str:
        """Return ``text``, or the mask where a detector matches it."""
        if text not in self._detected:
            self._detected[text] = detect_text(text, budget=self._budget)
        detector = self._detected[text]
        return text if detector is None else self._mask(detector, where)

    def items(self, kind: str, items: Sequence[str]) -> tuple[str, ...]:
        """Return a list's items, also where two neighbours are a flag and its value."""
        return self._words([f"{kind}:{number}" for number, _ in enumerate(items)], items)

    def command(self, where: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
        """Return the words of one command, also where one is a credential by what stands before it."""
        masked = list(self._words(where, words))
        for number, detector in detect_in_words(words, budget=self._budget):
            masked[number] = self._mask(detector, where[number])
        return tuple(masked)

    def _words(self, where: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
        masked = [self.text(place, word) for place, word in zip(where, words, strict=True)]
        for number, (flag, value) in enumerate(itertools.pairwise(words), start=1):
            # ["--password", "hunter2"], ["env", "DB_PASSWORD=", "hunter2"]: neither says anything alone.
            name = flag.rstrip("=: ")
            detector = None
            if name != flag or (flag.startswith("-") and "=" not in flag):
                detector = detect_named(name.lstrip("-"), value, budget=self._budget)
            if detector is not None:
                masked[number] = self._mask(detector, where[number])
        for number in in_private_key(words):
            masked[number] = self._mask(PRIVATE_KEY, where[number])
        return tuple(masked)

    def search(self, value: JsonValue, where: str = "", name: str = "") -> None:
        """Look at every text below ``value``, member names too: a place is a path, and a text is read under its name."""
        if not self._budget.take_text():
            self._mask(UNREADABLE, places.ROOT)
        elif isinstance(value, str):
            if detector := self._pair(name, value)[1]:
                self._mask(detector, where)
        elif isinstance(value, list):
            self._search_list(value, where, name)
        elif isinstance(value, dict):
            for number, (key, inner) in enumerate(value.items()):
                if self._budget.spent:
                    self._mask(UNREADABLE, places.ROOT)
                    return
                place = where or places.ROOT
                if isinstance(inner, str):
                    self._name(place, key, inner)
                else:
                    self.text(place, key)
                self.search(inner, places.below(where, key, number), key)

    def _search_list(self, items: Sequence[JsonValue], where: str, name: str) -> None:
        """Look at a list: as a command, and each text as ``NAME=VALUE`` and as called what the list is called.

        Nobody says which of these it is.
        """
        words = [item if isinstance(item, str) else "" for item in items]
        steps = [places.cut(f"{where}[{number}]") for number, _ in enumerate(items)]
        self.command(steps, words)
        for place, word, item in zip(steps, words, items, strict=True):
            own, equals, value = word.partition("=")
            detector = detect_named(own, value, budget=self._budget) if equals else None
            detector = detector or (detect_named(name, word, budget=self._budget) if word else None)
            if detector is not None:
                self._mask(detector, place)
            if self._budget.spent:
                self._mask(UNREADABLE, places.ROOT)
                return
            if not isinstance(item, str):
                self.search(item, place, name)

    def entries(self, entries: Sequence[str]) -> tuple[str, ...]:
        """Return an environment's entries, also where a private key goes on from one to the next."""
        masked = [self.entry(entry) for entry in entries]
        for number in in_private_key(entries):
            # A piece of the key can end in equals signs: no part of such an entry is its name.
            masked[number] = self._mask(PRIVATE_KEY, "env")
        return tuple(masked)

    def entry(self, entry: str) -> str:
        """Return an environment entry with its value masked, and its name too where a secret is in that."""
        name, equals, value = entry.partition("=")
        if not equals:
            return self.text("env", name)
        shown = self._name("env", name, value)
        return f"{shown}={self._value('env', shown, name, value)}"

    def pairs(self, kind: str, pairs: Mapping[str, str]) -> dict[str, str]:
        """Return a map with its values masked, and its keys too; two keys that mask alike stay two."""
        masked: dict[str, str] = {}
        numbers: dict[str, int] = {}
        for name, value in pairs.items():
            shown = self._name(kind, name, value)
            text = self._value(kind, shown, name, value)
            masked[_unused(shown, masked, numbers)] = text
        return masked

    def _pair(self, name: str, value: str) -> tuple[str | None, str | None]:
        """Return the detectors of the name and of the value; asked for the name and then for the value, read once."""
        if (name, value) != self._asked:
            self._asked, self._told = (name, value), detect_pair(name, value, budget=self._budget)
        return self._told

    def _name(self, where: str, name: str, value: str) -> str:
        detector = self._pair(name, value)[0]
        return name if detector is None else self._mask(detector, where)

    def _value(self, kind: str, shown: str, name: str, value: str) -> str:
        detector = self._pair(name, value)[1]
        return value if detector is None else self._mask(detector, places.cut(f"{kind}:{shown}"))

    def _mask(self, detector: str, where: str) -> str:
        self.found[SecretFinding(detector, where)] = None
        return f"[masked: {detector}]"


def _unused(name: str, taken: Mapping[str, str], numbers: dict[str, int]) -> str:
    """Return ``name``, numbered where it is taken. ``numbers`` are the last ones given: nobody counts from 2 each time."""
    candidate = name
    while candidate in taken:
        numbers[name] = numbers.get(name, 1) + 1
        candidate = f"{name} {numbers[name]}"
    return candidate
