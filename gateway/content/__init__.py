"""WHERE ARE THE BYTES? Blobs by digest, and uploads on their way to become one.

Bytes only: which repository a blob belongs to, and who may see it, is the catalog's.
"""
