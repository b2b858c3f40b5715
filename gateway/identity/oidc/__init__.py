"""OTHER PEOPLE'S TOKENS: the keys of an issuer, and the one verifier of what it signs."""
