"""The tables, by the question that they answer. Visibility is derived from them at each read; no column says "visible".

What looks like a stored answer is one of two things. A *witness* (`repo_blob.witness`) is a hint, verified at every
read and never believed. A *count* (`project.held_bytes`, `subject_state`) is kept by the transaction that changes what it
counts, and recounted by work.

``WITHOUT ROWID`` on every table with a compound key; no foreign key on `link`, `support`, `verified` and `edge`, since
a cascade without an index on the child column scans (deletes there are explicit).

`metadata` is whole here: whoever takes it from `columns` gets only the tables of the modules that were imported.

Pure: definitions only.
Source: DESIGN 3 and 4.
"""

from gateway.catalog.schema import blobs, decisions, manifests, places, principals, proof
from gateway.catalog.schema.columns import metadata

__all__ = ["blobs", "decisions", "manifests", "metadata", "places", "principals", "proof"]
