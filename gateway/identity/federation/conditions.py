"""What must a token's claims say? The conditions of one rule, and which sets of them are refused.

A rule without an id that the platform never gives again would let in whoever takes the name next: a renamed repository,
a deleted group, another cluster's service account.

Pure: no I/O, no third-party import.
Source: issue 5, item 3; reference/auth.md 3 (the platforms' claims) and its "Rules for us" 1 and 2.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from gateway.errors import FederationInvalid
from gateway.identity.federation.claims import claim_texts
from gateway.identity.globs import SegmentGlob
from gateway.oci.strict_json import JsonObject

IMMUTABLE_CLAIMS: Final = frozenset(
    {"repository_id", "repository_owner_id", "project_id", "namespace_id", "kubernetes.io/serviceaccount/uid"}
)
"""Ids that GitHub, GitLab and Kubernetes never give a second time."""

MAX_CONDITIONS: Final = 32
MAX_VALUES: Final = 32
MAX_CLAIM_CHARS: Final = 256

_SPIFFE: Final = "spiffe://"
_CHECKED_BEFORE: Final = {
    "iss": "the rule's `issuer` says whose tokens it takes",
    "aud": "the rule's `audience` says it",
    "exp": "every token's times are checked",
    "iat": "every token's times are checked",
    "nbf": "every token's times are checked",
    "jti": "it is another one in each token",
}
"""Claims that no rule decides about, and why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A claim, and the globs of which any one must cover its value."""

    claim: str
    values: tuple[SegmentGlob, ...]

    def matches(self, claims: JsonObject) -> bool:
        """Return whether ``claims`` has the claim with a value that a glob covers; of a list of texts, any one."""
        return any(value.matches(text) for text in claim_texts(claims, self.claim) for value in self.values)

    @property
    def is_exact(self) -> bool:
        """Whether no value of it is a glob."""
        return all(value.is_exact for value in self.values)


def read_conditions(match: object, *, where: str) -> tuple[Condition, ...]:
    """Return the conditions in the table ``match``, in the order in which they are asked. Raises `FederationInvalid`.

    Exact ones first, ids that are never given again before the others: most tokens are another repository's, and say so
    by one comparison of texts.

    Whether one of them is on an immutable id is `check_immutable`'s question: it depends on the issuer.
    """
    if not isinstance(match, Mapping) or not match:
        _refuse(where, 'there is no condition: write a table [match] with lines such as repository_id = "123"')
    if len(match) > MAX_CONDITIONS:
        _refuse(where, f"there are {len(match)} conditions: write at most {MAX_CONDITIONS}")
    conditions = tuple(sorted((_condition(claim, match[claim], where=where) for claim in match), key=_turn))
    if "ref" in match and "ref_type" not in match:
        _refuse(
            where, 'a tag can have a branch\'s name: write ref_type = "branch" or "tag" beside the condition on ref'
        )
    return conditions


def check_immutable(
    conditions: Collection[Condition], *, where: str, immutable_claims: Collection[str] = frozenset()
) -> None:
    """Raise `FederationInvalid` unless a condition holds an immutable id to exact values.

    Immutable are `IMMUTABLE_CLAIMS`, a SPIFFE id in ``sub``, and ``immutable_claims``, as the issuer's configuration says.
    """
    known = IMMUTABLE_CLAIMS | frozenset(immutable_claims)
    if not any(one.is_exact and (one.claim in known or _is_spiffe(one)) for one in conditions):
        _refuse(
            where,
            "no condition holds an id that is never given again: write an exact value for one of "
            f"{', '.join(sorted(known))}, or for sub a spiffe:// id",
        )


def _turn(condition: Condition) -> tuple[bool, bool, str]:
    return not condition.is_exact, condition.claim not in IMMUTABLE_CLAIMS, condition.claim


def _is_spiffe(condition: Condition) -> bool:
    return condition.claim == "sub" and all(value.text.startswith(_SPIFFE) for value in condition.values)


def _condition(claim: str, written: object, *, where: str) -> Condition:
    if not 0 < len(claim) <= MAX_CLAIM_CHARS or not claim.isprintable():
        _refuse(where, f"a claim's name in [match] must have 1 to {MAX_CLAIM_CHARS} printable characters: correct it")
    if claim in _CHECKED_BEFORE:
        _refuse(where, f"[match] cannot have a condition on {claim}: remove it, {_CHECKED_BEFORE[claim]}")
    if isinstance(written, Mapping):
        _refuse(
            where,
            f"{claim!r} in [match] is a table: write the claim's whole name in quotation marks, with / between members, "
            'such as "kubernetes.io/namespace"',
        )
    values = written if isinstance(written, list) else [written]
    if not 0 < len(values) <= MAX_VALUES:
        _refuse(where, f"{claim!r} in [match] has {len(values)} values: write 1 to {MAX_VALUES}")
    return Condition(claim, tuple(sorted({_glob(claim, value, where=where) for value in values})))


def _glob(claim: str, value: object, *, where: str) -> SegmentGlob:
    if not isinstance(value, str):
        _refuse(where, f"{claim!r} in [match] must be text, or a list of texts: write numbers too in quotation marks")
    if value.startswith("*"):
        _refuse(where, f"{value[:100]!r} for {claim!r} begins with *: write a fixed text before the first *")
    try:
        return SegmentGlob.parse(value)
    except ValueError as reason:
        _refuse(where, f"{value[:100]!r} for {claim!r} {reason}")


def _refuse(where: str, reason: str) -> NoReturn:
    raise FederationInvalid(f"{where}: {reason}")
