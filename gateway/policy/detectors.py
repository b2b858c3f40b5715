"""Detectors of secrets in texts: shapes that are one wherever they stand, and values that a name makes one.

Placeholders, paths and switches (``${DB_PASSWORD}``, ``/run/secrets/db``, ``true``) are not values. Each text is read as it
is written and in its other readings (`gateway.policy.readings`).

Pure: no I/O. The one module that imports RE2: linear time, whatever the text.
"""

# ruff: noqa: S105  names of detectors, not secrets

import re
from collections.abc import Sequence
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # The wheel has no annotations.

from gateway.policy import drawn
from gateway.policy import secret_shapes as shapes
from gateway.policy.budget import Budget
from gateway.policy.readings import plain, readings, undone

PASSWORD: Final = "password"
HIGH_ENTROPY: Final = "high-entropy-value"
URL_CREDENTIALS: Final = "url-credentials"
BASIC_CREDENTIALS: Final = "basic-credentials"
PRIVATE_KEY: Final = "private-key"
NOT_TEXT: Final = "not-text"
UNREADABLE: Final = "too-many-candidates"
"""Hundreds of harmless candidates in one text, or more of everything than a `Budget` has: not worth the time to read on,
and not let through unread either."""

_WITH_CREDENTIALS: Final = ("curl", "wget", "http")
_USER_FLAGS: Final = ("-u", "--user")
_ENDS_A_WORD: Final = re.compile(r"[\s\"'|;&\ud800-\udfff]")
"""In a shell, or in a pattern here; and what RE2 cannot read."""

_MAX_CANDIDATES: Final = 256
_SEAM_CHARACTERS: Final = 2048
"""Of a name and of its value, where the two are read as one for what is cut in two. Each is read in full besides."""


def _quiet() -> Any:
    """Return RE2's options: what it has to say of a text is not for the operator's terminal."""
    options = re2.Options()
    options.log_errors = False
    return options


def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, options=_quiet())


def _compiled_set() -> Any:
    """Return one automaton for every pattern that is searched in a text: most texts match none, and cost one pass."""
    patterns = re2.Set.SearchSet(_quiet())
    for pattern in (*shapes.SHAPES.values(), shapes.URL, shapes.BASIC, shapes.ASSIGNMENT, shapes.ELEMENT):
        patterns.Add(pattern)
    patterns.Compile()
    return patterns


_IS_PASSWORD_NAME: Final[Any] = _compiled(shapes.IS_PASSWORD_NAME)
_IS_SECRET_NAME: Final[Any] = _compiled(shapes.IS_SECRET_NAME)
_ASSIGNMENT: Final[Any] = _compiled(shapes.ASSIGNMENT)
_ELEMENT: Final[Any] = _compiled(shapes.ELEMENT)
CREDENTIALS: Final[dict[str, Any]] = {
    URL_CREDENTIALS: _compiled(shapes.URL), BASIC_CREDENTIALS: _compiled(shapes.BASIC),
}  # fmt: skip
_PLACEHOLDER: Final[Any] = _compiled(shapes.PLACEHOLDER)
_PATH: Final[Any] = _compiled(shapes.PATH)
_FILE: Final[Any] = _compiled(shapes.FILE)
_REPOSITORY: Final[Any] = _compiled(shapes.REPOSITORY)
_ARGUMENTS: Final[Any] = _compiled(shapes.ARGUMENTS)
_NO_VALUE: Final[Any] = _compiled(shapes.NO_VALUE)
_BEFORE: Final[dict[str, Any]] = {name: _compiled(pattern) for name, pattern in shapes.BEFORE.items()}
_AFTER: Final[dict[str, Any]] = {name: _compiled(pattern) for name, pattern in shapes.AFTER.items()}
_PEM_BEGIN: Final[Any] = _compiled(shapes.PEM_BEGIN)

