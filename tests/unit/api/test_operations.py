"""What machines ask of the gateway itself."""

import pytest

from tests.support.api import METRICS_SECRET, House, basic, house
from tests.support.identity import AUDIENCE, ISSUER, KEY


@pytest.fixture
def made() -> House:
    return house()


def test_live(made: House) -> None:
    reply = made.client.send("GET", "/livez")
    assert (reply.status, reply.json()) == (200, {"status": "alive"})


def test_ready(made: House) -> None:
    assert made.client.send("GET", "/readyz").status == 200
    made.down["catalog"] = "it cannot be read"
    reply = made.client.send("GET", "/readyz")
    assert (reply.status, reply.json()["down"]) == (503, {"catalog": "it cannot be read"})
    assert made.client.send("GET", "/livez").status == 200


def test_metrics_have_a_right_of_their_own(made: House) -> None:
    reply = made.client.send("GET", "/metrics", token=METRICS_SECRET)
    assert (reply.status, reply.body) == (200, b"registry_gateway_requests_total 1.0\n")
    assert reply.one("content-type").startswith("text/plain")
    for headers in (
        [],
        [basic("admin")],
        [("authorization", f"Bearer {made.token('admin')}")],
        [("authorization", "é")],
    ):
        refused = made.client.send("GET", "/metrics", headers=headers)
        assert (refused.status, refused.code) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("token", [None, "", METRICS_SECRET])
def test_metrics_are_not_there_unless_configured(token: str | None) -> None:
    reply = house(metrics=False).client.send("GET", "/metrics", token=token)
    assert reply.status == 404


def test_keys(made: House) -> None:
    reply = made.client.send("GET", "/.well-known/jwks.json")
    (key,) = reply.json()["keys"]
    assert (key["kid"], key["crv"]) == (KEY.kid, "P-256")
    assert "d" not in key


def test_about(made: House) -> None:
    document = made.client.send("GET", "/.well-known/registry-gateway").json()
    assert document == {
        "issuer": ISSUER,
        "service": AUDIENCE,
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "limits": {"manifest_bytes": 4194304, "blob_bytes": 1048576, "token_seconds": 300},
    }
