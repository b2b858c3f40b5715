"""Rows of `manifest` as views: the columns that every read asks for, and what is made of them.

Pure: constants and conversions.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from gateway.access.values import Condition
from gateway.catalog.sqlite.visibility import condition
from gateway.catalog.values import VISIBLE, ManifestClass, ManifestView
from gateway.oci.digest import HEX_LENGTHS, Digest
from gateway.oci.names import RepositoryName

Row: TypeAlias = Sequence[Any]

_LENGTH_SHA512: Final = HEX_LENGTHS["sha512"]


def view_columns(m: str, *, subject: str | None = None) -> str:
    """The columns that `view` reads, of the manifest row ``m``."""
    return f"""{m}.id, {m}.sha256, {m}.class, {condition(m, subject=subject)}, {m}.media_type, {m}.artifact_type, {m}.size,
    {m}.unverified, {m}.subject, {m}.who, {m}.created, {m}.expires"""


_WIDTH: Final = 12
"""The number of `view_columns`; the body, where it was asked for, is the column after them."""


def view(row: Row, repository: RepositoryName, *, alias: Digest | None) -> ManifestView:
    """Return the view of a row that starts with `view_columns`."""
    found = Condition(row[3])
    return ManifestView(
        id=row[0],
        repository=repository,
        digest=sha256(row[1]),
        alias=alias,
        cls=ManifestClass(row[2]),
        condition=found,
        visible=found in VISIBLE,
        media_type=row[4],
        artifact_type=row[5],
        size=row[6],
        unverified=bool(row[7]),
        subject=None if row[8] is None else sha256(row[8]),
        who=row[9],
        created=row[10],
        expires=row[11],
        body=row[_WIDTH] if len(row) > _WIDTH else None,
    )


def sha256(encoded: str) -> Digest:
    """Return the digest of a column that holds hexadecimal SHA-256: parsed when it was stored."""
    return Digest("sha256", encoded)


def entry_digest(encoded: str) -> Digest:
    """Return the digest of `entry.child`, whose algorithm shows in its length."""
    return Digest("sha512" if len(encoded) == _LENGTH_SHA512 else "sha256", encoded)


def alias_digest(text: str | None) -> Digest | None:
    """Return the digest of an alias column, None where there is none."""
    return None if text is None else Digest.parse(text)


def claims_json(claims: Mapping[str, str]) -> str:
    """Return a column of verified claims; equal claims give equal text."""
    return json.dumps(dict(claims), ensure_ascii=False, sort_keys=True)