_ANY: Final[Any] = _compiled_set()
_EACH: Final[tuple[tuple[str, Any], ...]] = (
    *((name, _compiled(pattern)) for name, pattern in shapes.SHAPES.items()),
    *CREDENTIALS.items(),
    (HIGH_ENTROPY, _ASSIGNMENT),
    (HIGH_ENTROPY, _ELEMENT),
)
"""The patterns of `_ANY` by their numbers there."""


def detect_text(text: str, *, budget: Budget | None = None) -> str | None:
    """Return the name of the first detector that matches somewhere in ``text``, or None."""
    budget = budget or Budget()
    if budget.spent:
        return UNREADABLE
    return next((found for (each,) in readings(text) if (found := _detect(each, budget)) is not None), None)


def detect_named(name: str, value: str, *, budget: Budget | None = None) -> str | None:
    """Return the detector that says ``value`` is a secret because it is called ``name``, or None."""
    budget = budget or Budget()
    if budget.spent:
        return UNREADABLE
    return next((found for one in readings(name, value) if (found := _named(one[0], one[1], budget)) is not None), None)


def detect_pair(name: str, value: str, *, budget: Budget | None = None) -> tuple[str | None, str | None]:
    """Return the detector of a secret in ``name``, and of one in ``value`` or in both together; None where there is none.

    A secret that begins in the name and ends in the value is in both. Where it is cut is its writer's choice: the two are
    read as one beside the other too, without an equals sign between.
    """
    budget = budget or Budget()
    if budget.spent:
        return UNREADABLE, UNREADABLE
    in_name = in_value = None
    for one in readings(name, value):
        found = _pair(one[0], one[1], budget)
        in_name, in_value = in_name or found[0], in_value or found[1]
    if in_value is None and value and "\\" in name[-8:]:
        # An escape that is cut in two.
        in_value = _detect(plain(undone(f"{name[-_SEAM_CHARACTERS:]}{value[:_SEAM_CHARACTERS]}")), budget)
        in_name = in_name or in_value
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
            match = CREDENTIALS[BASIC_CREDENTIALS].search(f"curl {flag} {_ENDS_A_WORD.sub('_', plain(word))}")
            if match is not None and not _is_no_value(match.group(1)):
                found.append((place, BASIC_CREDENTIALS))
        called = called or word.rpartition("/")[2] in _WITH_CREDENTIALS
    return tuple(found)


def in_private_key(texts: Sequence[str]) -> tuple[int, ...]:
    """Return the places of ``texts``, which are read in their order, that go on with a private key begun in one before."""
    found = []
    is_open = False
    for place, text in enumerate(texts):
        if is_open:
            found.append(place)
            is_open = shapes.PEM_END not in text
        if "PRIVATE KEY" in text and (begin := text.rfind("-----BEGIN ")) >= 0:
            is_open = shapes.PEM_END not in text[begin:] and _PEM_BEGIN.search(_readable(text[begin:])) is not None
    return tuple(found)


def _readable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _detect(text: str, budget: Budget) -> str | None:
    """Return the first detector that matches in one reading."""
    if not budget.take_text(characters=len(text)):
        return UNREADABLE
    try:
        text = _with_arguments_apart(text)
        hits = _ANY.Match(text)
    except UnicodeEncodeError:
        # A lone surrogate: RE2 cannot read it, so nobody can say what it hides.
        return NOT_TEXT
    hit: int
    for hit in sorted(hits or ()):
        if (found := _hit(hit, text, budget)) is not None:
            return found
    return None


def _hit(hit: int, text: str, budget: Budget, *, seam: int | None = None) -> str | None:
    """Return the detector of a secret by this pattern; with ``seam``, of one that begins before it and ends behind it."""
    detector, pattern = _EACH[hit]
    if seam is None and detector in shapes.SHAPES and detector not in _BEFORE:
        return detector
    for number, match in enumerate(pattern.finditer(text)):
        start, end = match.span(match.lastindex or 0)
        if seam is not None and start >= seam:
            break
        if not budget.take_candidate():
            return UNREADABLE
        if (seam is None or end > seam) and (found := _confirmed(detector, match, text, budget)) is not None:
            return found
        # Digests of forty characters are candidates for one shape, and in any number harmless.
        if number >= _MAX_CANDIDATES and detector not in _BEFORE:
            return UNREADABLE
    return None


