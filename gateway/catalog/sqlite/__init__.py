"""The catalog on SQLite: the embedded default (DESIGN 4)."""
