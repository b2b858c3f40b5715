"""A small registry client: what the demo speaks to the gateway with, over TLS, like any client.

I/O: HTTP.
Source: OCI distribution-spec v1.1.1; Docker token protocol.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx2

from gateway.oci.digest import Digest

TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry said: status, headers by lower-case name, and the parsed body where it is JSON."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def message(self) -> str:
        """The first error's message, as `docker` would print it."""
        try:
            document = httpx2.Response(self.status, content=self.content).json()
            return str(document["errors"][0]["message"])
        except (ValueError, KeyError, IndexError, TypeError):
            return ""


class RegistryClient:
    """One account at one registry; without an account, anonymous."""

    def __init__(self, *, url: str, ca_file: Path, account: tuple[str, str] | None) -> None:
        context = ssl.create_default_context(cafile=str(ca_file))
        self._http = httpx2.Client(base_url=url, verify=context, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._account = account

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ready(self) -> bool:
        """Return whether the gateway answers that it is ready."""
        try:
            return self._http.get("/readyz").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def push_blob(self, repository: str, content: bytes) -> Answer:
        """Upload a blob in one request after the start of its session."""
        digest = Digest.of(content)
        started = self._send("POST", f"/v2/{repository}/blobs/uploads/", repository, "pull,push")
        if started.status != httpx2.codes.ACCEPTED:
            return started
        location = started.headers["location"]
        join = "&" if "?" in location else "?"
        return self._send("PUT", f"{location}{join}digest={digest}", repository, "pull,push", content=content)

    def push_manifest(self, repository: str, reference: str, content: bytes, media_type: str) -> Answer:
        """Upload a manifest by tag or digest."""
        path = f"/v2/{repository}/manifests/{reference}"
        return self._send("PUT", path, repository, "pull,push", content=content, media_type=media_type)

    def pull_manifest(self, repository: str, reference: str) -> Answer:
        """Fetch a manifest by tag or digest."""
        return self._send("GET", f"/v2/{repository}/manifests/{reference}", repository, "pull")

    def pull_blob(self, repository: str, digest: Digest) -> Answer:
        """Fetch a blob."""
        return self._send("GET", f"/v2/{repository}/blobs/{digest}", repository, "pull")

    def _send(
        self,
        method: str,
        path: str,
        repository: str,
        actions: str,
        *,
        content: bytes | None = None,
        media_type: str = "application/octet-stream",
    ) -> Answer:
        headers = {"authorization": f"Bearer {self._token(repository, actions)}"}
        if content is not None:
            headers["content-type"] = media_type
        response = self._http.request(method, path, headers=headers, content=content)
        return Answer(response.status_code, dict(response.headers), response.content)

    def _token(self, repository: str, actions: str) -> str:
        scope = f"repository:{repository}:{actions}"
        response = self._http.get("/token", params={"scope": scope}, auth=self._account)
        response.raise_for_status()
        return str(response.json()["token"])
