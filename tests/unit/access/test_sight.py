"""The one function of visibility against the table of DESIGN 3, every row by every column, written by hand."""

from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.sight import (
    Absent,
    BlobUse,
    Open,
    Quarantined,
    Sight,
    blob_sight,
    catalog_sight,
    manifest_sight,
    referrer_sight,
    tag_list_sight,
    tag_sight,
)
from gateway.access.values import Condition, Grant, QuarantineLevel, Rights, Verb
from gateway.oci.names import RepositoryName
from tests.support.identity import ALICE, PROPERTY, project

COLUMNS = ("no pull", "pull only", "full", "signing")


def caller(column: str, *, scanner: bool = False) -> Grant:
    level = {"full": QuarantineLevel.FULL, "signing": QuarantineLevel.SIGNING}.get(column, QuarantineLevel.NONE)
    verbs = frozenset[Verb]() if column == "no pull" else frozenset({Verb.PULL})
    return Grant(
        principal=ALICE,
        project=project(),
        repository=RepositoryName.parse("team/app"),
        rights=Rights(verbs=verbs, quarantine=level),
        scanner=scanner,
    )


def word(sight: Sight) -> str:
    match sight:
        case Absent():
            return "404"
        case Open():
            return "200"
        case Quarantined(state_header):
            return state_header
        case _:
            assert_never(sight)


def row(name: str, *cells: str) -> list[object]:
    """One row of the table below as one case per column."""
    return [
        pytest.param(name, column, cell, id=f"{name}-{column}") for column, cell in zip(COLUMNS, cells, strict=True)
    ]


def look(name: str, grant: Grant) -> Sight:
    """What each row of the table asks."""
    scanner = Grant(grant.principal, grant.project, grant.repository, grant.rights, scanner=True)
    match name.split("/"):
        case ["manifest", condition]:
            visible = condition in ("admitted", "carried")
            return manifest_sight(grant, visible=visible, condition=Condition(condition))
        case ["evidence", verified, subject]:
            visible = verified == "verified" and subject == "visible"
            return manifest_sight(grant, visible=visible, condition=Condition.HELD)
        case ["tag", "target", condition]:
            visible = condition in ("admitted", "carried")
            return tag(grant, pending=False, visible=visible, condition=Condition(condition), requester=ALICE.id)
        case ["tag", "metadata", condition]:
            visible = condition == "admitted"
            return tag(
                grant, pending=False, visible=visible, condition=Condition(condition), requester=None, metadata=True
            )
        case ["tag", "pending", "stranger"]:
            return tag(grant, requester="u:bob")
        case ["tag", "pending", "unknown requester"]:
            return tag(grant, requester=None)
        case ["tag", "pending", "requester"]:
            return tag(grant, requester=ALICE.id)
        case ["tag", "pending", "scanner"]:
            return tag(scanner, requester="u:bob")
        case ["tag", "pending", "view header"]:
            return tag(grant, requester="u:bob", view=True)
        case ["tag", "pending", "cache"]:
            return tag(grant, requester="u:bob", cache=True)
        case ["tag", "pending", "requester", condition]:
            return tag(grant, requester=ALICE.id, visible=condition == "admitted", condition=Condition(condition))
        case ["blob", "held", use]:
            return blob_sight(grant, visible=False, use=BlobUse(use))
        case ["blob", "visible", use]:
            return blob_sight(grant, visible=True, use=BlobUse(use))
        case ["referrer", condition]:
            return referrer_sight(grant, visible=condition == "admitted", condition=Condition(condition))
        case ["catalog", what]:
            return catalog_sight(grant.rights, visible=what == "visible")
        case _:
            raise AssertionError(name)


def tag(
    grant: Grant,
    *,
    requester: str | None,
    pending: bool = True,
    visible: bool = False,
    condition: Condition = Condition.HELD,
    view: bool = False,
    cache: bool = False,
    metadata: bool = False,
) -> Sight:
    return tag_sight(
        grant,
        pending=pending,
        visible=visible,
        condition=condition,
        requester_id=requester,
        view_pending=view,
        cache=cache,
        metadata=metadata,
    )


