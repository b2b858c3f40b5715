"""Who may see a manifest, as SQL: the one definition of visibility, composed at import from constants.

A fragment is an expression over a row of `manifest` (its alias is given) inside a query that has the repository's row as
``r`` and binds ``:now``. It holds no value of a caller: values are bound, never written. Fragments nest as correlated
subqueries over unique keys; a recursive CTE was measured at 185 ms where these take 12 us.

    tomb     the bytes were revoked in the repository, or in all of the project
    alive    a signature's signer is not revoked, or was seen before the revocation's ``since``
    ground   every requirement of the admission has a signer left (AND of requirements, OR within one)
    own      admitted, not past its waiver, grounded
    carried  a root that is visible by itself judged it, and every index between is here and not revoked
    image    own or carried, and not revoked
    visible  the same for every class: an image by itself, evidence with its subject, a fallback index with its entries

Pure: constants.
Source: DESIGN 3, "Visibility is one rule".
"""

# ruff: noqa: S608 - every part of these strings is a constant of this module; values are bound parameters.

from typing import Final

from gateway.access.values import Condition
from gateway.catalog.values import ManifestClass

HELD: Final = 0
ADMITTED: Final = 1
"""`manifest.state`."""

DIGEST_BYTES: Final = 32
MAX_PATH_DIGESTS: Final = 2
"""Between a root and a leaf of three levels of nesting (DESIGN 3)."""

_IMAGE: Final = f"'{ManifestClass.IMAGE.value}'"
_EVIDENCE: Final = f"'{ManifestClass.EVIDENCE.value}'"
_FALLBACK: Final = f"'{ManifestClass.FALLBACK.value}'"


def tomb(sha256: str) -> str:
    """The bytes named by the expression ``sha256`` were revoked in ``r``, or in all of its project."""
    return (
        f"EXISTS (SELECT 1 FROM tombstone z WHERE z.project_id = r.project_id AND z.sha256 = {sha256} "
        "AND z.repo_id IN (0, r.id))"
    )


def alive(proof: str) -> str:
    """The signer of ``proof``, a row of `support` or `verified`, still counts for it."""
    return f"NOT EXISTS (SELECT 1 FROM distrust d WHERE d.signer_id = {proof}.signer_id AND {proof}.seen >= d.since)"


def ground(m: str) -> str:
    """Every requirement that the admission of ``m`` rests on has a signer left; none at all is `static: pass`.

    Requirements are counted by the first row of each: ``count(DISTINCT slot)`` builds a temporary index where the tables
    have statistics.
    """
    return f"""CASE {m}.slots
    WHEN 0 THEN 1
    WHEN 1 THEN EXISTS (SELECT 1 FROM support u WHERE u.manifest_id = {m}.id AND {alive("u")})
    ELSE {m}.slots = (SELECT count(*) FROM support u WHERE u.manifest_id = {m}.id
        AND NOT EXISTS (SELECT 1 FROM support w
            WHERE w.manifest_id = u.manifest_id AND w.slot = u.slot AND w.signer_id < u.signer_id)
        AND EXISTS (SELECT 1 FROM support w
            WHERE w.manifest_id = u.manifest_id AND w.slot = u.slot AND {alive("w")}))
    END"""


def grounded(m: str) -> str:
    """Nothing that the admission of ``m`` rests on was taken away: neither signers nor the waiver's time."""
    return f"(({m}.until IS NULL OR {m}.until > :now) AND ({ground(m)}))"


def own(m: str) -> str:
    """``m`` is admitted, and nothing that its admission rests on was taken away."""
    return f"({m}.state = {ADMITTED} AND {grounded(m)})"


def _between(m: str, number: int) -> str:
    """The index at place ``number`` of the edge's path is in the repository of ``m``, and not revoked."""
    sha256 = f"lower(hex(substr(e.path, {number * DIGEST_BYTES + 1}, {DIGEST_BYTES})))"
    present = f"EXISTS (SELECT 1 FROM manifest q WHERE q.sha256 = {sha256} AND q.repo_id = {m}.repo_id)"
    return f"{present} AND NOT {tomb(sha256)}"


