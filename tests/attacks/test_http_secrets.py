"""What a client sent in confidence appears in no answer, no log, no failure. The numbers are rows of the register."""

import base64
import json

import pytest

from gateway.errors import Internal
from tests.support.api import METRICS_SECRET, PASSWORD, House, basic, house
from tests.support.oci import encode, image

CANARY = "canary-5f2c9a1e"
ENCODED = base64.b64encode(f"{CANARY}:{CANARY}".encode()).decode()
READ = "/v2/team/app/manifests/v1"
PASSWORD_FORM = f"grant_type=password&username=writer&password={CANARY}".encode()
FORM = ("content-type", "application/x-www-form-urlencoded")


@pytest.fixture
def made() -> House:
    built = house()
    built.registry.put(encode(image()), tag="v1")
    return built


def told(made: House, *replies: bytes) -> str:
    """Return everything that anybody else than the caller gets to see, and the answers."""
    failures = [repr(error) for _, error in made.failures]
    return json.dumps([made.records, made.pulls, made.logins, failures, [str(reply) for reply in replies]])


@pytest.mark.parametrize(
    ("method", "target", "body", "headers"),
    [
        pytest.param("GET", READ, b"", [("authorization", f"Bearer {CANARY}")], id="bearer"),
        pytest.param("GET", READ, b"", [("authorization", f"Bearer a.{CANARY}.c")], id="token"),
        pytest.param("GET", READ, b"", [("authorization", f"{CANARY} x")], id="scheme"),
        pytest.param("GET", READ, b"", [("authorization", f"Basic {ENCODED}")], id="basic-at-the-registry"),
        pytest.param("GET", "/token", b"", [basic("writer", CANARY)], id="wrong-password"),
        pytest.param("GET", "/token", b"", [basic(CANARY, PASSWORD)], id="password-in-the-wrong-field"),
        pytest.param("GET", "/token", b"", [("authorization", f"Basic {CANARY}")], id="malformed-basic"),
        pytest.param("GET", f"/token?password={CANARY}&service=x", b"", [], id="password-in-the-query"),
        pytest.param("GET", f"{READ}?token={CANARY}", b"", [], id="token-in-the-query"),
        pytest.param("POST", "/token", PASSWORD_FORM, [FORM], id="form"),
        pytest.param("POST", "/token", f"grant_type=refresh_token&refresh_token={CANARY}".encode(), [FORM], id="refresh"),
        pytest.param("POST", "/token", f"grant_type={CANARY}&{CANARY}=x&{CANARY}=y".encode(), [FORM], id="broken-form"),
        pytest.param("GET", "/metrics", b"", [("authorization", f"Bearer {CANARY}")], id="metrics"),
        pytest.param("GET", READ, b"", [("cookie", CANARY), ("x-api-key", CANARY)], id="other-headers"),
        pytest.param("GET", READ, b"", [("authorization", f"Bearer {CANARY}")] * 2, id="two-headers"),
    ],
)  # fmt: skip
def test_rows_114_115_a_secret_that_was_refused(
    made: House, method: str, target: str, body: bytes, headers: list[tuple[str, str]]
) -> None:
    reply = made.client.send(method, target, body=body, headers=headers)
    assert reply.status >= 400
    seen = told(made, reply.body, repr(reply.headers).encode())
    assert CANARY not in seen
    assert ENCODED not in seen


def test_row_114_a_secret_that_was_accepted(made: House) -> None:
    reply = made.client.send("GET", "/token", headers=[basic("writer")])
    token = reply.json()["token"]
    metrics = made.client.send("GET", "/metrics", token=METRICS_SECRET)
    read = made.client.send("GET", READ, token=token)
    seen = told(made, metrics.body, read.body)
    assert PASSWORD not in seen
    assert token not in seen
    assert METRICS_SECRET not in seen


def test_row_114_what_failed_here_is_not_told(made: House) -> None:
    made.registry.error = Internal(f"/var/lib/{CANARY} cannot be opened")
    reply = made.client.send("GET", READ, token=made.all_of("reader"))
    assert reply.status == 500
    assert CANARY.encode() not in reply.body
    assert CANARY in repr(made.failures)


def test_row_25_no_answer_reads_a_secret_back(made: House) -> None:
    token = made.token("admin", "registry:catalog:*", "repository:team/app:pull,push,delete")
    for path in ("/.well-known/jwks.json", "/.well-known/registry-gateway", "/v2/_catalog", "/livez", "/readyz"):
        body = made.client.send("GET", path, token=token).body
        for secret in (PASSWORD, METRICS_SECRET, '"d"', "hash of"):
            assert secret.encode() not in body


@pytest.mark.parametrize(
    "path",
    ["/v2/%1b[31m", "/v2/\x1b[31m", "/v2/a\r\nfake: line", "/v2/a%0d%0afake", "/v2/\u202e", "/" + "\x00" * 4000],
)
def test_row_116_no_line_of_the_log_moves_a_cursor(made: House, path: str) -> None:
    made.client.raw("GET", path.encode("utf-8"), [("host", "registry.example:5000")])
    (record,) = made.records
    logged = str(record["path"])
    assert logged.isascii()
    assert logged.isprintable()
    assert len(logged) <= 4 * 512


@pytest.mark.parametrize("name", ["a%0d%0ab", "%22", "%5c", "\x1b"])
def test_row_116_no_header_is_made_of_what_was_sent(made: House, name: str) -> None:
    token = made.all_of("owner")
    for target in (f"/v2/{name}/manifests/v1", f"/v2/team/app/tags/list?n=1&last={name}", f"{READ}?x={name}"):
        reply = made.client.raw(
            "GET", target.encode(), [("host", "registry.example:5000"), ("authorization", f"Bearer {token}")]
        )
        for _, value in reply.headers:
            assert value.isascii()
            assert value.isprintable()
