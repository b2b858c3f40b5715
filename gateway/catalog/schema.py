"""The tables. Visibility is derived from them at each read; no column says "visible".

What looks like a stored answer is one of two things. A *witness* (`repo_blob.witness`) is a hint, verified at every
read and never believed. A *count* (`project.held_bytes`, `subject_state`) is kept by the transaction that changes what it
counts, and recounted by work.

``WITHOUT ROWID`` on every table with a compound key; no foreign key on `link`, `support`, `verified` and `edge`, since
a cascade without an index on the child column scans (deletes there are explicit).

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from typing import Any, Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_COMPOUND: Final[dict[str, Any]] = {"sqlite_with_rowid": False}


# A plain INTEGER PRIMARY KEY gives the id of a deleted last row to the next one. Where a hint, a world, a lease or a cursor
# can outlive its row (`witness`, `carrier`, a project made anew, `work`, the cursor over `event`), that would be another
# thing under the same name.
_NEVER_REUSED: Final[dict[str, Any]] = {"sqlite_autoincrement": True}


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _time(name: str, *, nullable: bool = False) -> Column[int]:
    """A moment, in Unix seconds."""
    return Column(name, Integer, nullable=nullable)


# -- who ---------------------------------------------------------------------------------------------------------------

principal = Table(
    "principal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("disabled", Integer, nullable=False, server_default=text("0")),
    _time("created"),
    Column("created_by", Text, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("principal_id", Text, ForeignKey("principal.id"), primary_key=True),
    Column("password_hash", Text, nullable=False),
    _time("changed"),
)

robot = Table(
    "robot",
    metadata,
    Column("principal_id", Text, ForeignKey("principal.id"), primary_key=True),
    Column("project_id", Integer, ForeignKey("project.id"), nullable=False, index=True),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    _time("expires"),
    _time("revoked", nullable=True),
    Column("quarantine_read", Integer, nullable=False, server_default=text("1")),
)

instance_role = Table(
    "instance_role",
    metadata,
    Column("principal_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    _time("granted"),
    Column("granted_by", Text, nullable=False),
    PrimaryKeyConstraint("principal_id", "role"),
    **_COMPOUND,
)

member = Table(
    "member",
    metadata,
    Column("project_id", Integer, nullable=False),
    Column("principal_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    _time("added"),
    Column("added_by", Text, nullable=False),
    PrimaryKeyConstraint("project_id", "principal_id", "role"),
    Index("ix_member_principal_id", "principal_id"),
    **_COMPOUND,
)

# -- where -------------------------------------------------------------------------------------------------------------

project = Table(
    "project",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("mode", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("writers_read_held", Integer, nullable=False, server_default=text("1")),
    Column("trust_revision", Integer, nullable=False, server_default=text("0")),
    Column("policy_revision", Integer, nullable=False, server_default=text("0")),
    Column("waiver_revision", Integer, nullable=False, server_default=text("0")),
    Column("held_bytes", Integer, nullable=False, server_default=text("0")),
    Column("held_bytes_limit", Integer, nullable=False),
    Column("held_seconds", Integer, nullable=False),
    _time("created"),
    **_NEVER_REUSED,
)

repository = Table(
    "repository",
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("project.id"), nullable=False, index=True),
    Column("name", Text, nullable=False, unique=True),
    # +1 by every event that can make something visible here; what `repo_blob.none_at` is compared with.
    Column("raised", Integer, nullable=False, server_default=text("0")),
    # A manifest that was visible once, for the catalog listing: a hint, verified at each read.
    Column("witness", Integer),
    _time("created"),
    **_NEVER_REUSED,
)

# -- what --------------------------------------------------------------------------------------------------------------

manifest = Table(
    "manifest",
    metadata,
    _id(),
    Column("repo_id", Integer, ForeignKey("repository.id"), nullable=False, index=True),
    Column("sha256", Text, nullable=False),  # 64 hex characters
    Column("class", Text, nullable=False),  # image | evidence | fallback | cache
    Column("state", Integer, nullable=False),  # 0 held, 1 admitted
    # Of an admission: how many requirements of the trust policy it rests on (0: `static: pass`), until when (waiver).
    Column("slots", Integer, nullable=False, server_default=text("0")),
    _time("until", nullable=True),
    Column("unverified", Integer, nullable=False, server_default=text("0")),  # warn mode's mark
    Column("subject", Text),  # sha256 hex, where the class is evidence or fallback, or the manifest names one
    Column("evidence_format", Text),
    Column("media_type", Text, nullable=False),
    Column("artifact_type", Text),  # artifactType or config.mediaType
    Column("size", Integer, nullable=False),
    Column("held_size", Integer, nullable=False, server_default=text("0")),  # what it counts for in project.held_bytes
    Column("who", Text, nullable=False),  # principal id of the last stored PUT of these bytes
    Column("who_claims", Text, nullable=False, server_default=text("'{}'")),
    _time("created"),  # first seen: for evidence, the only proven time of a signature without a log
    _time("expires", nullable=True),
    Column("announced", Integer, nullable=False, server_default=text("0")),  # that it ends then was told
    # A visible root that carries it (DESIGN 3, "Indexes"): hint and its negative, as repo_blob.witness and none_at.
    Column("carrier", Integer),
    Column("none_at", Integer),
    UniqueConstraint("sha256", "repo_id"),
    **_NEVER_REUSED,
)
Index("ix_manifest_expires", manifest.c.expires, sqlite_where=manifest.c.expires.is_not(None))
# What waits without a clock: carried, or it was until lately and nothing that was written says otherwise.
Index(
    "ix_manifest_unclocked",
    manifest.c.id,
    sqlite_where=text("state = 0 AND class = 'image' AND expires IS NULL"),
)
# The evidence of a subject. `referrer` cannot answer it: a cosign signature names its subject by its tag, not in its body.
Index(
    "ix_manifest_repo_id_subject", manifest.c.repo_id, manifest.c.subject, sqlite_where=manifest.c.subject.is_not(None)
)

body = Table(
    "body",
    metadata,
    Column("manifest_id", Integer, ForeignKey("manifest.id"), primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

alias = Table(
    "alias",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # "sha512:<hex>"
    Column("manifest_id", Integer, nullable=False),
    PrimaryKeyConstraint("repo_id", "digest"),
    Index("ix_alias_manifest_id", "manifest_id"),
    **_COMPOUND,
)

edge = Table(
    "edge",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("child", Text, nullable=False),  # sha256 hex: by digest, so that it survives delete and re-push of the child
    Column("root_id", Integer, nullable=False),
    # The digests (32 raw bytes each) of the indexes between root and child; empty for a direct child. Depth 3 at most.
    Column("path", LargeBinary, nullable=False),
    PrimaryKeyConstraint("repo_id", "child", "root_id", "path"),
    Index("ix_edge_root_id", "root_id"),
    **_COMPOUND,
)

entry = Table(
    "entry",
    metadata,
    Column("index_id", Integer, nullable=False),
    Column("child", Text, nullable=False),  # hex as written: of a sha256, or of a sha512 (found through `alias`)
    PrimaryKeyConstraint("index_id", "child"),
    **_COMPOUND,
)

referrer = Table(
    "referrer",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("subject", Text, nullable=False),  # the subject's digest as written: "sha256:<hex>" or "sha512:<hex>"
    Column("artifact_type", Text, nullable=False),
    Column("manifest_id", Integer, nullable=False),
    PrimaryKeyConstraint("repo_id", "subject", "artifact_type", "manifest_id"),
    Index("ix_referrer_manifest_id", "manifest_id"),
    **_COMPOUND,
)

missing = Table(
    "missing",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # of a blob or of a manifest, "<algorithm>:<hex>"
    Column("parent_id", Integer, nullable=False),
    Column("named", Integer, nullable=False),  # 1: the parent names the blob itself; 0: a manifest, or what that lacks
    PrimaryKeyConstraint("repo_id", "digest", "parent_id"),
    Index("ix_missing_parent_id", "parent_id"),
    **_COMPOUND,
)

tag = Table(
    "tag",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("target_id", Integer),
    Column("target_alias", Text),  # the digest it was pushed with, where that is not the sha256
    Column(
        "generation", Integer, nullable=False
    ),  # +1 by every stored request for this tag, moves and deletes included
    Column("pending_id", Integer),
    Column("pending_alias", Text),
    Column("pending_generation", Integer),
    Column("requester_id", Text),  # of the pending target
    Column("requester_claims", Text),  # JSON: what was verified of the requester when he asked
    Column("moved", Integer, nullable=False),
    PrimaryKeyConstraint("repo_id", "name"),
    Index("ix_tag_target_id", "target_id"),
    **_COMPOUND,
)
Index("ix_tag_pending_id", tag.c.pending_id, sqlite_where=tag.c.pending_id.is_not(None))

# -- bytes -------------------------------------------------------------------------------------------------------------

blob = Table(
    "blob",
    metadata,
    _id(),
    Column("digest", Text, nullable=False, unique=True),
    Column("size", Integer, nullable=False),
)

repo_blob = Table(
    "repo_blob",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("blob_id", Integer, nullable=False),
    Column("witness", Integer),
    Column("none_at", Integer),
    _time("linked"),
    Column("linked_by", Text, nullable=False),
    PrimaryKeyConstraint("repo_id", "blob_id"),
    Index("ix_repo_blob_blob_id", "blob_id"),
    **_COMPOUND,
)

# Who brought a blob here, by uploading or mounting it: whoever may not read what is held names only what is his.
holder = Table(
    "holder",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("blob_id", Integer, nullable=False),
    Column("principal_id", Text, nullable=False),
    PrimaryKeyConstraint("repo_id", "blob_id", "principal_id"),
    **_COMPOUND,
)

link = Table(
    "link",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("blob_id", Integer, nullable=False),
    Column("manifest_id", Integer, nullable=False),
    PrimaryKeyConstraint("repo_id", "blob_id", "manifest_id"),
    Index("ix_link_manifest_id", "manifest_id"),
    **_COMPOUND,
)

upload = Table(
    "upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("repo_name", Text, nullable=False),
    Column("project_id", Integer, nullable=False, index=True),
    Column("principal_id", Text, nullable=False),
    Column("size", Integer, nullable=False, server_default=text("0")),
    Column("patches", Integer, nullable=False, server_default=text("0")),
    _time("started"),
    _time("touched"),
)
Index("ix_upload_touched", upload.c.touched)

# -- what is proven ----------------------------------------------------------------------------------------------------

signer = Table(
    "signer",
    metadata,
    _id(),
    Column("identity", Text, nullable=False, unique=True),  # "key:sha256:<hex of the SPKI>"
    Column("name", Text, nullable=False),
)

support = Table(
    "support",
    metadata,
    Column("manifest_id", Integer, nullable=False),
    Column("slot", Integer, nullable=False),  # one requirement of the trust policy: AND; the signers in it: OR
    Column("signer_id", Integer, nullable=False),
    _time("seen"),  # the earliest time this gateway saw that signer's evidence
    Column("evidence_id", Integer, nullable=False),
    PrimaryKeyConstraint("manifest_id", "slot", "signer_id"),
    Index("ix_support_signer_id", "signer_id"),
    Index("ix_support_evidence_id", "evidence_id"),
    **_COMPOUND,
)

verified = Table(
    "verified",
    metadata,
    Column("evidence_id", Integer, nullable=False),
    Column("signer_id", Integer, nullable=False),
    _time("seen"),
    PrimaryKeyConstraint("evidence_id", "signer_id"),
    Index("ix_verified_signer_id", "signer_id"),
    **_COMPOUND,
)

distrust = Table(
    "distrust",
    metadata,
    Column("signer_id", Integer, primary_key=True),
    _time("since"),  # 0: all of it
    Column("revoked_by", Text, nullable=False),
    _time("at"),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("project_id", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("revoked_by", Text, nullable=False),
    _time("at"),
    PrimaryKeyConstraint("project_id", "sha256"),
    **_COMPOUND,
)

subject_state = Table(
    "subject_state",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("subject", Text, nullable=False),  # sha256 hex
    Column("generation", Integer, nullable=False, server_default=text("0")),  # +1 when its evidence changes
    Column("verified", Integer, nullable=False, server_default=text("0")),
    Column("unverified", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("repo_id", "subject"),
    **_COMPOUND,
)

# -- what was decided, and under what ----------------------------------------------------------------------------------

decision = Table(
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("manifest_id", Integer),  # null where nothing was stored
    Column("repo_name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("tag", Text),  # null: the manifest decision
    Column("outcome", Text, nullable=False),
    _time("at"),
    Column("record", Text, nullable=False),  # JSON: reasons, revisions, who, trigger, evidence, input digest
    Index("ix_decision_manifest_id", "manifest_id"),
    Index("ix_decision_repo_name_digest", "repo_name", "digest"),
)

decision_input = Table(
    "decision_input",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),  # canonical JSON; secrets masked
)

event = Table(
    "event",
    metadata,
    _id(),
    _time("at"),
    Column("kind", Text, nullable=False),
    Column("principal_id", Text, nullable=False),
    Column("project", Text),
    Column("repository", Text),
    Column("digest", Text),
    Column("decision_id", Text),
    Column("data", Text, nullable=False),  # JSON
    Index("ix_event_digest", "digest"),
    **_NEVER_REUSED,
)

pull = Table(
    "pull",
    metadata,
    Column("minute", Integer, nullable=False),  # Unix time // 60
    Column("principal_id", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # pulled | denied
    _time("first"),
    _time("last"),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("digest", "minute", "principal_id", "repository", "address", "outcome"),
    **_COMPOUND,
)

revision = Table(
    "revision",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),  # policy | trust
    Column("digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    _time("at"),
    _time("activated", nullable=True),
    UniqueConstraint("kind", "digest"),
)

active = Table(
    "active",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("revision_id", Integer, ForeignKey("revision.id"), nullable=False),
    Column("generation", Integer, nullable=False),
)

work = Table(
    "work",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    _time("due"),
    _time("leased_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("kind", "key"),
    Index("ix_work_due", "due"),
    **_NEVER_REUSED,
)
