"""The table of secret detectors: what known secrets look like, and which names say that a value is one.

Two kinds. A *shape* is a secret wherever it stands (an AWS key id, a PEM header). A *named* value is one because of the
name before it: anything after ``password=``, and what looks random after ``token`` or ``secret_key``. Placeholders,
paths and switches (``${DB_PASSWORD}``, ``/run/secrets/db``, ``true``) are not values.

Pure: no I/O. The one module that imports RE2: linear time, whatever the text.
"""

# ruff: noqa: S105  names of detectors, not secrets

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # The wheel has no annotations.

SHAPES: Final[dict[str, str]] = {
    "private-key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "aws-access-key": r"(?:^|[^A-Za-z0-9])(?:AKIA|ASIA|AIDA|AROA|AGPA|AIPA|ANPA|ANVA)[A-Z0-9]{16}(?:$|[^A-Za-z0-9])",
    "aws-secret-key": r"(?i)aws.{0,20}secret.{0,20}[=:\s\"']([A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+])",
    "github-token": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    "gitlab-token": r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct)-[A-Za-z0-9_-]{20,}",
    "slack-token": r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}",
    "slack-webhook": r"hooks\.slack\.com/services/T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]+",
    "google-api-key": r"AIza[0-9A-Za-z_-]{35}",
    "stripe-key": r"[rs]k_live_[0-9A-Za-z]{20,}",
    "npm-token": r"npm_[A-Za-z0-9]{36}",
    "pypi-token": r"pypi-AgE[A-Za-z0-9_-]{40,}",
    "docker-token": r"dckr_pat_[A-Za-z0-9_-]{20,}",
    "jwt": r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "authorization-header": r"(?i)authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/=-]{8,})",
    "docker-auth": r"\"auth\"\s*:\s*\"([A-Za-z0-9+/=]{8,})\"",
}
"""Name -> pattern. The names are in findings and in policies' data (`SEC001.ignored_detectors`): never renamed.

A group is what of the match is secret, where that is not all of it.
"""

PASSWORD: Final = "password"
HIGH_ENTROPY: Final = "high-entropy-value"
URL_CREDENTIALS: Final = "url-credentials"
BASIC_CREDENTIALS: Final = "basic-credentials"
NOT_TEXT: Final = "not-text"
UNREADABLE: Final = "too-many-candidates"
"""Hundreds of harmless candidates in one text, or more of everything than a `Budget` has: not worth the time to read on,
and not let through unread either."""

_PASSWORD_NAME = r"(?:password|passwd|passphrase|passwort)"
_SECRET_NAME = (
    r"(?:secret|token|credentials?|api[._-]?key|access[._-]?key|private[._-]?key|secret[._-]?key(?:[._-]?base)?"
    r"|encryption[._-]?key|signing[._-]?key|master[._-]?key|client[._-]?secret|account[._-]?key)"
)
_SUFFIX = r"(?:s|[._-]?(?:value|b64|base64|[0-9]{1,3}))?"

_ASSIGNED = (
    rf"(?i)([a-z0-9_.\-]*(?:{_PASSWORD_NAME}|{_SECRET_NAME}){_SUFFIX})"
    r"[\"']?(\s{0,3}[=:]\s{0,3}|\s{1,3})(?:\"([^\"]+)\"|'([^']+)'|([^\s\"',;&|)}\]]+))"
)
_URL = r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#:@\"']*:([^\s/?#@\"']+)@"
_WITH_CREDENTIALS: Final = ("curl", "wget", "http")
_USER_FLAGS: Final = ("-u", "--user")
_BASIC = r"\b(?:curl|wget|http)\b[^\n|;&]*?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']+:([^\s\"']+)"

_IS_PASSWORD_NAME: Final[Any] = re2.compile(rf"(?i)(?:^|[._\-\sa-z0-9]){_PASSWORD_NAME}{_SUFFIX}$")
_IS_SECRET_NAME: Final[Any] = re2.compile(rf"(?i)(?:^|[._\-\sa-z0-9])(?:{_PASSWORD_NAME}|{_SECRET_NAME}){_SUFFIX}$")
_ASSIGNMENT: Final[Any] = re2.compile(_ASSIGNED)
CREDENTIALS: Final[dict[str, Any]] = {URL_CREDENTIALS: re2.compile(_URL), BASIC_CREDENTIALS: re2.compile(_BASIC)}
_PLACEHOLDER: Final[Any] = re2.compile(
    r"(?i)^(?:|\$.*|%[a-z_]+%|<[^>]*>|\{\{.*\}\}|\*+|x{3,}|\.{3}|(?:/|\./|~/|[a-z]:\\).*"
    r"|true|false|yes|no|on|off|none|null|nil|undefined|\[masked.*|0|1)$"
)

