"""The thin line over the real parts: push, see it held, sign it, see it promoted, pull it; and who sees what meanwhile."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.access.scopes import parse_scopes
from gateway.access.values import Role
from gateway.api.application import Api
from gateway.api.settings import ApiDependencies, ApiSettings
from gateway.catalog.sqlite.uploads import SqliteUploads
from gateway.identity.access_token import issue_access_token
from gateway.identity.key_ring import KeyRing, SigningKey
from gateway.oci.digest import Digest
from tests.support import admission
from tests.support.admission import KEY, NOW, run
from tests.support.api import HOST, Client, Reply
from tests.support.evidence import Evidence, signed_bundle
from tests.support.federation import no_federation
from tests.support.identity import AUDIENCE, ISSUER, PRIVATE_KEY, CountingHasher
from tests.support.images import Artifact, image

RING = KeyRing((SigningKey.of(PRIVATE_KEY, not_before=NOW - 1000, retire_after=None),))
REPOSITORY = "/v2/team/app"


class Gateway:
    """The API over the real catalog, the real rules and the real admission path."""

    def __init__(self, built: admission.House) -> None:
        self.house = built
        ids = iter(range(1 << 30))
        self.failures: list[BaseException] = []

        async def ready() -> Mapping[str, str]:
            return {}

        async def metrics(*, openmetrics: bool) -> bytes:
            return b""

        self.client = Client(
            Api(
                ApiDependencies(
                    manifests=built.manifests,
                    listings=built.listings,
                    blobs=built.blobs,
                    uploads=SqliteUploads(database=built.database),
                    content=built.content,
                    admission=built.gate,
                    standings=built.standings,
                    accounts=built.standings,
                    passwords=CountingHasher(),
                    ci=no_federation(),
                    keys=lambda: RING,
                    record_pull=lambda **entry: None,
                    record_login=lambda **entry: None,
                    ready=ready,
                    metrics=metrics,
                    log_request=lambda record: None,
                    failed=lambda what, error: self.failures.append(error),
                    now=lambda: float(built.now),
                    monotonic=lambda: 0.0,
                    random_bytes=lambda count: next(ids).to_bytes(count, "big"),
                ),
                ApiSettings(
                    public_url=ISSUER,
                    service=AUDIENCE,
                    hosts=frozenset({HOST}),
                    token_lifetime_seconds=300,
                    max_manifest_bytes=4 << 20,
                    max_blob_bytes=1 << 30,
                ),
            )
        )

    def send(
        self, who: str, method: str, target: str, body: bytes = b"", kind: str = "application/octet-stream"
    ) -> Reply:
        token = issue_access_token(
            ring=RING,
            issuer=ISSUER,
            audience=AUDIENCE,
            principal_id=f"u:{who}",
            access=parse_scopes(["repository:team/app:pull,push,delete", "registry:catalog:*"]),
            now=self.house.now,
            lifetime_seconds=300,
            token_id="t",
        )
        reply = self.client.send(method, target, body=body, token=token, headers=[("content-type", kind)])
        assert not self.failures
        return reply

    def push_blob(self, who: str, content: bytes) -> None:
        location = self.send(who, "POST", f"{REPOSITORY}/blobs/uploads/").one("location")
        assert self.send(who, "PUT", f"{location}?digest={Digest.of(content)}", content).status == 201

    def push(self, who: str, artifact: Artifact, reference: str) -> Reply:
        for blob in artifact.blobs:
            self.push_blob(who, blob.content)
        manifest = artifact.manifest
        return self.send(who, "PUT", f"{REPOSITORY}/manifests/{reference}", manifest.content, manifest.media_type)

    def sign(self, who: str, evidence: Evidence) -> Reply:
        for content in evidence.blobs.values():
            self.push_blob(who, content)
        path = f"{REPOSITORY}/manifests/{evidence.tag or evidence.digest}"
        return self.send(who, "PUT", path, evidence.manifest, evidence.media_type)

    def seen(self, who: str, artifact: Artifact) -> list[int]:
        """Return how the caller sees the tag, the digest and the first blob."""
        paths = ("manifests/v1", f"manifests/{artifact.digest}", f"blobs/{artifact.blobs[0].digest}")
        return [self.send(who, "GET", f"{REPOSITORY}/{path}").status for path in paths]

    def tags(self, who: str) -> Reply:
        return self.send(who, "GET", f"{REPOSITORY}/tags/list")

    def repositories(self, who: str) -> list[str]:
        found: list[str] = self.send(who, "GET", "/v2/_catalog").json()["repositories"]
        return found


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with admission.house(tmp_path) as built:
        run(built.person("rose", Role.READER))
        run(built.person("mia", Role.MAINTAINER))
        yield Gateway(built)


def test_push_held_sign_promoted_pull(gateway: Gateway) -> None:
    app = image("app")
    pushed = gateway.push("alice", app, "v1")
    assert pushed.status == 201
    assert pushed.one("registry-gateway-state") == "held"
    assert any(f"@{app.digest}" in warning for warning in pushed.every("warning"))
    assert gateway.seen("rose", app) == [404, 404, 404]
    assert gateway.seen("alice", app) == [200, 200, 200]
    assert gateway.tags("rose").status == 404
    assert gateway.repositories("rose") == []

    signed = gateway.sign("alice", signed_bundle(KEY, subject=app.digest))
    assert (signed.status, signed.one("oci-subject")) == (201, app.digest)
    assert gateway.seen("rose", app) == [200, 200, 200]
    assert gateway.tags("rose").json()["tags"] == ["v1"]
    assert gateway.repositories("rose") == ["team/app"]
    pulled = gateway.send("rose", "GET", f"{REPOSITORY}/manifests/v1")
    assert pulled.body == app.manifest.content
    assert not pulled.every("registry-gateway-state")
    (referrer,) = gateway.send("rose", "GET", f"{REPOSITORY}/referrers/{app.digest}").json()["manifests"]
    assert referrer["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"


def test_a_denied_push_says_why_and_leaves_nothing(gateway: Gateway) -> None:
    bad = image("bad", env=("PASSWORD=correct-horse-battery-staple",))
    gateway.sign("alice", signed_bundle(KEY, subject=bad.digest))
    reply = gateway.push("alice", bad, "v1")
    assert (reply.status, reply.code) == (403, "DENIED")
    detail = reply.json()["errors"][0]["detail"]
    assert detail["decision_id"]
    assert detail["reasons"][0]["code"] in reply.message
    assert b"correct-horse" not in reply.body
    assert gateway.seen("alice", bad)[:2] == [404, 404]


def test_delete_takes_it_from_everybody(gateway: Gateway) -> None:
    app = image("app")
    gateway.sign("alice", signed_bundle(KEY, subject=app.digest))
    assert not gateway.push("alice", app, "v1").every("registry-gateway-state")
    layer = app.blobs[0].digest
    assert gateway.send("mia", "DELETE", f"{REPOSITORY}/blobs/{layer}").status == 405
    assert gateway.send("alice", "DELETE", f"{REPOSITORY}/manifests/v1").status == 401
    assert gateway.send("mia", "DELETE", f"{REPOSITORY}/manifests/v1").status == 202
    assert gateway.seen("rose", app) == [404, 200, 200]
    assert gateway.send("mia", "DELETE", f"{REPOSITORY}/manifests/{app.digest}").status == 202
    assert gateway.seen("rose", app) == [404, 404, 404]
    assert gateway.send("mia", "DELETE", f"{REPOSITORY}/blobs/{layer}").status == 202


def test_a_blob_is_mounted_from_where_it_may_be_read(gateway: Gateway) -> None:
    gateway.push_blob("alice", b"layer")
    digest = Digest.of(b"layer")
    path = f"/v2/team/app/blobs/uploads/?mount={digest}"
    assert gateway.send("alice", "POST", path).status == 201
    assert gateway.send("alice", "POST", f"{path}&from=team/none").status == 202
