"""What the API is made of: its settings, and everything it needs from elsewhere.

Pure: definitions only.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.access.stores import StandingStore
from gateway.admission.service import ManifestAdmission
from gateway.catalog.stores import BlobCatalog, ListingReads, ManifestReads, UploadCatalog
from gateway.content.store import Content
from gateway.identity.federation.ci_sessions import CiSessions
from gateway.identity.key_ring import KeyRing
from gateway.identity.password_door import Passwords
from gateway.identity.stores import AccountStore


class RecordPull(Protocol):
    """Counts one read or refused read. Returns at once, never fails."""

    def __call__(
        self, *, principal_id: str, repository: str, digest: str, address: str, outcome: str, now: int
    ) -> None: ...


class RecordLogin(Protocol):
    """Takes note of a secret that was presented at the token endpoint. Returns at once, never fails.

    ``principal_id`` is whose name it was presented under, and None where nobody is called that: the name itself is not
    passed on, since people type passwords into the wrong field. ``method`` is what it looked like: password, robot or ci.
    ``why`` is why it was refused, where that is told to the audit log only.
    """

    def __call__(
        self, *, principal_id: str | None, method: str, address: str, succeeded: bool, now: int, why: str = ""
    ) -> None: ...


class RenderMetrics(Protocol):
    """Returns the text of ``/metrics``, in OpenMetrics' form or in Prometheus' own."""

    async def __call__(self, *, openmetrics: bool) -> bytes: ...


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What an installation chooses. ``public_url`` is ``https://HOST[:PORT]`` without a slash at its end.

    ``hosts``: the Host values to answer to, lower case. ``metrics_secret``: None where there is no ``/metrics``.
    """

    public_url: str
    service: str
    hosts: frozenset[str]
    token_lifetime_seconds: int
    max_manifest_bytes: int
    max_blob_bytes: int
    metrics_secret: str | None = field(default=None, repr=False)

    @property
    def token_url(self) -> str:
        """The address of the token endpoint: on the registry's own origin, or go-containerregistry refuses it."""
        return f"{self.public_url}/token"


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """Everything behind the API.

    ``ready`` returns what is down, by part, each with a sentence; nothing where all is well. ``now`` is Unix seconds,
    ``monotonic`` seconds of any origin. ``failed`` is told of surprises, ``log_request`` of each request.
    """

    manifests: ManifestReads
    listings: ListingReads
    blobs: BlobCatalog
    uploads: UploadCatalog
    content: Content
    admission: ManifestAdmission
    standings: StandingStore
    accounts: AccountStore
    passwords: Passwords
    ci: CiSessions
    keys: Callable[[], KeyRing]
    record_pull: RecordPull
    record_login: RecordLogin
    ready: Callable[[], Awaitable[Mapping[str, str]]]
    metrics: RenderMetrics
    log_request: Callable[[Mapping[str, object]], None]
    failed: Callable[[str, BaseException], None]
    now: Callable[[], float]
    monotonic: Callable[[], float]
    random_bytes: Callable[[int], bytes]
