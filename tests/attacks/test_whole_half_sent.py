"""Manifests of which all but the end is sent: a bound for all of them together, and a share for one account.

A real process, since what it holds is what it has received.
"""

import json
import socket
import ssl
from pathlib import Path

from gateway.access.values import Role
from gateway.api.budget import MAX_BYTES_OF_ONE
from tests.support.gateway_process import GatewayProcess
from tests.support.images import image
from tests.support.programs import until
from tests.support.whole import PASSWORD, whole
from tests.support.wire import Wire

REPOSITORY = "acme/app"
SIZE = 4 * 1024 * 1024 - 10
HELD = SIZE - 100
"""Of each."""
FIT, OVER = MAX_BYTES_OF_ONE // HELD, 3


def test_half_sent_manifests_of_one_account_are_bounded(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path)
    with whole(gateway.folder, made=True, ahead_seconds=0) as furnishing:
        furnishing.project("acme")
        furnishing.person("writer", ("acme", Role.WRITER))
        furnishing.person("other", ("acme", Role.WRITER))
    gateway.start()
    context = ssl.create_default_context(cafile=str(gateway.ca))
    writer, other = (
        Wire(host=gateway.host, ca=gateway.ca, name=name, password=PASSWORD) for name in ("writer", "other")
    )
    head = (
        f"PUT /v2/{REPOSITORY}/manifests/v1 HTTP/1.1\r\nHost: {gateway.host}\r\nContent-Length: {SIZE}\r\n"
        f"Authorization: Bearer {writer._token(REPOSITORY)}\r\n"
        "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n\r\n"
    ).encode()
    connections: list[ssl.SSLSocket] = []

    def refused() -> int:
        """Return how many requests were told that their sender has too much in memory."""
        records = (json.loads(line) for line in gateway.log().splitlines() if line.startswith("{"))
        return sum(record.get("status") == 429 for record in records)

    try:
        for _ in range(FIT + OVER):
            plain = socket.create_connection(("127.0.0.1", int(gateway.host.rpartition(":")[2])), timeout=30)
            connections.append(context.wrap_socket(plain, server_hostname="localhost"))
            try:
                connections[-1].sendall(head + b" " * HELD)
            except (ConnectionError, ssl.SSLError):
                continue  # refused in the middle of it
        until(lambda: refused() >= OVER, seconds=60)
        assert other.push(image("one"), "v1", repository=REPOSITORY).status == 201
        for connection in connections:
            connection.close()
        connections.clear()
        until(lambda: writer.push(image("two"), "v2", repository=REPOSITORY).status == 201, seconds=30)
    finally:
        for connection in connections:
            connection.close()
        gateway.stop()
