"""Who can call, and what they may do: principals, accounts, robots, federation rules and their sessions, roles.

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
    text,
)

from gateway.catalog.schema.columns import COMPOUND, metadata, time

principal = Table(
    "principal",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("disabled", Integer, nullable=False, server_default=text("0")),
    time("created"),
    Column("created_by", Text, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("principal_id", Text, ForeignKey("principal.id"), primary_key=True),
    Column("password_hash", Text, nullable=False),
    time("changed"),
)

robot = Table(
    "robot",
    metadata,
    Column("principal_id", Text, ForeignKey("principal.id"), primary_key=True),
    Column("project_id", Integer, ForeignKey("project.id"), nullable=False, index=True),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    time("expires"),
    time("revoked", nullable=True),
    Column("quarantine_read", Integer, nullable=False, server_default=text("1")),
)

federation_rule = Table(
    "federation_rule",
    metadata,
    Column("principal_id", Text, ForeignKey("principal.id"), primary_key=True),
    Column("project_id", Integer, ForeignKey("project.id"), nullable=False, index=True),
    Column("issuer", Text, nullable=False, index=True),
    Column("document", Text, nullable=False),  # TOML, as the operator wrote it
    time("removed", nullable=True),
)

ci_session = Table(
    "ci_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal_id", Text, ForeignKey("principal.id"), nullable=False, index=True),
    Column("issuer", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, index=True),
    Column("secret_sha256", LargeBinary, unique=True),
    Column("subject", Text, nullable=False),
    Column("claims", Text, nullable=False),  # JSON: what was verified of the job
    time("started"),
    time("ends"),
    time("ended", nullable=True),
    time("forgotten"),  # from when the row may go
    Column("address", Text, nullable=False),
    Column("bound", Integer, nullable=False),
    Column("other_address", Text),
    Index("ix_ci_session_forgotten", "forgotten"),
)

used_token = Table(
    "used_token",
    metadata,
    Column("issuer", Text, nullable=False),
    Column("token_key", LargeBinary, nullable=False),
    Column("session_id", Text, nullable=False),
    time("forgotten"),
    PrimaryKeyConstraint("issuer", "token_key"),
    Index("ix_used_token_forgotten", "forgotten"),
    **COMPOUND,
)

instance_role = Table(
    "instance_role",
    metadata,
    Column("principal_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    time("granted"),
    Column("granted_by", Text, nullable=False),
    PrimaryKeyConstraint("principal_id", "role"),
    **COMPOUND,
)

member = Table(
    "member",
    metadata,
    Column("project_id", Integer, nullable=False),
    Column("principal_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    time("added"),
    Column("added_by", Text, nullable=False),
    PrimaryKeyConstraint("project_id", "principal_id", "role"),
    Index("ix_member_principal_id", "principal_id"),
    **COMPOUND,
)
