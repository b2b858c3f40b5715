"""Removing a project leaves no row of it in any table, and takes none of a neighbour's."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway.access.values import InstanceRole, Mode, Role, Visibility
from gateway.catalog.schema import metadata
from gateway.catalog.sqlite.database import Database
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName
from tests.support.catalog_admin import ALICE, NOW, ROOT, on_sqlite, opened

run = asyncio.run

KEPT: Final = {
    # Shared: bytes and keys, not rights.
    "blob": "the bytes are there until garbage collection; no repository has them",
    "signer": "a key is not of a project",
    "distrust": "neither is its revocation",
    # People.
    "account": "a person is not of a project",
    "instance_role": "nor of one are these",
    "active": "of the instance",
    "revision": "of the instance",
    # Audit.
    "event": "audit",
    "pull": "audit",
    "decision": "audit: under a name that no repository can have",
    "used_token": "what was used up stays so, whatever becomes of the project",
    "decision_input": "audit: of those that admitted something",
}

HEX: Final = "ab" * 32


def fill(connection: sqlite3.Connection, name: str, salt: str) -> None:
    """Put a row for this project into every table that can have one; ``salt`` makes what is unique so."""
    project = connection.execute("SELECT id FROM project WHERE name = ?", (name,)).fetchone()[0]
    repository = f"{name}/web"

    def insert(table: str, **values: object) -> int:
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        row = connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))
        assert row.lastrowid is not None
        return row.lastrowid

    repo = insert("repository", project_id=project, name=repository, created=NOW)
    common = {"repo_id": repo, "class": "image", "state": 0, "media_type": "m", "size": 1, "who": "u:x", "created": NOW}
    manifest = insert("manifest", sha256=HEX, **common)
    evidence = insert("manifest", sha256="cd" * 32, subject=HEX, **common)
    insert("body", manifest_id=manifest, bytes=b"{}")
    insert("alias", repo_id=repo, digest="sha512:" + HEX, manifest_id=manifest)
    insert("edge", repo_id=repo, child=HEX, root_id=manifest, path=b"")
    insert("entry", index_id=manifest, child=HEX, repo_id=repo)
    insert("referrer", repo_id=repo, subject=HEX, artifact_type="a", manifest_id=evidence)
    insert("missing", repo_id=repo, digest="sha256:" + HEX, parent_id=manifest, named=1)
    insert("tag", repo_id=repo, name="latest", target_id=manifest, generation=1, moved=NOW)
    blob = insert("blob", digest=f"sha256:{salt:0>64}", size=7)
    insert("repo_blob", repo_id=repo, blob_id=blob, witness=manifest, linked=NOW, linked_by="u:x")
    insert("holder", repo_id=repo, blob_id=blob, principal_id="u:x")
    insert("link", repo_id=repo, blob_id=blob, manifest_id=manifest)
    insert("upload", id=salt, repo_name=repository, project_id=project, principal_id="u:x", started=NOW, touched=NOW)
    signer = insert("signer", identity=salt, name="k")
    insert("support", manifest_id=manifest, slot=0, signer_id=signer, seen=NOW, evidence_id=evidence)
    insert("verified", evidence_id=evidence, signer_id=signer, signed=f"sha256:{HEX}", seen=NOW)
    insert("distrust", signer_id=signer, since=0, revoked_by="u:x", at=NOW)
    insert("tombstone", project_id=project, sha256=HEX, reason="r", revoked_by="u:x", at=NOW)
    insert("subject_state", repo_id=repo, subject=HEX)
    for number, (where, row) in enumerate([(repository, manifest), (f"{name}/never/stored", None), (name, None)]):
        insert(
            "decision",
            id=f"{salt}-{number}",
            manifest_id=row,
            repo_name=where,
            digest="sha256:" + HEX,
            outcome="held",
            at=NOW,
            record="{}",
            reasons_sha256="r",
            record_sha256="r",
        )
        insert("work", kind="reevaluate", key=f"{where}@{salt}", data=f'{{"repository": "{where}"}}', due=NOW)
    insert("decision_input", sha256=salt, document=b"{}")
    insert("decision_input", sha256=f"passing-{salt}", document=b"{}")
    insert("passing_input", project_id=project, sha256=f"passing-{salt}", size=2)
    insert("pull", minute=1, principal_id="u:x", repository=repository, digest=HEX, address=salt, outcome="pulled",
           first=NOW, last=NOW, count=1)  # fmt: skip
    insert("work", kind="rejudge", key=f"project:{name}", data=f'{{"project": "{name}"}}', due=NOW)
    insert("principal", id=f"w:{salt}", kind="workload", name=f"ci+{salt}", created=NOW, created_by="os:root")
    insert("federation_rule", principal_id=f"w:{salt}", project_id=project, issuer="ci", document="")
    insert("ci_session", id=salt, principal_id=f"w:{salt}", issuer="ci", token_sha256=b"t",
           subject="s", claims="{}", started=NOW, ends=NOW, forgotten=NOW, address="a", bound=0)  # fmt: skip


def tables(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables."""
    return database.read(
        lambda connection: {
            table.name: sorted(connection.execute(f"SELECT * FROM {table.name}").fetchall(), key=repr)
            for table in metadata.sorted_tables
        }
    )