def _confirmed(detector: str, match: Any, text: str, budget: Budget) -> str | None:
    """Return the detector of what ``match`` is, None where it is no secret."""
    if detector in _BEFORE:
        start, end = match.span(match.lastindex)
        before, after = text[max(0, start - shapes.BEFORE_CHARACTERS) : start], text[end : end + 1]
        is_one = _BEFORE[detector].search(before) is not None and _AFTER[detector].search(after) is None
        return detector if is_one else None
    if detector in shapes.SHAPES:
        return detector
    if detector in CREDENTIALS:
        value = match.group(1)
        is_path = "/" in value and _REPOSITORY.search(match.group()) is not None
        is_tag = text.startswith("sha256:", match.end())  # ``docker-image://alpine:3.19@sha256:...``
        return None if is_path or is_tag or _is_no_value(value) else detector
    name, separator = match.group(1), match.group(2)
    if match.re is not _ELEMENT and separator.isspace() and not name.startswith("-"):
        return None  # Prose: "the password is ...". Only a flag's value stands after a space.
    return _named(name.lstrip("-"), match.group(match.lastindex), budget)


def _pair(name: str, value: str, budget: Budget) -> tuple[str | None, str | None]:
    in_name = _detect(name, budget)
    left, right = name[-_SEAM_CHARACTERS:], value[:_SEAM_CHARACTERS]
    in_value = (
        _detect(f"{name}={value}", budget)
        or _named(name, value, budget)
        or (_detect(f"{left}{right}", budget) if value else None)
    )
    if in_name is None and in_value is not None:
        in_name = _across(f"{left}={right}", len(left), budget) or _across(f"{left}{right}", len(left), budget)
    return in_name, in_value


def _across(text: str, seam: int, budget: Budget) -> str | None:
    """Return the detector of a secret that begins before ``seam`` and ends behind it, or None."""
    if budget.spent:
        return UNREADABLE
    try:
        text = _with_arguments_apart(text)
        hits = _ANY.Match(text)
    except UnicodeEncodeError:
        return NOT_TEXT
    return next(
        (found for hit in sorted(hits or ()) if (found := _hit(hit, text, budget, seam=seam)) is not None), None
    )


def _named(name: str, value: str, budget: Budget) -> str | None:
    if budget.spent:
        return UNREADABLE
    try:
        if _IS_SECRET_NAME.search(name) is None:
            return None
        if not budget.take_candidate(characters=len(value)):
            return UNREADABLE
        if _is_no_value(value.strip()):
            return None
        if _IS_PASSWORD_NAME.search(name) is not None:
            return PASSWORD
    except UnicodeEncodeError:
        return NOT_TEXT
    return HIGH_ENTROPY if drawn.is_random(value) else None


def _with_arguments_apart(text: str) -> str:
    """Return ``text``, as long, so that an argument of a build without a value does not take the next for its value."""
    head = text[: shapes.ARGUMENTS_CHARACTERS]
    if "|" not in head or _ARGUMENTS.search(head) is None:
        return text
    # Twice: of ``A= B= C=x`` a pass sees every other one.
    return str(_NO_VALUE.sub(r"=;\1", _NO_VALUE.sub(r"=;\1", text)))


def _is_no_value(value: str) -> bool:
    """Return whether ``value`` only stands for one, or says where it is, which is how it should be done."""
    if _PLACEHOLDER.search(value) is not None:
        return True
    if _PATH.search(value) is None:
        return False
    return _FILE.search(value) is not None or not drawn.has_drawn_piece(value)