def carried(m: str) -> str:
    """A visible root judged ``m``, and the way from it to ``m`` is open.

    A path that is longer than the nesting allows, or no row of digests, opens nothing.
    """
    return f"""EXISTS (SELECT 1 FROM edge e JOIN manifest p ON p.id = e.root_id
    WHERE e.repo_id = {m}.repo_id AND e.child = {m}.sha256
    AND p.class = {_IMAGE} AND {own("p")} AND NOT {tomb("p.sha256")}
    AND CASE length(e.path)
        WHEN 0 THEN 1
        WHEN {DIGEST_BYTES} THEN {_between(m, 0)}
        WHEN {MAX_PATH_DIGESTS * DIGEST_BYTES} THEN {_between(m, 0)} AND {_between(m, 1)}
        ELSE 0 END)"""


def image(m: str) -> str:
    """``m``, an image, an index or an artifact, is visible."""
    return f"(NOT {tomb(f'{m}.sha256')} AND ({own(m)} OR {carried(m)}))"


def live_evidence(m: str) -> str:
    """``m`` holds a signature that was verified, of a signer that still counts."""
    return f"EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = {m}.id AND {alive('v')})"


def subject_visible(m: str) -> str:
    """The subject of ``m`` is an image, is here, and is visible: one level, evidence on evidence counts for nothing."""
    return f"""EXISTS (SELECT 1 FROM manifest s
    WHERE s.sha256 = {m}.subject AND s.repo_id = {m}.repo_id AND s.class = {_IMAGE} AND {image("s")})"""


def _only_evidence(m: str) -> str:
    """Every entry of ``m``, a fallback index, is live evidence of the same subject."""
    return f"""NOT EXISTS (SELECT 1 FROM entry x WHERE x.index_id = {m}.id AND NOT EXISTS (
        SELECT 1 FROM manifest q WHERE q.sha256 = x.child AND q.repo_id = {m}.repo_id
        AND q.class = {_EVIDENCE} AND q.subject = {m}.subject AND NOT {tomb("q.sha256")} AND {live_evidence("q")}))"""


def visible(m: str) -> str:
    """``m`` is visible to everybody who may pull here."""
    return f"""CASE {m}.class
    WHEN {_IMAGE} THEN {image(m)}
    WHEN {_EVIDENCE} THEN NOT {tomb(f"{m}.sha256")} AND {live_evidence(m)} AND {subject_visible(m)}
    WHEN {_FALLBACK} THEN NOT {tomb(f"{m}.sha256")} AND {subject_visible(m)} AND {_only_evidence(m)}
    ELSE 0 END"""


def condition(m: str, *, subject: str | None = None) -> str:
    """What ``m`` is now: a value of `Condition`. ``m`` is visible where that is ``admitted`` or ``carried``.

    Evidence and fallback indexes are never judged: ``admitted`` says that they are visible, ``distrusted`` that nobody
    who signed in it counts any more. ``subject`` replaces the look-up of the subject where one query asks for many of
    the same.
    """
    subject = subject or subject_visible(m)
    return f"""CASE
    WHEN {tomb(f"{m}.sha256")} THEN '{Condition.REVOKED.value}'
    WHEN {m}.class = {_IMAGE} THEN CASE
        WHEN {own(m)} THEN '{Condition.ADMITTED.value}'
        WHEN {carried(m)} THEN '{Condition.CARRIED.value}'
        WHEN {m}.state = {ADMITTED} THEN '{Condition.DISTRUSTED.value}'
        ELSE '{Condition.HELD.value}' END
    WHEN {m}.class = {_EVIDENCE} THEN CASE
        WHEN {live_evidence(m)} THEN CASE
            WHEN {subject} THEN '{Condition.ADMITTED.value}' ELSE '{Condition.HELD.value}' END
        WHEN EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = {m}.id) THEN '{Condition.DISTRUSTED.value}'
        ELSE '{Condition.HELD.value}' END
    WHEN {m}.class = {_FALLBACK} AND {subject} AND {_only_evidence(m)} THEN '{Condition.ADMITTED.value}'
    ELSE '{Condition.HELD.value}' END"""
