"""How the hot queries reach their rows: by the index named here, with and without statistics.

"No SCAN" is not enough (a Bloom filter reads a whole table first, at 185 ms, and calls it SEARCH), so the index and the
columns it is searched by are compared, for every table of every query.
"""

import re
import sqlite3
from collections.abc import Iterator
from typing import Final

import pytest

from gateway.catalog.effects import (
    DeleteManifest,
    DeleteTag,
    DropPending,
    Entomb,
    MoveTag,
    PendTag,
    PromoteTag,
    RecordDecision,
    RecordEvent,
)
from gateway.catalog.sqlite import (
    admissions,
    blobs,
    clocks,
    descendants,
    evidence,
    listings,
    loose,
    manifests,
    putting,
    scope,
    uploads,
    witnesses,
    world,
)
from gateway.catalog.values import ManifestClass
from gateway.oci.names import Tag
from tests.support.catalog import (
    ALICE,
    BOB,
    NOW,
    REPO,
    Catalog,
    add_project,
    admit,
    catalog,
    image,
    index,
    put,
    run,
    support,
    verified,
)

FORBIDDEN: Final = re.compile(r"SCAN|TEMP|AUTOMATIC|BLOOM|MATERIALIZE|CO-ROUTINE|MULTI-INDEX")
_SEARCH: Final = re.compile(r"SEARCH (\w+) USING (.*)")

VISIBILITY: Final = {
    "d": {"INTEGER PRIMARY KEY (rowid=?)"},
    "e": {"PRIMARY KEY (repo_id=? AND child=?)"},
    "p": {"INTEGER PRIMARY KEY (rowid=?)"},
    "q": {
        "COVERING INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)",
        "INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)",
    },
    "s": {"INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)"},
    "u": {"PRIMARY KEY (manifest_id=?)"},
    "v": {"PRIMARY KEY (evidence_id=?)"},
    "w": {
        "PRIMARY KEY (manifest_id=? AND slot=?)",
        "PRIMARY KEY (manifest_id=? AND slot=? AND signer_id<?)",
    },
    "x": {"PRIMARY KEY (index_id=?)"},
    "z": {"PRIMARY KEY (project_id=? AND sha256=? AND repo_id=?)"},
}
R_BY_NAME: Final = {"INDEX sqlite_autoindex_repository_1 (name=?)"}
BY_ROWID: Final = {"INTEGER PRIMARY KEY (rowid=?)"}
M_BY_SHA256: Final = {"INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)"}
LINKS: Final = {"l": {"PRIMARY KEY (repo_id=? AND blob_id=?)"}, "m": BY_ROWID, "r": BY_ROWID}
BODY: Final = {"b": BY_ROWID}