def make(database: Database, name: str, salt: str) -> None:
    catalog, project = on_sqlite(database), ProjectName(name)
    run(catalog.projects.create_project(project, mode=Mode.HOLD, visibility=Visibility.PUBLIC, by=ROOT, now=NOW))
    catalog.member(ALICE, Role.OWNER, project)
    robot = Principal(f"r:{salt}", PrincipalKind.ROBOT, f"robot+{name}+ci")
    catalog.robot(robot, project, secret=salt.encode().ljust(32, b"."))
    run(database.write(lambda connection: fill(connection, name, salt)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path / "catalog.db") as database:
        on_sqlite(database).account()
        run(
            on_sqlite(database).members.set_instance_role(
                ALICE.id, InstanceRole.AUDITOR, granted=True, by=ROOT, now=NOW
            )
        )
        run(on_sqlite(database).revisions.activate("policy", "sha256:x", b"", reason="r", by=ROOT, now=NOW))
        yield database


# "acme-x" and "acme.x" sort before "acme/", "acme0" and "acmes" after it.
@pytest.mark.parametrize("neighbour", ["acme-x", "acme.x", "acme0", "acmes", "acm", "other"])
def test_a_project_takes_all_its_rows_and_no_other(database: Database, neighbour: str) -> None:
    make(database, neighbour, "1")
    before = tables(database)
    make(database, "acme", "2")
    full = tables(database)
    untouched = [table for table in full if full[table] == before[table] and table not in KEPT]
    assert untouched == [], "a table that the test does not fill is not tested"
    run(on_sqlite(database).projects.delete_project(ProjectName("acme"), by=ROOT, now=NOW))
    after = tables(database)
    assert {table: after[table] for table in after if table not in KEPT} == {
        table: before[table] for table in before if table not in KEPT
    }
    for table in KEPT.keys() - {"event", "decision", "decision_input"}:
        assert after[table] == full[table], table
    gone = set(map(repr, full["decision_input"])) - set(map(repr, after["decision_input"]))
    assert [row for row in gone if "passing-2" not in row] == []
    assert len(gone) == 1, "what admitted something is kept"
    assert set(before["decision"]) < set(after["decision"]), "a neighbour's decisions are found as before"
    assert set(map(repr, full["event"])) < set(map(repr, after["event"]))


def test_decisions_stay_where_no_repository_finds_them(database: Database) -> None:
    make(database, "acme", "2")
    (project,) = database.read(lambda connection: connection.execute("SELECT id FROM project").fetchone())
    run(on_sqlite(database).projects.delete_project(ProjectName("acme"), by=ROOT, now=NOW))
    rows = database.read(
        lambda connection: connection.execute("SELECT id, manifest_id, repo_name FROM decision ORDER BY id").fetchall()
    )
    assert rows == [
        ("2-0", None, f"deleted:{project}:acme/web"),
        ("2-1", None, f"deleted:{project}:acme/never/stored"),
        ("2-2", None, f"deleted:{project}:acme"),
    ]


def test_ids_are_not_given_again(database: Database) -> None:
    make(database, "acme", "2")
    names = ("project", "repository", "manifest")
    query = " UNION ALL ".join(f"SELECT max(id) FROM {name}" for name in names)
    first = database.read(lambda connection: connection.execute(query).fetchall())
    run(on_sqlite(database).projects.delete_project(ProjectName("acme"), by=ROOT, now=NOW))
    make(database, "acme", "3")
    second = database.read(lambda connection: connection.execute(query.replace("max", "min")).fetchall())
    for name, old, new in zip(names, first, second, strict=True):
        assert new[0] > old[0], name
