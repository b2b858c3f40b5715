"""What was decided, and under what: decisions, events, pulls, revisions; and what is still to do.

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

decision = Table(
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("manifest_id", Integer),  # null where nothing was stored
    Column("repo_name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("tag", Text),  # null: the manifest decision
    Column("outcome", Text, nullable=False),
    time("at"),
    Column("record", Text, nullable=False),  # JSON: reasons, revisions, who, trigger, evidence, input digest
    Column("reasons_sha256", Text, nullable=False),
    Column("record_sha256", Text, nullable=False),  # of what is compared: `gateway.catalog.saying`
    Index("ix_decision_manifest_id", "manifest_id"),
    Index("ix_decision_repo_name_digest", "repo_name", "digest"),
    Index("ix_decision_repo_name_digest_tag", "repo_name", "digest", "tag"),
)

decision_input = Table(
    "decision_input",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),  # canonical JSON; secrets masked
)

passing_input = Table(
    "passing_input",
    metadata,
    row_id(),
    Column("project_id", Integer, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),  # of a `decision_input` that admitted nothing
    Column("size", Integer, nullable=False),
    Index("ix_passing_input_project_id", "project_id"),
    **NEVER_REUSED,
)

event = Table(
    "event",
    metadata,
    row_id(),
    time("at"),
    Column("kind", Text, nullable=False),
    Column("principal_id", Text, nullable=False),
    Column("project", Text),
    Column("repository", Text),
    Column("digest", Text),
    Column("decision_id", Text),
    Column("data", Text, nullable=False),  # JSON
    Index("ix_event_digest", "digest"),
    **NEVER_REUSED,
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
    time("first"),
    time("last"),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("digest", "minute", "principal_id", "repository", "address", "outcome"),
    **COMPOUND,
)

revision = Table(
    "revision",
    metadata,
    row_id(),
    Column("kind", Text, nullable=False),  # policy | trust
    Column("digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    time("at"),
    time("activated", nullable=True),
    UniqueConstraint("kind", "digest"),
)

active = Table(
    "active",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("revision_id", Integer, ForeignKey("revision.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("reason", Text, nullable=False),  # of this activation: a revision can be activated again for another
)

work = Table(
    "work",
    metadata,
    row_id(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON
    Column("project_id", Integer, nullable=False, server_default=text("0")),  # whose it is; 0: the gateway's own
    time("due"),
    time("leased_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("kind", "key"),
    Index("ix_work_due", "due"),
    Index("ix_work_project_id", "project_id", "due"),
    **NEVER_REUSED,
)