VISIBLE_QUERIES: Final = [
    pytest.param(
        manifests.BY_TAG[0], {"r": R_BY_NAME, "t": {"PRIMARY KEY (repo_id=? AND name=?)"}, "m": BY_ROWID}, id="by-tag"
    ),
    pytest.param(
        manifests.BY_TAG[1],
        {"r": R_BY_NAME, "t": {"PRIMARY KEY (repo_id=? AND name=?)"}, "m": BY_ROWID, **BODY},
        id="by-tag-with-body",
    ),
    pytest.param(manifests.BY_SHA256[0], {"r": R_BY_NAME, "m": M_BY_SHA256}, id="by-sha256"),
    pytest.param(manifests.BY_SHA256[1], {"r": R_BY_NAME, "m": M_BY_SHA256, **BODY}, id="by-sha256-with-body"),
    pytest.param(
        manifests.BY_ALIAS[0],
        {"r": R_BY_NAME, "a": {"PRIMARY KEY (repo_id=? AND digest=?)"}, "m": BY_ROWID},
        id="by-alias",
    ),
    pytest.param(manifests.BY_ID[0], {"r": BY_ROWID, "m": BY_ROWID}, id="pending"),
    pytest.param(
        blobs.BLOB,
        {
            "r": R_BY_NAME,
            "b": {"INDEX sqlite_autoindex_blob_1 (digest=?)"},
            "k": {"PRIMARY KEY (repo_id=? AND blob_id=?)"},
            "l": {
                "PRIMARY KEY (repo_id=? AND blob_id=? AND manifest_id=?)",
                "COVERING INDEX ix_link_manifest_id (manifest_id=? AND repo_id=? AND blob_id=?)",
            },
            "m": BY_ROWID,
        },
        id="blob-by-witness",
    ),
    pytest.param(
        witnesses.SHOWN,
        {
            "k": {"PRIMARY KEY (repo_id=? AND blob_id=?)"},
            "r": BY_ROWID,
            "l": {
                "PRIMARY KEY (repo_id=? AND blob_id=? AND manifest_id=?)",
                "COVERING INDEX ix_link_manifest_id (manifest_id=? AND repo_id=? AND blob_id=?)",
            },
            "m": BY_ROWID,
        },
        id="named-blob-by-witness",
    ),
    pytest.param(witnesses.NEWEST, LINKS, id="blob-newest-links"),
    pytest.param(witnesses.WALK, LINKS, id="blob-walk"),
    pytest.param(
        listings.TAGS,
        {"r": R_BY_NAME, "t": {"PRIMARY KEY (repo_id=? AND name>?)"}, "m": BY_ROWID, "n": BY_ROWID},
        id="tags",
    ),
    pytest.param(
        listings.REPOSITORIES,
        {
            "r": {"INDEX sqlite_autoindex_repository_1 (name>?)"},
            "m": {
                "COVERING INDEX ix_manifest_repo_id (repo_id=?)",
                "INDEX ix_manifest_repo_id (repo_id=?)",
            },
            "h": BY_ROWID,
        },
        id="repositories",
    ),
    pytest.param(
        manifests.REFERRERS,
        {
            "r": R_BY_NAME,
            "f": {"PRIMARY KEY (repo_id=? AND subject=? AND (artifact_type,manifest_id)>(?,?))"},
            "m": BY_ROWID,
        },
        id="referrers",
    ),
    pytest.param(
        manifests.REFERRERS_OF_TYPE,
        {
            "r": R_BY_NAME,
            "f": {"PRIMARY KEY (repo_id=? AND subject=? AND artifact_type=? AND manifest_id>?)"},
            "m": BY_ROWID,
        },
        id="referrers-of-a-type",
    ),
]

