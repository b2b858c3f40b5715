"""What is there: manifests with what they name, and tags.

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.catalog.schema.columns import COMPOUND, NEVER_REUSED, metadata, row_id, time

manifest = Table(
    "manifest",
    metadata,
    row_id(),
    Column("repo_id", Integer, ForeignKey("repository.id"), nullable=False, index=True),
    Column("sha256", Text, nullable=False),  # 64 hex characters
    Column("class", Text, nullable=False),  # image | evidence | fallback | cache
    Column("state", Integer, nullable=False),  # 0 held, 1 admitted
    # Of an admission: how many requirements of the trust policy it rests on (0: `static: pass`), until when (waiver).
    Column("slots", Integer, nullable=False, server_default=text("0")),
    time("until", nullable=True),
    Column("unverified", Integer, nullable=False, server_default=text("0")),  # warn mode's mark
    Column("subject", Text),  # sha256 hex, where the class is evidence or fallback, or the manifest names one
    Column("evidence_format", Text),
    Column("media_type", Text, nullable=False),
    Column("artifact_type", Text),  # artifactType or config.mediaType
    Column("size", Integer, nullable=False),
    Column(
        "held_size", Integer, nullable=False, server_default=text("0")
    ),  # what it counts for in its project: held_bytes or cache_bytes
    Column("who", Text, nullable=False),  # principal id of the last stored PUT of an image; of evidence, of the first
    Column("who_claims", Text, nullable=False, server_default=text("'{}'")),
    Column("narrow", Integer, nullable=False, server_default=text("0")),  # 1: put with a token that may not read here
    time("created"),  # first seen: for evidence, the only proven time of a signature without a log
    time("expires", nullable=True),
    Column("announced", Integer, nullable=False, server_default=text("0")),  # that it ends then was told
    UniqueConstraint("sha256", "repo_id"),
    **NEVER_REUSED,
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
    **COMPOUND,
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
    **COMPOUND,
)

entry = Table(
    "entry",
    metadata,
    Column("index_id", Integer, nullable=False),
    Column("child", Text, nullable=False),  # hex as written: of a sha256, or of a sha512 (found through `alias`)
    Column("repo_id", Integer, nullable=False),
    PrimaryKeyConstraint("index_id", "child"),
    Index("ix_entry_repo_id_child", "repo_id", "child"),
    **COMPOUND,
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
    **COMPOUND,
)

missing = Table(
    "missing",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # of a blob or of a manifest, "<algorithm>:<hex>"
    Column("parent_id", Integer, nullable=False),
    Column("named", Integer, nullable=False),  # 1: a blob; 0: a manifest
    Column("size", Integer),  # the length that the parent gives it: what comes in another does not complete it
    PrimaryKeyConstraint("repo_id", "digest", "parent_id"),
    Index("ix_missing_parent_id", "parent_id"),
    **COMPOUND,
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
    **COMPOUND,
)
Index("ix_tag_pending_id", tag.c.pending_id, sqlite_where=tag.c.pending_id.is_not(None))
