"""Where things are: projects and repositories.

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, text

from gateway.catalog.schema.columns import NEVER_REUSED, metadata, row_id, time

project = Table(
    "project",
    metadata,
    row_id(),
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
    # What build caches count for, apart: they wait for nothing, and must not keep an image from waiting.
    Column("cache_bytes", Integer, nullable=False, server_default=text("0")),
    # What it keeps of the inputs of decisions that admitted nothing.
    Column("passing_bytes", Integer, nullable=False, server_default=text("0")),
    time("created"),
    **NEVER_REUSED,
)

repository = Table(
    "repository",
    metadata,
    row_id(),
    Column("project_id", Integer, ForeignKey("project.id"), nullable=False, index=True),
    Column("name", Text, nullable=False, unique=True),
    # +1 by every event that can make something visible here; what `repo_blob.none_at` is compared with.
    Column("raised", Integer, nullable=False, server_default=text("0")),
    # A manifest that was visible once, for the catalog listing: a hint, verified at each read.
    Column("witness", Integer),
    time("created"),
    **NEVER_REUSED,
)