POINT_QUERIES: Final = [
    pytest.param(
        manifests.SUBJECT,
        {
            "r": R_BY_NAME,
            "m": M_BY_SHA256,
            **{name: VISIBILITY[name] for name in "depuwz"},
            "q": {"COVERING INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)"},
        },
        id="subject-of-referrers",
    ),
    pytest.param(manifests.BODY_BY_ID, BODY, id="body"),
    # Of all principals in the project, each with a bounded number.
    pytest.param(
        clocks.DUE,
        {"m": {"INDEX ix_manifest_expires (expires>? AND expires<?)"}, "r": BY_ROWID, "p": BY_ROWID},
        id="clocks-due",
    ),
    pytest.param(
        clocks.UNCLOCKED,
        {
            "m": {"INDEX ix_manifest_unclocked (id>?)"},
            "r": BY_ROWID,
            **{name: VISIBILITY[name] for name in "depuwz"},
            "q": {"COVERING INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)"},
        },
        id="clocks-strays",
    ),
    pytest.param(
        world.CLOCK,
        {
            "m": BY_ROWID,
            "r": BY_ROWID,
            "s": {"COVERING INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)"},
            **{name: VISIBILITY[name] for name in "depuvwz"},
            "q": {"COVERING INDEX sqlite_autoindex_manifest_1 (sha256=? AND repo_id=?)"},
        },
        id="world-clock",
    ),
    pytest.param(
        admissions.NEWEST,
        {"decision": {"INDEX ix_decision_repo_name_digest_tag (repo_name=? AND digest=? AND tag=?)"}},
        id="newest-decision",
    ),
    pytest.param(world.TAGS_AT, {"t": {"COVERING INDEX ix_tag_target_id (target_id=?)"}}, id="world-tags-at"),
    pytest.param(world.TAGS_FOR, {"t": {"COVERING INDEX ix_tag_pending_id (pending_id=?)"}}, id="world-tags-for"),
    pytest.param(
        loose.LOOSE,
        {
            "k": {"INDEX ix_repo_blob_loose_of (linked_by=?)"},
            "r": {"COVERING INDEX ix_repository_project_id (project_id=? AND rowid=?)"},
        },
        id="loose-blobs-of-one",
    ),
    pytest.param(
        loose.BARE,
        {
            "k": {"INDEX ix_repo_blob_loose_of (linked_by=?)"},
            "r": {"COVERING INDEX ix_repository_project_id (project_id=? AND rowid=?)"},
            "m": {"COVERING INDEX ix_manifest_repo_id (repo_id=?)"},
        },
        id="bare-repositories-of-one",
    ),
    pytest.param(loose.LOOSE_BEFORE, {"repo_blob": {"COVERING INDEX ix_repo_blob_loose (loose<?)"}}, id="loose-before"),
    pytest.param(uploads.OPEN, {"u": {"INDEX ix_upload_project_id (project_id=?)"}}, id="open-uploads"),
    pytest.param(
        world.MANIFEST,
        {
            "m": M_BY_SHA256,
            "e": {"PRIMARY KEY (repo_id=? AND child=?)"},
            "v": {"PRIMARY KEY (evidence_id=?)"},
            **{name: VISIBILITY[name] for name in "dw"},
            "u": {*VISIBILITY["u"], "COVERING INDEX ix_support_evidence_id (evidence_id=?)"},
            "g": {"COVERING INDEX ix_missing_parent_id (parent_id=?)"},
        },
        id="world-manifest",
    ),
    pytest.param(
        world.TAGS,
        {"t": {"PRIMARY KEY (repo_id=? AND name=?)"}, "m": BY_ROWID, "n": BY_ROWID},
        id="world-tags",
    ),
    pytest.param(
        world.TAGS_PENDING,
        {"t": {"INDEX ix_tag_pending_id (pending_id=? AND repo_id=?)"}, "m": BY_ROWID, "n": BY_ROWID},
        id="world-pending-tags",
    ),
    pytest.param(
        world.BLOBS_HERE,
        {
            "b": {"INDEX sqlite_autoindex_blob_1 (digest=?)"},
            "k": {"PRIMARY KEY (repo_id=? AND blob_id=?)"},
        },
        id="world-closure",
    ),
    pytest.param(
        putting.LINK, {"k": {"COVERING INDEX ix_repo_blob_blob_id (blob_id=? AND repo_id=?)"}}, id="link-blobs"
    ),
    pytest.param(scope.NAME, {"repo_blob": {"PRIMARY KEY (repo_id=? AND blob_id=?)"}}, id="name-blobs"),
    pytest.param(world.TOMBSTONES, {"tombstone": {"PRIMARY KEY (project_id=? AND sha256=?)"}}, id="world-tombstones"),
    pytest.param(descendants.BY_SHA256, {"m": M_BY_SHA256}, id="world-children"),
    pytest.param(
        evidence.VERIFIED,
        {
            "m": {"INDEX ix_manifest_repo_id_subject (repo_id=? AND subject=?)"},
            "v": VISIBILITY["v"],
        },
        id="verified-evidence",
    ),
    pytest.param(
        evidence.UNVERIFIED,
        {
            "m": {"INDEX ix_manifest_repo_id_subject (repo_id=? AND subject=?)"},
            "v": VISIBILITY["v"],
        },
        id="unverified-evidence",
    ),
    pytest.param(
        blobs.SOURCES,
        {
            "b": {"COVERING INDEX sqlite_autoindex_blob_1 (digest=?)"},
            "k": {"COVERING INDEX ix_repo_blob_blob_id (blob_id=?)"},
            "r": BY_ROWID,
        },
        id="sources",
    ),
]


