"""What machines ask of the gateway itself: is it there, is it well, what does it count, which keys are its own.

Says nothing about repositories or accounts to anybody.

I/O: through what is passed in.
Source: INTERFACE 5; RFC 7517, section 5; security rows 24 and 95.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.api.answer import NOT_KEPT, Answer
from gateway.api.call import Call
from gateway.api.refusals import refused
from gateway.api.settings import ApiSettings, RenderMetrics
from gateway.errors import Unauthorized
from gateway.identity.key_ring import KeyRing
from gateway.oci.strict_json import JsonObject

OPENMETRICS: Final = "application/openmetrics-text"

_METRICS_KIND = ("content-type", "text/plain; version=0.0.4; charset=utf-8")
_OPENMETRICS_KIND = ("content-type", f"{OPENMETRICS}; version=1.0.0; charset=utf-8")
_NO_STORE = ("cache-control", "no-store")


@dataclass(frozen=True, slots=True)
class Operations:
    """The handlers of the gateway's own endpoints."""

    settings: ApiSettings
    keys: Callable[[], KeyRing]
    ready_parts: Callable[[], Awaitable[Mapping[str, str]]]
    render_metrics: RenderMetrics

    async def ping(self, call: Call) -> Answer:
        """Answer ``/v2/``: the API is here, and the token was good."""
        return Answer.of_json(200, {})

    async def live(self, call: Call) -> Answer:
        """Answer ``/livez``: the process answers."""
        return Answer.of_json(200, {"status": "alive"}, _NO_STORE)

    async def ready(self, call: Call) -> Answer:
        """Answer ``/readyz``: 200, or 503 with the parts that are down."""
        down = await self.ready_parts()
        if not down:
            return Answer.of_json(200, {"status": "ready"}, _NO_STORE)
        parts: JsonObject = dict(down)
        return Answer.of_json(503, {"status": "not ready", "down": parts}, _NO_STORE, ("retry-after", "5"))

    async def metrics(self, call: Call) -> Answer:
        """Answer ``/metrics`` for whoever has its secret; without one configured there is no such address."""
        secret = self.settings.metrics_secret
        if not secret:
            return refused(404, "NAME_UNKNOWN", "there is no such address here", None)
        shown = call.request.authorization or ""
        if not hmac.compare_digest(shown.encode("utf-8"), f"Bearer {secret}".encode()):
            realm = ("www-authenticate", f'Bearer realm="{self.settings.public_url}/metrics"')
            return refused(401, Unauthorized.code, "the metrics have a secret of their own", None, realm, NOT_KEPT)
        openmetrics = _accepts(call.request.accept or "", OPENMETRICS)
        kind = _OPENMETRICS_KIND if openmetrics else _METRICS_KIND
        return Answer(200, (kind, _NO_STORE, ("vary", "accept")), await self.render_metrics(openmetrics=openmetrics))

    async def jwks(self, call: Call) -> Answer:
        """Answer with the public keys of our access tokens."""
        return Answer.of_json(200, self.keys().jwks(call.now), ("cache-control", "public, max-age=300"))

    async def about(self, call: Call) -> Answer:
        """Answer with where things are, and the limits."""
        url = self.settings.public_url
        return Answer.of_json(
            200,
            {
                "issuer": url,
                "service": self.settings.service,
                "token_endpoint": self.settings.token_url,
                "jwks_uri": f"{url}/.well-known/jwks.json",
                "limits": {
                    "manifest_bytes": self.settings.max_manifest_bytes,
                    "blob_bytes": self.settings.max_blob_bytes,
                    "token_seconds": self.settings.token_lifetime_seconds,
                },
            },
            ("cache-control", "public, max-age=300"),
        )


def _accepts(header: str, kind: str) -> bool:
    """Return whether an Accept header names the media type ``kind``. What it prefers is not weighed."""
    return any(part.partition(";")[0].strip().lower() == kind for part in header.split(","))
