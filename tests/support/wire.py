"""A client over real TLS: one account at one running gateway. It keeps its tokens, and believes only the CA it was given.

I/O: sockets.
"""

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from tests.support.api import Reply, basic
from tests.support.evidence import Evidence
from tests.support.images import Artifact

TIMEOUT_SECONDS: Final = 60.0


class Wire:
    """Somebody with an account at the gateway that listens on ``host`` (``localhost:PORT``)."""

    def __init__(self, *, host: str, ca: Path, name: str, password: str) -> None:
        self.host = host
        self._context = ssl.create_default_context(cafile=str(ca))
        self._login = basic(name, password)
        self._tokens: dict[str, str] = {}

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request on a connection of its own."""
        name, _, port = self.host.rpartition(":")
        connection = http.client.HTTPSConnection(name, int(port), context=self._context, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            fields = tuple((key.lower(), value) for key, value in response.getheaders())
            return Reply(response.status, fields, response.read())
        finally:
            connection.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        repository: str,
        body: bytes | None = None,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request with a token for the repository."""
        fields = {"authorization": f"Bearer {self._token(repository)}", **(headers or {})}
        if kind is not None:
            fields["content-type"] = kind
        return self.request(method, path, body=body, headers=fields)

    def put(self, artifact: Artifact, reference: str, *, repository: str) -> Reply:
        """PUT the manifest of an artifact whose blobs are there."""
        manifest = artifact.manifest
        path = f"/v2/{repository}/manifests/{reference}"
        return self.send("PUT", path, repository=repository, body=manifest.content, kind=manifest.media_type)

    def push(self, artifact: Artifact, reference: str, *, repository: str) -> Reply:
        """Push an image as a client does; return the answer to its manifest."""
        for blob in artifact.blobs:
            self._blob(blob.content, blob.digest, repository)
        return self.put(artifact, reference, repository=repository)

    def attach(self, evidence: Evidence, *, repository: str) -> Reply:
        """Push evidence; return the answer to its manifest."""
        for digest, content in evidence.blobs.items():
            self._blob(content, digest, repository)
        path = f"/v2/{repository}/manifests/{evidence.tag or evidence.digest}"
        return self.send("PUT", path, repository=repository, body=evidence.manifest, kind=evidence.media_type)

    def pull(self, artifact: Artifact, reference: str, *, repository: str) -> set[int]:
        """Return the statuses that pulling the image gave; bytes that are not its own are an AssertionError."""
        reply = self.send("GET", f"/v2/{repository}/manifests/{reference}", repository=repository)
        statuses = {reply.status}
        if reply.status == 200:
            assert reply.body == artifact.manifest.content
        for blob in artifact.blobs:
            reply = self.send("GET", f"/v2/{repository}/blobs/{blob.digest}", repository=repository)
            statuses.add(reply.status)
            if reply.status == 200:
                assert reply.body == blob.content
        return statuses

    def _blob(self, content: bytes, digest: str, repository: str) -> None:
        path = f"/v2/{repository}/blobs/uploads/?digest={digest}"
        reply = self.send("POST", path, repository=repository, body=content, kind="application/octet-stream")
        assert reply.status == 201, reply.body

    def _token(self, repository: str) -> str:
        if repository not in self._tokens:
            query = urlencode({"scope": f"repository:{repository}:pull,push"})
            reply = self.request("GET", f"/token?{query}", headers=dict([self._login]))
            assert reply.status == 200, reply.body
            self._tokens[repository] = str(json.loads(reply.body)["token"])
        return self._tokens[repository]


@contextlib.contextmanager
def pulling(wire: Wire, artifact: Artifact, reference: str, *, repository: str) -> Iterator[None]:
    """Pull again and again while inside; an AssertionError afterwards unless every pull gave everything."""
    stop = threading.Event()
    seen: list[set[int]] = []
    failures: list[BaseException] = []

    def pull() -> None:
        try:
            while not stop.is_set() or not seen:
                seen.append(wire.pull(artifact, reference, repository=repository))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=pull)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert seen
    assert set().union(*seen) == {200}


@contextlib.contextmanager
def deaf(address: Path | int) -> Iterator[None]:
    """Listen on a Unix socket or on a port of 127.0.0.1, take every question there, and answer none."""
    held: list[socket.socket] = []
    with _listening(address) as listening:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(listening.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def _listening(address: Path | int) -> socket.socket:
    if isinstance(address, int):
        return socket.create_server(("127.0.0.1", address))
    address.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(address))
    made.listen()
    return made
