"""What is proven: signers, what they signed, and what is distrusted or revoked.

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from gateway.catalog.schema.columns import COMPOUND, metadata, row_id, time

signer = Table(
    "signer",
    metadata,
    row_id(),
    Column("identity", Text, nullable=False, unique=True),  # "key:sha256:<hex of the SPKI>"
    Column("name", Text, nullable=False),
)

support = Table(
    "support",
    metadata,
    Column("manifest_id", Integer, nullable=False),
    Column("slot", Integer, nullable=False),  # one requirement of the trust policy: AND; the signers in it: OR
    Column("signer_id", Integer, nullable=False),
    time("seen"),  # the earliest time this gateway saw that signer's evidence
    Column("evidence_id", Integer, nullable=False),
    PrimaryKeyConstraint("manifest_id", "slot", "signer_id"),
    Index("ix_support_signer_id", "signer_id"),
    Index("ix_support_evidence_id", "evidence_id"),
    **COMPOUND,
)

verified = Table(
    "verified",
    metadata,
    Column("evidence_id", Integer, nullable=False),
    Column("signer_id", Integer, nullable=False),
    # The digest of the very bytes that he signed: what they are wrapped in is anybody's to choose.
    Column("signed", Text, nullable=False),
    time("seen"),
    PrimaryKeyConstraint("evidence_id", "signer_id", "signed"),
    Index("ix_verified_signer_id", "signer_id"),
    **COMPOUND,
)

distrust = Table(
    "distrust",
    metadata,
    Column("signer_id", Integer, primary_key=True),
    time("since"),  # 0: all of it
    Column("revoked_by", Text, nullable=False),
    time("at"),
)

tombstone = Table(
    "tombstone",
    metadata,
    Column("project_id", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("repo_id", Integer, nullable=False, server_default=text("0")),  # 0: in all repositories of the project
    Column("reason", Text, nullable=False),
    Column("revoked_by", Text, nullable=False),
    time("at"),
    PrimaryKeyConstraint("project_id", "sha256", "repo_id"),
    **COMPOUND,
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
    **COMPOUND,
)
