"""CI jobs at a whole gateway: an issuer with a pinned key, rules, a job's tokens, and what a job does with them."""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.identity.federation.ci_sessions import CiSessions
from gateway.identity.federation.issuers import TokenIssuer
from gateway.identity.names import workload_name
from gateway.identity.oidc.issuer_keys import PinnedKeys
from gateway.identity.values import Principal, PrincipalKind
from tests.support.api import Reply, basic
from tests.support.images import Artifact
from tests.support.issuer import AUDIENCE, EC_KEY, ISSUER, PrivateKey, good_claims, jwk, key_set, sign
from tests.support.whole import HOST, OPERATOR, Whole, run, whole

PLATFORM: Final = TokenIssuer(
    name="ci",
    url=ISSUER,
    immutable_claims=frozenset(),
    keys=PinnedKeys.parse(key_set(jwk(EC_KEY, kid="k1")), where="test"),
)
ADDRESS: Final = "192.0.2.7"
"""Of `tests.support.api.Client`."""


@dataclass
class Jobs:
    """A gateway with the project ``team`` and CI jobs that come to it."""

    gateway: Whole
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def sessions(self) -> CiSessions:
        """What the gateway asks about tokens and sessions, over the same catalog."""
        parts = self.gateway.parts
        return CiSessions((PLATFORM,), parts.federation, parts.sessions, os.urandom)

    def rule(
        self,
        name: str = "shop",
        *,
        match: str = 'repository_id = "74"',
        role: str = "writer",
        project: str = "team",
        more: str = "",
        audience: str = AUDIENCE,
    ) -> Principal:
        """Add a rule; return the principal that it is."""
        document = (
            f'name = "{name}"\nissuer = "ci"\naudience = "{audience}"\nproject = "{project}"\nrole = "{role}"\n{more}\n'
            f"[match]\n{match}\n"
        )
        principal = Principal(f"w:{next(self.numbers)}", PrincipalKind.WORKLOAD, workload_name(name))
        run(self.gateway.parts.federation.add_rule(principal, document, by=OPERATOR, now=self.gateway.now))
        return principal

    def remove(self, name: str = "shop") -> int:
        """Remove a rule."""
        return run(self.gateway.parts.federation.remove_rule(name, by=OPERATOR, now=self.gateway.now))

    def token(self, *, key: PrivateKey = EC_KEY, life: int = 300, **changes: Any) -> str:
        """Return a fresh token of a job: its own ``jti``, issued now."""
        now = self.gateway.now
        times = {"iat": now, "nbf": now, "exp": now + life, "jti": f"job-{next(self.numbers)}"}
        return sign(good_claims(**{**times, **changes}), key=key)

    def login(self, password: str, *, user: str = "ci", scope: str = "repository:team/app:pull,push") -> Reply:
        """Ask for an access token with ``password``, as docker does."""
        return self.gateway.client.send("GET", f"/token?scope={scope}", headers=[basic(user, password)], host=HOST)

    def access(self, password: str, **more: str) -> str:
        """Return the access token that a good password gives."""
        reply = self.login(password, **more)
        assert reply.status == 200, reply.body
        return str(reply.json()["token"])

    def push(self, access: str, artifact: Artifact, tag: str = "v1", *, repository: str = "team/app") -> Reply:
        """Push an image with an access token."""
        client = self.gateway.client
        for blob in artifact.blobs:
            target = f"/v2/{repository}/blobs/uploads/?digest={blob.digest}"
            reply = client.send("POST", target, body=blob.content, token=access, host=HOST)
            if reply.status != 201:
                return reply
        return client.send(
            "PUT",
            f"/v2/{repository}/manifests/{tag}",
            body=artifact.manifest.content,
            headers=[("content-type", artifact.manifest.media_type)],
            token=access,
            host=HOST,
        )

    def ping(self, access: str) -> int:
        """Return the status of ``/v2/``."""
        return self.gateway.client.send("GET", "/v2/", token=access, host=HOST).status

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the data of all events of this kind, in order."""
        found = run(self.gateway.parts.audit.events(after=0, limit=100_000))
        return [event.data for event in found if event.kind == kind]

    def refusals(self) -> list[str]:
        """Return why logins were refused, as the audit log will say it."""
        taken = self.gateway.parts.logins.take(now=self.gateway.now)
        return [span.why for key, span in taken.items() if not key.succeeded]


@contextmanager
def jobs(folder: Path, *issuers: TokenIssuer) -> Iterator[Jobs]:
    """Give a gateway that takes tokens of ``issuers`` (default: `PLATFORM`), with the project ``team`` and no rule."""
    with whole(folder, issuers=issuers or (PLATFORM,)) as gateway:
        gateway.project("team")
        yield Jobs(gateway)
        assert gateway.failures == []
