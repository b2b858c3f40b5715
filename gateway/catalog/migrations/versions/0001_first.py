"""The first tables.

What they mean is in `gateway.catalog.schema`; a test holds this migration and that module to the same result. There is no
way back: a catalog is restored from a backup, never downgraded.

I/O: the catalog, through Alembic.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _column(name: str, kind: type[sa.Integer | sa.Text | sa.LargeBinary], default: str | None) -> sa.Column[object]:
    """Return a column that is never null; ``default`` is SQL."""
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _integer(name: str, default: str | None = None) -> sa.Column[object]:
    return _column(name, sa.Integer, default)


def _text(name: str, default: str | None = None) -> sa.Column[object]:
    return _column(name, sa.Text, default)


def _bytes(name: str) -> sa.Column[object]:
    return _column(name, sa.LargeBinary, None)


def _nullable(name: str, kind: type[sa.Integer | sa.Text | sa.LargeBinary]) -> sa.Column[object]:
    return sa.Column(name, kind())


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "alias",
        _integer("repo_id"),
        _text("digest"),
        _integer("manifest_id"),
        _key("alias", "repo_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alias_manifest_id", "alias", ["manifest_id"])
    op.create_table(
        "blob", _integer("id"), _text("digest"), _integer("size"), _key("blob", "id"), _unique("blob", "digest")
    )
    op.create_table(
        "decision",
        _text("id"),
        _nullable("manifest_id", sa.Integer),
        _text("repo_name"),
        _text("digest"),
        _nullable("tag", sa.Text),
        _text("outcome"),
        _integer("at"),
        _text("record"),
        _text("reasons_sha256"),
        _text("record_sha256"),
        _key("decision", "id"),
    )
    op.create_index("ix_decision_manifest_id", "decision", ["manifest_id"])
    op.create_index("ix_decision_repo_name_digest", "decision", ["repo_name", "digest"])
    op.create_index("ix_decision_repo_name_digest_tag", "decision", ["repo_name", "digest", "tag"])
    op.create_table("decision_input", _text("sha256"), _bytes("document"), _key("decision_input", "sha256"))
    op.create_table(
        "distrust",
        _integer("signer_id"),
        _integer("since"),
        _text("revoked_by"),
        _integer("at"),
        _key("distrust", "signer_id"),
    )
    op.create_table(
        "edge",
        _integer("repo_id"),
        _text("child"),
        _integer("root_id"),
        _bytes("path"),
        _key("edge", "repo_id", "child", "root_id", "path"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edge_root_id", "edge", ["root_id"])
    op.create_table(
        "entry",
        _integer("index_id"),
        _text("child"),
        _integer("repo_id"),
        _key("entry", "index_id", "child"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entry_repo_id_child", "entry", ["repo_id", "child"])
    op.create_table(
        "event",
        _integer("id"),
        _integer("at"),
        _text("kind"),
        _text("principal_id"),
        _nullable("project", sa.Text),
        _nullable("repository", sa.Text),
        _nullable("digest", sa.Text),
        _nullable("decision_id", sa.Text),
        _text("data"),
        _key("event", "id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_digest", "event", ["digest"])
    op.create_table(
        "holder",
        _integer("repo_id"),
        _integer("blob_id"),
        _text("principal_id"),
        _key("holder", "repo_id", "blob_id", "principal_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "instance_role",
        _text("principal_id"),
        _text("role"),
        _integer("granted"),
        _text("granted_by"),
        _key("instance_role", "principal_id", "role"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "link",
        _integer("repo_id"),
        _integer("blob_id"),
        _integer("manifest_id"),
        _key("link", "repo_id", "blob_id", "manifest_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_link_manifest_id", "link", ["manifest_id"])
    op.create_table(
        "member",
        _integer("project_id"),
        _text("principal_id"),
        _text("role"),
        _integer("added"),
        _text("added_by"),
        _key("member", "project_id", "principal_id", "role"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_member_principal_id", "member", ["principal_id"])
    op.create_table(
        "missing",
        _integer("repo_id"),
        _text("digest"),
        _integer("parent_id"),
        _integer("named"),
        _nullable("size", sa.Integer),
        _key("missing", "repo_id", "digest", "parent_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_missing_parent_id", "missing", ["parent_id"])
    op.create_table(
        "passing_input",
        _integer("id"),
        _integer("project_id"),
        _text("sha256"),
        _integer("size"),
        _key("passing_input", "id"),
        _unique("passing_input", "sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passing_input_project_id", "passing_input", ["project_id"])
    op.create_table(
        "principal",
        _text("id"),
        _text("kind"),
        _text("name"),
        _integer("disabled", "0"),
        _integer("created"),
        _text("created_by"),
        _key("principal", "id"),
        _unique("principal", "name"),
    )
    op.create_table(
        "project",
        _integer("id"),
        _text("name"),
        _text("mode"),
        _text("visibility"),
        _integer("writers_read_held", "1"),
        _integer("trust_revision", "0"),
        _integer("policy_revision", "0"),
        _integer("waiver_revision", "0"),
        _integer("held_bytes", "0"),
        _integer("held_bytes_limit"),
        _integer("held_seconds"),
        _integer("cache_bytes", "0"),
        _integer("passing_bytes", "0"),
        _integer("created"),
        _key("project", "id"),
        _unique("project", "name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pull",
        _integer("minute"),
        _text("principal_id"),
        _text("repository"),
        _text("digest"),
        _text("address"),
        _text("outcome"),
        _integer("first"),
        _integer("last"),
        _integer("count"),
        _key("pull", "digest", "minute", "principal_id", "repository", "address", "outcome"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "referrer",
        _integer("repo_id"),
        _text("subject"),
        _text("artifact_type"),
        _integer("manifest_id"),
        _key("referrer", "repo_id", "subject", "artifact_type", "manifest_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_referrer_manifest_id", "referrer", ["manifest_id"])
    op.create_table(
        "repo_blob",
        _integer("repo_id"),
        _integer("blob_id"),
        _nullable("witness", sa.Integer),
        _nullable("none_at", sa.Integer),
        _integer("linked"),
        _text("linked_by"),
        _nullable("loose", sa.Integer),
        _key("repo_blob", "repo_id", "blob_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_repo_blob_blob_id", "repo_blob", ["blob_id"])
    op.create_index("ix_repo_blob_loose", "repo_blob", ["loose"], sqlite_where=sa.text("loose IS NOT NULL"))
    op.create_index("ix_repo_blob_loose_of", "repo_blob", ["linked_by"], sqlite_where=sa.text("loose IS NOT NULL"))
    op.create_table(
        "revision",
        _integer("id"),
        _text("kind"),
        _text("digest"),
        _bytes("content"),
        _text("reason"),
        _text("made_by"),
        _integer("at"),
        _nullable("activated", sa.Integer),
        _key("revision", "id"),
        _unique("revision", "kind", "digest"),
    )
    op.create_table(
        "signer", _integer("id"), _text("identity"), _text("name"), _key("signer", "id"), _unique("signer", "identity")
    )
    op.create_table(
        "subject_state",
        _integer("repo_id"),
        _text("subject"),
        _integer("generation", "0"),
        _integer("verified", "0"),
        _integer("unverified", "0"),
        _key("subject_state", "repo_id", "subject"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "support",
        _integer("manifest_id"),
        _integer("slot"),
        _integer("signer_id"),
        _integer("seen"),
        _integer("evidence_id"),
        _key("support", "manifest_id", "slot", "signer_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_support_evidence_id", "support", ["evidence_id"])
    op.create_index("ix_support_signer_id", "support", ["signer_id"])
    op.create_table(
        "tag",
        _integer("repo_id"),
        _text("name"),
        _nullable("target_id", sa.Integer),
        _nullable("target_alias", sa.Text),
        _integer("generation"),
        _nullable("pending_id", sa.Integer),
        _nullable("pending_alias", sa.Text),
        _nullable("pending_generation", sa.Integer),
        _nullable("requester_id", sa.Text),
        _nullable("requester_claims", sa.Text),
        _integer("moved"),
        _key("tag", "repo_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tag_pending_id", "tag", ["pending_id"], sqlite_where=sa.text("pending_id IS NOT NULL"))
    op.create_index("ix_tag_target_id", "tag", ["target_id"])
    op.create_table(
        "tombstone",
        _integer("project_id"),
        _text("sha256"),
        _integer("repo_id", "0"),
        _text("reason"),
        _text("revoked_by"),
        _integer("at"),
        _key("tombstone", "project_id", "sha256", "repo_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "upload",
        _text("id"),
        _text("repo_name"),
        _integer("project_id"),
        _text("principal_id"),
        _integer("size", "0"),
        _integer("patches", "0"),
        _integer("started"),
        _integer("touched"),
        _key("upload", "id"),
    )
    op.create_index("ix_upload_project_id", "upload", ["project_id"])
    op.create_index("ix_upload_touched", "upload", ["touched"])
    op.create_table(
        "used_token",
        _text("issuer"),
        _bytes("token_key"),
        _text("session_id"),
        _integer("forgotten"),
        _key("used_token", "issuer", "token_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_used_token_forgotten", "used_token", ["forgotten"])
    op.create_table(
        "verified",
        _integer("evidence_id"),
        _integer("signer_id"),
        _text("signed"),
        _integer("seen"),
        _key("verified", "evidence_id", "signer_id", "signed"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_verified_signer_id", "verified", ["signer_id"])
    op.create_table(
        "work",
        _integer("id"),
        _text("kind"),
        _text("key"),
        _text("data"),
        _integer("project_id", "0"),
        _integer("due"),
        _nullable("leased_until", sa.Integer),
        _integer("attempts", "0"),
        _key("work", "id"),
        _unique("work", "kind", "key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_work_due", "work", ["due"])
    op.create_index("ix_work_project_id", "work", ["project_id", "due"])
    op.create_table(
        "account",
        _text("principal_id"),
        _text("password_hash"),
        _integer("changed"),
        _key("account", "principal_id"),
        _foreign("account", "principal_id", "principal.id"),
    )
    op.create_table(
        "active",
        _text("kind"),
        _integer("revision_id"),
        _integer("generation"),
        _text("reason"),
        _key("active", "kind"),
        _foreign("active", "revision_id", "revision.id"),
    )
    op.create_table(
        "ci_session",
        _text("id"),
        _text("principal_id"),
        _text("issuer"),
        _bytes("token_sha256"),
        _nullable("secret_sha256", sa.LargeBinary),
        _text("subject"),
        _text("claims"),
        _integer("started"),
        _integer("ends"),
        _nullable("ended", sa.Integer),
        _integer("forgotten"),
        _text("address"),
        _integer("bound"),
        _nullable("other_address", sa.Text),
        _key("ci_session", "id"),
        _unique("ci_session", "secret_sha256"),
        _foreign("ci_session", "principal_id", "principal.id"),
    )
    op.create_index("ix_ci_session_forgotten", "ci_session", ["forgotten"])
    op.create_index("ix_ci_session_principal_id", "ci_session", ["principal_id"])
    op.create_index("ix_ci_session_token_sha256", "ci_session", ["token_sha256"])
    op.create_table(
        "federation_rule",
        _text("principal_id"),
        _integer("project_id"),
        _text("issuer"),
        _text("document"),
        _nullable("removed", sa.Integer),
        _key("federation_rule", "principal_id"),
        _foreign("federation_rule", "principal_id", "principal.id"),
        _foreign("federation_rule", "project_id", "project.id"),
    )
    op.create_index("ix_federation_rule_issuer", "federation_rule", ["issuer"])
    op.create_index("ix_federation_rule_project_id", "federation_rule", ["project_id"])
    op.create_table(
        "repository",
        _integer("id"),
        _integer("project_id"),
        _text("name"),
        _integer("raised", "0"),
        _nullable("witness", sa.Integer),
        _integer("created"),
        _key("repository", "id"),
        _unique("repository", "name"),
        _foreign("repository", "project_id", "project.id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_repository_project_id", "repository", ["project_id"])
    op.create_table(
        "robot",
        _text("principal_id"),
        _integer("project_id"),
        _bytes("secret_sha256"),
        _integer("expires"),
        _nullable("revoked", sa.Integer),
        _integer("quarantine_read", "1"),
        _key("robot", "principal_id"),
        _unique("robot", "secret_sha256"),
        _foreign("robot", "principal_id", "principal.id"),
        _foreign("robot", "project_id", "project.id"),
    )
    op.create_index("ix_robot_project_id", "robot", ["project_id"])
    op.create_table(
        "manifest",
        _integer("id"),
        _integer("repo_id"),
        _text("sha256"),
        _text("class"),
        _integer("state"),
        _integer("slots", "0"),
        _nullable("until", sa.Integer),
        _integer("unverified", "0"),
        _nullable("subject", sa.Text),
        _nullable("evidence_format", sa.Text),
        _text("media_type"),
        _nullable("artifact_type", sa.Text),
        _integer("size"),
        _integer("held_size", "0"),
        _text("who"),
        _text("who_claims", "'{}'"),
        _integer("narrow", "0"),
        _integer("created"),
        _nullable("expires", sa.Integer),
        _integer("announced", "0"),
        _key("manifest", "id"),
        _unique("manifest", "sha256", "repo_id"),
        _foreign("manifest", "repo_id", "repository.id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_manifest_expires", "manifest", ["expires"], sqlite_where=sa.text("expires IS NOT NULL"))
    op.create_index("ix_manifest_repo_id", "manifest", ["repo_id"])
    op.create_index(
        "ix_manifest_repo_id_subject", "manifest", ["repo_id", "subject"], sqlite_where=sa.text("subject IS NOT NULL")
    )
    op.create_index(
        "ix_manifest_unclocked",
        "manifest",
        ["id"],
        sqlite_where=sa.text("state = 0 AND class = 'image' AND expires IS NULL"),
    )
    op.create_table(
        "body",
        _integer("manifest_id"),
        _bytes("bytes"),
        _key("body", "manifest_id"),
        _foreign("body", "manifest_id", "manifest.id"),
    )
