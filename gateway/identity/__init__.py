"""WHO IS CALLING? Secrets and tokens in, an `Identity` out."""