@pytest.fixture(scope="module", params=["no-statistics", "statistics"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalog as lopsided as real ones: a layer that all name, a child with a thousand roots, one huge repository."""
    with catalog(tmp_path_factory.mktemp("plans")) as opened:
        connection = sqlite3.connect(opened.database.path)
        try:
            with connection:
                _fill(connection)
                if request.param == "statistics":
                    connection.execute("ANALYZE")
        finally:
            connection.close()
        yield opened


@pytest.mark.parametrize(("statement", "expected"), VISIBLE_QUERIES)
def test_a_query_that_derives_visibility(filled: Catalog, statement: str, expected: dict[str, set[str]]) -> None:
    found = _plan(filled, statement)
    own = {alias: searches for alias, searches in found.items() if alias not in VISIBILITY}
    derived = {alias: searches for alias, searches in found.items() if alias in VISIBILITY}
    wanted = {alias: searches for alias, searches in expected.items() if alias != "p"}
    assert own.keys() == wanted.keys()
    assert all(own[alias] <= wanted[alias] for alias in own), own
    assert all(derived[alias] <= VISIBILITY[alias] for alias in derived), derived
    # The subject of a page of referrers is looked up once, by a query of its own.
    assert derived.keys() >= VISIBILITY.keys() - {"s"}


@pytest.mark.parametrize(("statement", "expected"), POINT_QUERIES)
def test_a_query_for_points(filled: Catalog, statement: str, expected: dict[str, set[str]]) -> None:
    assert _plan(filled, statement) == expected


def test_no_statement_of_a_commit_reads_a_whole_table(filled: Catalog) -> None:
    """Every statement that a push, a signature, a promotion, a delete and a revocation execute, as it was executed."""
    app, signature = image(b"app"), image(b"signature", config=b"of the signature")
    root = index(app.digest)
    top = index(root.digest)
    tag = Tag("v1")
    statements: list[str] = []
    run(filled.database.write(lambda connection: connection.set_trace_callback(statements.append)))
    filled.commit(put(app, missing=[app.layers[0].digest], held_bytes=1, expires=NOW + 1), about=app)
    filled.push(app, PendTag(tag, app.digest, None, BOB.id, {}))
    filled.push(signature, verified(signature, subject=app.digest), cls=ManifestClass.EVIDENCE, subject=app.digest)
    filled.commit(
        admit(app, [support(signature)]),
        PromoteTag(tag, app.digest, None),
        RecordDecision("d1", app.digest, None, "admitted", {}, b"{}"),
        RecordEvent("manifest.admitted", ALICE.id, app.digest, "d1", {}),
        about=app,
    )
    filled.push(root)
    filled.push(top, admit(top, edges=[(root, []), (app, [root])]))
    filled.commit(MoveTag(tag, root.digest, None), DropPending(tag), DeleteTag(tag), about=root)
    filled.commit(Entomb(root.digest, "r", "os:root"), about=root)
    for manifest in (root, signature, app, top):
        filled.commit(DeleteManifest(manifest.digest), about=manifest)
    run(filled.blobs.unlink(REPO, app.layers[0].digest, principal=ALICE, now=NOW))
    run(filled.database.write(lambda connection: connection.set_trace_callback(None)))
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE")
    # The trace also tells the statements of foreign keys and the like, as comments.
    asked = {text for text in statements if text.lstrip().startswith(verbs)}
    assert len(asked) > 60

    def query(connection: sqlite3.Connection) -> dict[str, list[str]]:
        plans = {text: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")] for text in asked}
        return {text: plan for text, plan in plans.items() if any(FORBIDDEN.search(line) for line in plan)}

    assert filled.database.read(query) == {}


def _plan(filled: Catalog, statement: str) -> dict[str, set[str]]:
    text = statement.replace("{keys}", "?,?,?,?")
    names = re.findall(r":(\w+)", text)
    values: object = dict.fromkeys(names, 1) if names else [1] * text.count("?")

    def query(connection: sqlite3.Connection) -> list[str]:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]  # type: ignore[arg-type]  # either kind

    lines = filled.database.read(query)
    assert not [line for line in lines if FORBIDDEN.search(line)]
    found: dict[str, set[str]] = {}
    for line in lines:
        if match := _SEARCH.match(line):
            found.setdefault(match[1], set()).add(match[2].removesuffix(" LEFT-JOIN"))
    return found


def _fill(connection: sqlite3.Connection) -> None:
    project = add_project(connection, "big")
    for number in range(300):
        add_project(connection, f"project-{number}")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    statements = [
        f"""{numbers.format(50)} INSERT INTO repository (id, project_id, name, created)
        SELECT i, {project}, printf('big/%03d', i), 0 FROM n""",
        f"""{numbers.format(8000)} INSERT INTO manifest
        (id, repo_id, sha256, class, state, slots, subject, media_type, size, who, created, expires)
        SELECT i, CASE WHEN i % 2 THEN 1 ELSE 1 + i % 50 END, printf('%064x', i / 3),
        CASE i % 4 WHEN 0 THEN 'evidence' ELSE 'image' END, i % 3 > 0, i % 3,
        CASE i % 4 WHEN 0 THEN printf('%064x', 7) END, 't', 1, 'u:a', i, CASE WHEN i % 3 THEN NULL ELSE i END FROM n
        WHERE true ON CONFLICT DO NOTHING""",
        "INSERT INTO body (manifest_id, bytes) SELECT id, x'00' FROM manifest",
        f"""{numbers.format(1000)} INSERT INTO edge (repo_id, child, root_id, path)
        SELECT 1, printf('%064x', 5), i, x'' FROM n""",
        f"""{numbers.format(3000)} INSERT INTO edge (repo_id, child, root_id, path)
        SELECT 1 + i % 50, printf('%064x', i), i % 700, x'' FROM n""",
        "INSERT INTO blob (id, digest, size) SELECT id, 'sha256:' || printf('%064x', id), 1 FROM manifest",
        """INSERT INTO repo_blob (repo_id, blob_id, linked, linked_by)
        SELECT repo_id, id, 0, 'u:a' FROM manifest UNION SELECT id, 1, 0, 'u:a' FROM repository""",
        """INSERT INTO link (repo_id, blob_id, manifest_id)
        SELECT repo_id, 1, id FROM manifest UNION SELECT repo_id, id, id FROM manifest""",
        """INSERT INTO tag (repo_id, name, target_id, generation, moved, pending_id)
        SELECT repo_id, 'v' || id, id, 1, 0, CASE WHEN id % 100 THEN NULL ELSE id END FROM manifest""",
        f"""{numbers.format(300)} INSERT INTO principal (id, kind, name, created, created_by)
        SELECT 'u:' || i, 'user', 'n' || i, 0, 'os:root' FROM n""",
        f"{numbers.format(200)} INSERT INTO signer (identity, name) SELECT 'key:' || i, 'n' FROM n",
        """INSERT INTO support (manifest_id, slot, signer_id, seen, evidence_id)
        SELECT id, 0, 1 + id % 200, 1, 4 FROM manifest WHERE slots > 0""",
        """INSERT INTO verified (evidence_id, signer_id, signed, seen)
        SELECT id, 1 + id % 200, 'sha256:' || sha256, 1 FROM manifest WHERE class = 'evidence'""",
        f"""{numbers.format(100)} INSERT INTO distrust (signer_id, since, revoked_by, at)
        SELECT i, 0, 'os:root', 0 FROM n""",
        f"""{numbers.format(1000)} INSERT INTO tombstone (project_id, sha256, reason, revoked_by, at)
        SELECT {project}, printf('%064x', i * 3), 'r', 'os:root', 0 FROM n""",
        """INSERT INTO referrer (repo_id, subject, artifact_type, manifest_id)
        SELECT repo_id, 'sha256:' || subject, 'application/x', id FROM manifest WHERE subject IS NOT NULL""",
        f"""{numbers.format(2000)} INSERT INTO entry (index_id, child, repo_id)
        SELECT i % 300, printf('%064x', i), i % 50 FROM n""",
    ]
    for statement in statements:
        connection.execute(statement)
