"""The bytes that manifests name: blobs, who brought them where, and uploads under way.

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from gateway.catalog.schema.columns import COMPOUND, metadata, row_id, time

blob = Table(
    "blob",
    metadata,
    row_id(),
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
    time("linked"),
    Column("linked_by", Text, nullable=False),
    time("loose", nullable=True),  # since when it is here and no manifest has named it yet
    PrimaryKeyConstraint("repo_id", "blob_id"),
    Index("ix_repo_blob_blob_id", "blob_id"),
    **COMPOUND,
)
Index("ix_repo_blob_loose", repo_blob.c.loose, sqlite_where=repo_blob.c.loose.is_not(None))
Index("ix_repo_blob_loose_of", repo_blob.c.linked_by, sqlite_where=repo_blob.c.loose.is_not(None))

# Who brought a blob here, by uploading or mounting it: whoever may not read what is held names only what is his.
holder = Table(
    "holder",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("blob_id", Integer, nullable=False),
    Column("principal_id", Text, nullable=False),
    PrimaryKeyConstraint("repo_id", "blob_id", "principal_id"),
    **COMPOUND,
)

link = Table(
    "link",
    metadata,
    Column("repo_id", Integer, nullable=False),
    Column("blob_id", Integer, nullable=False),
    Column("manifest_id", Integer, nullable=False),
    PrimaryKeyConstraint("repo_id", "blob_id", "manifest_id"),
    Index("ix_link_manifest_id", "manifest_id"),
    **COMPOUND,
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
    time("started"),
    time("touched"),
)
Index("ix_upload_touched", upload.c.touched)
