"""Who can call, and what they may do: principals, accounts, robots, roles.

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, text

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
