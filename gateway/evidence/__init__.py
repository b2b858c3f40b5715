"""WHAT IS PROVEN? Candidates in, verified signatures and attestations out; and who may sign: the trust policy."""
