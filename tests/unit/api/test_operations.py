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


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        pytest.param((), False, id="nothing"),
        pytest.param(("*/*",), False, id="anything"),
        pytest.param(("text/plain;version=0.0.4",), False, id="text"),
        pytest.param(("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4",), True, id="a-scraper"),
        pytest.param(("text/plain", "Application/OpenMetrics-Text"), True, id="two-lines"),
    ],
)
def test_metrics_are_told_as_openmetrics_to_whoever_takes_it(
    made: House, accept: tuple[str, ...], openmetrics: bool
) -> None:
    headers = [("accept", line) for line in accept]
    reply = made.client.send("GET", "/metrics", token=METRICS_SECRET, headers=headers)
    assert (reply.status, reply.body == b"# EOF\n") == (200, openmetrics)
    kind = "application/openmetrics-text" if openmetrics else "text/plain"
    assert reply.one("content-type").startswith(f"{kind}; version=")


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
