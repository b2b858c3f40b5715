"""An OCI registry that verifies before it publishes."""
