"""The seams of the catalog, each of a few methods; every adapter passes the same contract suites.

A read is one snapshot and never suspends on SQLite (DESIGN 4); ``now`` is Unix seconds and decides on ended waivers and
expired principals. A write is one transaction and returns when it is durable.

Pure: Protocols only.
"""

from gateway.catalog.stores.administration import FederationAdmin, MemberAdmin, PrincipalAdmin, ProjectAdmin
from gateway.catalog.stores.admissions import AdmissionStore, RevisionStore, WorkStore
from gateway.catalog.stores.audit import AuditStore
from gateway.catalog.stores.content import Arrivals, BlobCatalog, UploadCatalog
from gateway.catalog.stores.reads import (
    ClockReads,
    DecisionReads,
    ListingReads,
    ManifestReads,
    ManifestStock,
    StatsReads,
)

__all__ = [
    "AdmissionStore",
    "Arrivals",
    "AuditStore",
    "BlobCatalog",
    "ClockReads",
    "DecisionReads",
    "FederationAdmin",
    "ListingReads",
    "ManifestReads",
    "ManifestStock",
    "MemberAdmin",
    "PrincipalAdmin",
    "ProjectAdmin",
    "RevisionStore",
    "StatsReads",
    "UploadCatalog",
    "WorkStore",
]
