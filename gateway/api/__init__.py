"""The OCI distribution API: the endpoint table, the guard, the handlers, the one error table.

A raw ASGI application without a framework: what decides is the path as it was sent, and nothing rewrites it first. Never
makes a manifest visible; that is `gateway.admission`'s.
"""
