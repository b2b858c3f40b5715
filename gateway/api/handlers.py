"""Which handler answers which endpoint, by what the guard hands it.

Total over the endpoint table (a test walks it): an endpoint without a handler, or one in the wrong group, is a defect that
no request can reach.

Pure: composition only.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

from gateway.api.answer import Answer
from gateway.api.blobs import Blobs
from gateway.api.call import Access, Call
from gateway.api.federation import FederationEndpoint
from gateway.api.lists import Lists
from gateway.api.manifests import Manifests
from gateway.api.mount import Mounts
from gateway.api.operations import Operations
from gateway.api.referrers import Referrers
from gateway.api.routes import Endpoint
from gateway.api.settings import ApiDependencies, ApiSettings
from gateway.api.token import TokenEndpoint
from gateway.api.uploads import Uploads
from gateway.identity.values import Principal

OpenHandler: TypeAlias = Callable[[Call], Awaitable[Answer]]
PrincipalHandler: TypeAlias = Callable[[Call, Principal], Awaitable[Answer]]
RepositoryHandler: TypeAlias = Callable[[Call, Access], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Handlers:
    """Every handler there is."""

    open: Mapping[Endpoint, OpenHandler]
    of_principal: Mapping[Endpoint, PrincipalHandler]
    of_repository: Mapping[Endpoint, RepositoryHandler]

    @classmethod
    def of(cls, needs: ApiDependencies, settings: ApiSettings) -> Self:
        """Return the handlers over ``needs``."""
        token = TokenEndpoint(
            settings=settings,
            accounts=needs.accounts,
            passwords=needs.passwords,
            ci=needs.ci,
            standings=needs.standings,
            keys=needs.keys,
            record_login=needs.record_login,
            random_bytes=needs.random_bytes,
        )
        federation = FederationEndpoint(service=settings.service, ci=needs.ci, record_login=needs.record_login)
        operations = Operations(
            settings=settings, keys=needs.keys, ready_parts=needs.ready, render_metrics=needs.metrics
        )
        lists = Lists(reads=needs.listings, standings=needs.standings)
        return cls(
            open={
                Endpoint.PING: operations.ping,
                Endpoint.TOKEN_GET: token.get,
                Endpoint.TOKEN_POST: token.post,
                Endpoint.FEDERATION_TOKEN: federation.exchange,
                Endpoint.FEDERATION_REVOKE: federation.revoke,
                Endpoint.LIVE: operations.live,
                Endpoint.READY: operations.ready,
                Endpoint.METRICS: operations.metrics,
                Endpoint.KEYS: operations.jwks,
                Endpoint.ABOUT: operations.about,
            },
            of_principal={Endpoint.CATALOG: lists.catalog},
            of_repository=_of_repository(needs, settings, lists),
        )


def _of_repository(needs: ApiDependencies, settings: ApiSettings, lists: Lists) -> Mapping[Endpoint, RepositoryHandler]:
    manifests = Manifests(
        reads=needs.manifests,
        admission=needs.admission,
        record_pull=needs.record_pull,
        max_manifest_bytes=settings.max_manifest_bytes,
    )
    blobs = Blobs(catalog=needs.blobs, store=needs.content.blobs, record_pull=needs.record_pull)
    uploads = Uploads(
        catalog=needs.uploads,
        blobs=needs.blobs,
        store=needs.content.uploads,
        mounts=Mounts(blobs=needs.blobs, standings=needs.standings),
        random_bytes=needs.random_bytes,
        max_blob_bytes=settings.max_blob_bytes,
    )
    return {
        Endpoint.MANIFEST_READ: manifests.read,
        Endpoint.MANIFEST_PUT: manifests.put,
        Endpoint.MANIFEST_DELETE: manifests.delete,
        Endpoint.REFERRERS: Referrers(reads=needs.manifests).list,
        Endpoint.TAGS: lists.tags,
        Endpoint.BLOB_READ: blobs.read,
        Endpoint.BLOB_DELETE: blobs.delete,
        Endpoint.UPLOAD_START: uploads.start,
        Endpoint.UPLOAD_STATUS: uploads.status,
        Endpoint.UPLOAD_APPEND: uploads.append,
        Endpoint.UPLOAD_FINISH: uploads.finish,
        Endpoint.UPLOAD_CANCEL: uploads.cancel,
    }