_ENDS_A_WORD: Final = re.compile(r"[\s\"'|;&\ud800-\udfff]")
"""In a shell, or in a pattern here; and what RE2 cannot read."""

_MAX_CANDIDATES: Final = 256
MAX_BUDGET_TEXTS: Final = 150_000
MAX_BUDGET_CANDIDATES: Final = 30_000
"""Of all texts together. Measured: 2 us for a harmless text, up to 30 us for a candidate, so the worst 4 MiB of labels are
about a second. An image of 2,000 labels and as many entries of an environment has 12,000 texts, and images have a few
dozen candidates."""

_CANDIDATE_CHARACTERS: Final = 256
"""A value of so many characters takes as long again as finding it did."""

_MIN_RANDOM_CHARACTERS: Final = 16
_MIN_BITS_PER_CHARACTER: Final = 3.0
"""Sixteen random hexadecimal digits have about 3.2 on average, English words joined by ``_`` about 3.3 but in lower case
with separators: those are ruled out by `_is_random`."""


def _compiled_set() -> Any:
    """Return one automaton for every pattern that is searched in a text: most texts match none, and cost one pass."""
    patterns = re2.Set.SearchSet()
    for pattern in (*SHAPES.values(), _URL, _BASIC, _ASSIGNED):
        patterns.Add(pattern)
    patterns.Compile()
    return patterns


_SHAPE_NAMES: Final = tuple(SHAPES)
_ANY: Final[Any] = _compiled_set()
_EACH: Final[tuple[tuple[str, Any], ...]] = (
    *((name, re2.compile(pattern)) for name, pattern in SHAPES.items()),
    *CREDENTIALS.items(),
    (HIGH_ENTROPY, _ASSIGNMENT),
)
"""The patterns of `_ANY` by their numbers there."""


class Budget:
    """How much may be read of what belongs together: past it every text is `UNREADABLE`, at no cost.

    What is pushed is as long as one likes to make it, and who reads it keeps a thread from everybody else's.
    """

    def __init__(self, *, texts: int = MAX_BUDGET_TEXTS, candidates: int = MAX_BUDGET_CANDIDATES) -> None:
        self._texts = texts
        self._candidates = candidates

    @property
    def spent(self) -> bool:
        """Whether nothing more is read."""
        return self._texts < 0 or self._candidates < 0

    def take_text(self) -> bool:
        """Count a text that is to be read; return whether it may be."""
        self._texts -= 1
        return not self.spent

    def take_candidate(self, *, characters: int = 0) -> bool:
        """Count a match that is to be looked at closely; return whether it may be. A long one counts for several."""
        self._candidates -= 1 + characters // _CANDIDATE_CHARACTERS
        return not self.spent


def detect_text(text: str, *, budget: Budget | None = None) -> str | None:
    """Return the name of the first detector that matches somewhere in ``text``, or None."""
    budget = budget or Budget()
    if not budget.take_text():
        return UNREADABLE
    try:
        hits = _ANY.Match(text)
    except UnicodeEncodeError:
        # A lone surrogate: RE2 cannot read it, so nobody can say what it hides.
        return NOT_TEXT
    if not hits:
        return None
    first: int = min(hits)
    if first < len(_SHAPE_NAMES):
        return _SHAPE_NAMES[first]
    return _credentials(text, budget) or _assignment(text, budget)


def detect_named(name: str, value: str, *, budget: Budget | None = None) -> str | None:
    """Return the detector that says ``value`` is a secret because it is called ``name``, or None."""
    budget = budget or Budget()
    if budget.spent:
        return UNREADABLE
    try:
        if _IS_SECRET_NAME.search(name) is None:
            return None
        if not budget.take_candidate(characters=len(value)):
            return UNREADABLE
        if _PLACEHOLDER.search(value.strip()) is not None:
            return None
        if _IS_PASSWORD_NAME.search(name) is not None:
            return PASSWORD
    except UnicodeEncodeError:
        return NOT_TEXT
    return HIGH_ENTROPY if _is_random(value) else None