# fmt: off
TABLE = [
    #                                        no pull  pull only  full          signing
    *row("manifest/admitted",                "404",   "200",     "200",        "200"),
    *row("manifest/carried",                 "404",   "200",     "200",        "200"),
    *row("manifest/held",                    "404",   "404",     "held",       "held"),
    *row("manifest/distrusted",              "404",   "404",     "distrusted", "distrusted"),
    *row("manifest/revoked",                 "404",   "404",     "revoked",    "revoked"),
    *row("evidence/verified/visible",        "404",   "200",     "200",        "200"),
    *row("evidence/verified/held",           "404",   "404",     "held",       "held"),
    *row("evidence/unverified/visible",      "404",   "404",     "held",       "held"),
    *row("tag/target/admitted",              "404",   "200",     "200",        "200"),
    *row("tag/target/carried",               "404",   "200",     "200",        "200"),
    *row("tag/target/held",                  "404",   "404",     "404",        "404"),
    *row("tag/target/distrusted",            "404",   "404",     "404",        "404"),
    *row("tag/target/revoked",               "404",   "404",     "404",        "404"),
    *row("tag/metadata/admitted",            "404",   "200",     "200",        "200"),
    *row("tag/metadata/held",                "404",   "404",     "held",       "held"),
    *row("tag/metadata/distrusted",          "404",   "404",     "distrusted", "distrusted"),
    *row("tag/metadata/revoked",             "404",   "404",     "revoked",    "revoked"),
    *row("tag/pending/stranger",             "404",   "404",     "404",        "404"),
    *row("tag/pending/unknown requester",    "404",   "404",     "404",        "404"),
    *row("tag/pending/requester",            "404",   "404",     "held",       "held"),
    *row("tag/pending/scanner",              "404",   "404",     "held",       "held"),
    *row("tag/pending/view header",          "404",   "404",     "held",       "held"),
    *row("tag/pending/cache",                "404",   "404",     "held",       "held"),
    *row("tag/pending/requester/admitted",   "404",   "404",     "held",       "held"),
    *row("tag/pending/requester/distrusted", "404",   "404",     "distrusted", "distrusted"),
    *row("tag/pending/requester/revoked",    "404",   "404",     "revoked",    "revoked"),
    *row("blob/held/get",                    "404",   "404",     "held",       "404"),
    *row("blob/held/head",                   "404",   "404",     "held",       "held"),
    *row("blob/held/mount",                  "404",   "404",     "held",       "404"),
    *row("blob/visible/get",                 "404",   "200",     "200",        "200"),
    *row("blob/visible/head",                "404",   "200",     "200",        "200"),
    *row("blob/visible/mount",               "404",   "200",     "200",        "200"),
    *row("referrer/admitted",                "404",   "200",     "200",        "200"),
    *row("referrer/held",                    "404",   "404",     "held",       "404"),
    *row("referrer/distrusted",              "404",   "404",     "distrusted", "404"),
    *row("referrer/revoked",                 "404",   "404",     "revoked",    "404"),
    *row("catalog/visible",                  "404",   "200",     "200",        "200"),
    *row("catalog/held only",                "404",   "404",     "held",       "404"),
]
# fmt: on


@pytest.mark.parametrize(("name", "column", "cell"), TABLE)
def test_table(name: str, column: str, cell: str) -> None:
    assert word(look(name, caller(column))) == cell


@pytest.mark.parametrize("condition", [Condition.DISTRUSTED, Condition.REVOKED], ids=str)
@pytest.mark.parametrize("column", COLUMNS)
def test_what_was_hidden_is_never_open_whatever_is_claimed(column: str, condition: Condition) -> None:
    assert manifest_sight(caller(column), visible=True, condition=condition) != Open()
    assert tag(caller(column), pending=False, visible=True, condition=condition, requester=ALICE.id) == Absent()
    assert referrer_sight(caller(column), visible=True, condition=condition) != Open()


@PROPERTY
@given(
    st.sampled_from(COLUMNS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, ALICE.id, "u:bob"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_a_tag_is_listed_exactly_where_a_get_of_it_answers(
    column: str,
    scanner: bool,
    visible: bool,
    pending: bool,
    requester: str | None,
    view: bool,
    cache: bool,
    metadata: bool,
) -> None:
    grant = caller(column, scanner=scanner)
    condition = Condition.ADMITTED if visible else Condition.DISTRUSTED
    gets = [tag(grant, pending=False, visible=visible, condition=condition, requester=requester, metadata=metadata)]
    if pending:
        gets.append(tag(grant, requester=requester, view=view, cache=cache))
    listed = tag_list_sight(
        grant,
        visible=visible,
        pending=pending,
        requester_id=requester,
        view_pending=view,
        cache=cache,
        metadata=condition if metadata else None,
    )
    assert (listed != Absent()) == any(get != Absent() for get in gets)
    assert (listed == Open()) == (gets[0] == Open())
