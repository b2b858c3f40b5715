"""The kinds of audit events: a closed list, so that a query for one kind finds all of it.

An event is written in the transaction that it describes (`gateway.catalog.sqlite.events`); this module only says which
there are.

Pure: no I/O, no third-party import.
Source: DESIGN 8.
"""

from enum import StrEnum


class EventKind(StrEnum):
    """What happened. The part before the dot is what it happened to."""

    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_DELETED = "project.deleted"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    ACCOUNT_CREATED = "account.created"
    PRINCIPAL_DISABLED = "principal.disabled"
    PRINCIPAL_ENABLED = "principal.enabled"
    ROBOT_CREATED = "robot.created"
    ROBOT_ROTATED = "robot.rotated"
    ROBOT_REVOKED = "robot.revoked"
    FEDERATION_ADDED = "federation.added"
    FEDERATION_REMOVED = "federation.removed"
    SESSION_OPENED = "session.opened"
    SESSION_ENDED = "session.ended"
    SESSION_ADDRESS = "session.address"
    """A session is used from a second client address."""
    ROLE_GRANTED = "role.granted"
    ROLE_TAKEN = "role.taken"
    POLICY_ACTIVATED = "policy.activated"
    TRUST_APPLIED = "trust.applied"
    MANIFEST_ADMITTED = "manifest.admitted"
    MANIFEST_HELD = "manifest.held"
    MANIFEST_DENIED = "manifest.denied"
    MANIFEST_REEVALUATED = "manifest.reevaluated"
    MANIFEST_DRIFTED = "manifest.drifted"
    MANIFEST_EXPIRING = "manifest.expiring"
    MANIFEST_EXPIRED = "manifest.expired"
    MANIFEST_REVOKED = "manifest.revoked"
    MANIFEST_DELETED = "manifest.deleted"
    TAG_MOVED = "tag.moved"
    TAG_PENDING = "tag.pending"
    TAG_PROMOTED = "tag.promoted"
    TAG_DROPPED = "tag.dropped"
    TAG_DENIED = "tag.denied"
    TAG_DELETED = "tag.deleted"
    EVIDENCE_STORED = "evidence.stored"
    BLOB_DELETED = "blob.deleted"
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    INSTANCE_INITIALISED = "instance.initialised"
    CATALOG_UPGRADED = "catalog.upgraded"