def detect_pair(name: str, value: str, *, budget: Budget | None = None) -> tuple[str | None, str | None]:
    """Return the detector of a secret in ``name``, and of one in ``value`` or in both together; None where there is none.

    A secret that begins in the name and ends in the value is in both. Where it is cut is its writer's choice: the two are
    read as one beside the other too, without an equals sign between.
    """
    budget = budget or Budget()
    in_name = detect_text(name, budget=budget)
    texts = (f"{name}={value}", f"{name}{value}")
    in_value = (
        detect_text(texts[0], budget=budget)
        or detect_named(name, value, budget=budget)
        or (detect_text(texts[1], budget=budget) if value else None)
    )
    if in_name is None and in_value is not None:
        in_name = next((found for text in texts if (found := _across(text, len(name), budget)) is not None), None)
    return in_name, in_value


def detect_in_words(words: Sequence[str], *, budget: Budget | None = None) -> tuple[tuple[int, str], ...]:
    """Return place and detector of each of ``words`` that is a credential by those before it: ``curl``, ``-u``, ``me:it``.

    A list of words is what is run without a shell: no character in a word ends the command, or the word.
    """
    budget = budget or Budget()
    found = []
    called = False
    for place, word in enumerate(words):
        flag = words[place - 1] if place and words[place - 1] in _USER_FLAGS else ""
        if called and (flag or word.startswith(_USER_FLAGS)):
            if not budget.take_candidate():
                found.append((place, UNREADABLE))
                continue
            match = CREDENTIALS[BASIC_CREDENTIALS].search(f"curl {flag} {_ENDS_A_WORD.sub('_', word)}")
            if match is not None and _PLACEHOLDER.search(match.group(1)) is None:
                found.append((place, BASIC_CREDENTIALS))
        called = called or word.rpartition("/")[2] in _WITH_CREDENTIALS
    return tuple(found)


def _credentials(text: str, budget: Budget) -> str | None:
    for detector, pattern in CREDENTIALS.items():
        for number, match in enumerate(pattern.finditer(text)):
            if number == _MAX_CANDIDATES or not budget.take_candidate():
                return UNREADABLE
            if _PLACEHOLDER.search(match.group(1)) is None:
                return detector
    return None


def _assignment(text: str, budget: Budget) -> str | None:
    """Return the detector for a named value inside a longer text, as in ``RUN ./deploy --token=...``."""
    for number, match in enumerate(_ASSIGNMENT.finditer(text)):
        if number == _MAX_CANDIDATES or not budget.take_candidate():
            return UNREADABLE
        detector = _assigned(match, budget)
        if detector is not None:
            return detector
    return None


def _assigned(match: Any, budget: Budget) -> str | None:
    name, separator = match.group(1), match.group(2)
    if separator.isspace() and not name.startswith("-"):
        return None  # Prose: "the password is ...". Only a flag's value stands after a space.
    return detect_named(name.lstrip("-"), match.group(match.lastindex), budget=budget)


def _across(text: str, seam: int, budget: Budget) -> str | None:
    """Return the detector of a secret that begins before ``seam`` and ends behind it, or None."""
    if budget.spent:
        return UNREADABLE
    try:
        hits = _ANY.Match(text)
    except UnicodeEncodeError:
        return NOT_TEXT
    hit: int
    for hit in sorted(hits or ()):
        detector, pattern = _EACH[hit]
        for number, match in enumerate(pattern.finditer(text)):
            start, end = match.span(match.lastindex or 0)
            if start >= seam:
                break
            if number == _MAX_CANDIDATES or not budget.take_candidate():
                return UNREADABLE
            if end <= seam:
                continue
            if detector in SHAPES or (detector in CREDENTIALS and _PLACEHOLDER.search(match.group(1)) is None):
                return detector
            if pattern is _ASSIGNMENT and (found := _assigned(match, budget)) is not None:
                return found
    return None


def _is_random(value: str) -> bool:
    """Return whether ``value`` is long and looks drawn rather than written."""
    text = value.strip()
    if len(text) < _MIN_RANDOM_CHARACTERS or len(text.split(maxsplit=1)) > 1:
        return False
    counts = Counter(text)
    bits = -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
    if bits < _MIN_BITS_PER_CHARACTER:
        return False
    has_both_cases = text.lower() != text and text.upper() != text
    return has_both_cases or any(character.isdigit() for character in text)
