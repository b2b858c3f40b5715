"""WHAT DO WE KNOW? Repositories, manifests and their state, tags, evidence, decisions: one database."""
