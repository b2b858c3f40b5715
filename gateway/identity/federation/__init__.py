"""WHICH CI JOB? Rules that make a principal of a platform's verified OIDC token; never the verifying itself."""
