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

from gateway.policy.detectors import detect_named, detect_text

MAX_FINDINGS: Final = 1000
"""Within the input schema's 1,024. The last one then says that there are more."""

TOO_MANY: Final = "too-many-findings"
_MAX_NAME_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """``detector`` matched at ``where`` (``env:NAME``, ``layers[0].annotation:KEY``, ``history:3``). The value is gone."""

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
) -> Masked:
    """Return every given text with each secret's whole value replaced by ``[masked: <detector>]``.

    ``env`` are ``NAME=VALUE`` entries. ``texts`` is for single values (``{"user": ...}``); its keys are the caller's own
    and not looked at. ``descriptors`` are annotations by the place of their descriptor (``layers[3]``): only searched,
    since no input holds them.
    """
    masking = _Masking()
    for place, pairs in (descriptors or {}).items():
        masking.pairs(f"{place}.annotation", pairs)
    return Masked(
        env=tuple(masking.entry(entry) for entry in env),
        labels=masking.pairs("label", labels or {}),
        annotations=masking.pairs("annotation", annotations or {}),
        history=masking.items("history", history),
        entrypoint=masking.items("entrypoint", entrypoint),
        cmd=masking.items("cmd", cmd),
        exposed_ports=masking.items("exposed-port", exposed_ports),
        texts={name: masking.text(name, text) for name, text in (texts or {}).items()},
        findings=masking.findings(),
    )


class _Masking:
    """One pass over one image's texts."""

    def __init__(self) -> None:
        self._found: dict[SecretFinding, None] = {}
        # Twenty layers are of one media type. Of this image alone, and gone with it.
        self._detected: dict[str, str | None] = {}

    def findings(self) -> tuple[SecretFinding, ...]:
        """Return what was found, once each, in order."""
        found = tuple(self._found)
        if len(found) <= MAX_FINDINGS:
            return found
        return (*found[: MAX_FINDINGS - 1], SecretFinding(TOO_MANY, f"{len(found)} places"))

    def text(self, where: str, text: str) -> str:
        """Return ``text``, or the mask where a detector matches it."""
        if text not in self._detected:
            self._detected[text] = detect_text(text)
        detector = self._detected[text]
        return text if detector is None else self._mask(detector, where)

    def items(self, kind: str, items: Sequence[str]) -> tuple[str, ...]:
        """Return a list's items, also where two neighbours are a flag and its value."""
        masked = [self.text(f"{kind}:{number}", item) for number, item in enumerate(items)]
        for number, (flag, value) in enumerate(itertools.pairwise(items), start=1):
            # ["--password", "hunter2"]: neither says anything alone.
            detector = detect_named(flag.lstrip("-"), value) if flag.startswith("-") and "=" not in flag else None
            if detector is not None:
                masked[number] = self._mask(detector, f"{kind}:{number}")
        return tuple(masked)

    def entry(self, entry: str) -> str:
        """Return an environment entry with its value masked, and its name too where a secret is in that."""
        name, equals, value = entry.partition("=")
        shown = self.text("env", name)
        masked = self._value("env", shown, name, value) if equals else ""
        return f"{shown}={masked}" if equals else shown

    def pairs(self, kind: str, pairs: Mapping[str, str]) -> dict[str, str]:
        """Return a map with its values masked, and its keys too; two keys that mask alike stay two."""
        masked: dict[str, str] = {}
        for name, value in pairs.items():
            shown = self.text(kind, name)
            text = self._value(kind, shown, name, value)
            masked[_unused(shown, masked)] = text
        return masked

    def _value(self, kind: str, shown: str, name: str, value: str) -> str:
        detector = detect_text(f"{name}={value}") or detect_named(name, value)
        return value if detector is None else self._mask(detector, f"{kind}:{shown[:_MAX_NAME_CHARACTERS]}")

    def _mask(self, detector: str, where: str) -> str:
        self._found[SecretFinding(detector, where)] = None
        return f"[masked: {detector}]"


def _unused(name: str, taken: Mapping[str, str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate
