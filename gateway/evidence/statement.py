"""In-toto statements: which digests they are about and what kind of thing they say, once their signature was checked.

Pure: no I/O, no third-party import.
Source: in-toto attestation v1, spec/v1/statement.md and spec/v0.1; cosign specs/BUNDLE_SPEC.md for its signatures.
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.evidence import members
from gateway.evidence.limits import (
    MAX_ATTESTATION_BYTES,
    MAX_PREDICATE_TYPE_CHARS,
    MAX_STATEMENT_NODES,
    MAX_STATEMENT_TEXT_CHARS,
    MAX_SUBJECT_DIGESTS,
    MAX_SUBJECTS,
)
from gateway.evidence.values import COSIGN_SIGN, Refused, RejectionCode
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject, JsonValue

V01: Final = "https://in-toto.io/Statement/v0.1"
V1: Final = "https://in-toto.io/Statement/v1"

_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")
_STATEMENT: Final = frozenset({"_type", "subject", "predicateType", "predicate"})
_SUBJECT: Final = frozenset({"name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"})
_MAX_ALGORITHM_CHARS: Final = 64
_MAX_DIGEST_CHARS: Final = 512


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing a statement is about; only its SHA-256 counts here."""

    sha256: str | None
    annotations: JsonObject


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was read whole. ``document`` is all of it."""

    predicate_type: str
    subjects: tuple[Subject, ...]
    document: JsonObject

    @property
    def is_signature(self) -> bool:
        """Whether this is what cosign 3 writes for a plain signature."""
        return self.predicate_type == COSIGN_SIGN

    def annotations_for(self, subject: Digest) -> JsonObject:
        """Return the annotations of the entry about ``subject``, a SHA-256.

        Raises `Refused`: DIGEST_ALGORITHM where no entry has a SHA-256 at all, else DIGEST_MISMATCH.
        """
        for entry in self.subjects:
            if entry.sha256 == subject.hex:
                return entry.annotations
        if all(entry.sha256 is None for entry in self.subjects):
            raise Refused(RejectionCode.DIGEST_ALGORITHM, "the statement names its subject by no SHA-256")
        raise Refused(RejectionCode.DIGEST_MISMATCH, f"the statement is about another digest than {subject}")


def parse(payload: bytes, *, max_nodes: int = MAX_STATEMENT_NODES) -> Statement:
    """Return the statement in ``payload``, which has at most ``max_nodes`` JSON values. Raises `Refused`.

    Whoever asks before its signature was checked gives fewer. Unknown members pass, as in-toto wants it, but not known
    ones in other letters.
    """
    document = members.parse(payload, what="the statement", max_bytes=MAX_ATTESTATION_BYTES, max_nodes=max_nodes)
    members.no_other_spelling(document, _STATEMENT, what="the statement")
    if document.get("_type") not in (V01, V1):
        raise members.malformed("_type is neither in-toto Statement v0.1 nor v1")
    predicate_type = members.a_text(
        document.get("predicateType"), what="predicateType", max_chars=MAX_PREDICATE_TYPE_CHARS
    )
    if not predicate_type:
        raise members.malformed("predicateType is empty")
    entries = members.a_list(document.get("subject"), what="subject", max_items=MAX_SUBJECTS)
    if not entries:
        raise members.malformed("subject is empty")
    statement = Statement(predicate_type, tuple(_subject(entry) for entry in entries), document)
    if statement.is_signature:
        _check_signature(document)
    elif "predicate" not in document:
        raise members.malformed("predicate is missing")
    return statement


def _check_signature(document: JsonObject) -> None:
    """Raise `Refused` unless ``document`` is shaped like cosign's. cosign 3.0.0 to 3.0.3 and 2.6 left predicate out."""
    if document["_type"] != V1:
        raise members.malformed("a signature is an in-toto Statement v1")
    members.an_object(document.get("predicate", {}), what="the predicate of a signature")


def _subject(value: JsonValue) -> Subject:
    entry = members.an_object(value, what="a subject")
    members.no_other_spelling(entry, _SUBJECT, what="a subject")
    members.a_text(entry.get("name", ""), what="a subject's name", max_chars=MAX_STATEMENT_TEXT_CHARS)
    digests = members.an_object(entry.get("digest"), what="a subject's digest")
    if len(digests) > MAX_SUBJECT_DIGESTS:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"a subject has more than {MAX_SUBJECT_DIGESTS} digests")
    members.no_other_spelling(digests, {"sha256"}, what="a subject's digest")
    for algorithm, text in digests.items():
        members.a_text(algorithm, what="a digest's algorithm", max_chars=_MAX_ALGORITHM_CHARS)
        members.a_text(text, what="a subject's digest", max_chars=_MAX_DIGEST_CHARS)
    sha256 = digests.get("sha256")
    if isinstance(sha256, str) and _SHA256_HEX.fullmatch(sha256) is None:
        raise members.malformed("a subject's sha256 is not 64 of 0-9 a-f")
    annotations = members.an_object(entry.get("annotations", {}), what="a subject's annotations")
    return Subject(sha256 if isinstance(sha256, str) else None, annotations)
