"""Records what real cosign binaries write, as vectors for `tests/unit/evidence/test_real_cosign.py`.

    python -m tests.support.record_cosign --cosign3 PATH --cosign2 PATH --registry PATH

``--registry`` is olareg. Everything happens on the loopback interface in a folder that is removed; the private keys are
made here and go with it, so the vectors cannot be extended with the same keys, only made anew. Not part of any test run:
the vectors are in the tree, and this says how they came about.

I/O: processes, files, HTTP on 127.0.0.1.
"""

import argparse
import base64
import hashlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

TARGET: Final = Path(__file__).parents[1] / "unit/evidence/data/real_cosign.json"

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
PREDICATE: Final = {
    "buildDefinition": {"buildType": "https://example.test/build", "externalParameters": {"ref": "main"}},
    "runDetails": {"builder": {"id": "https://example.test/builder"}},
}
_ACCEPT: Final = f"{OCI_MANIFEST}, application/vnd.docker.distribution.manifest.v2+json"
_KEYS: Final[dict[str, Any]] = {
    "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


class Recorder:
    """One folder with keys, one registry, and what was recorded."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.host = f"127.0.0.1:{port}"
        self.environment = {**os.environ, "COSIGN_PASSWORD": "none", "HOME": str(folder), "COSIGN_EXPERIMENTAL": "1"}
        self.cases: list[dict[str, Any]] = []

    def run(self, *command: str) -> None:
        """Run ``command`` in the folder; what it prints is shown only where it fails."""
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[Any, bytes]:
        """Return the headers and body of a request to the registry."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else f"http://{self.host}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, body, named, method=method)) as answer:
            return answer.headers, answer.read()

    def push(self, repository: str, salt: str) -> str:
        """Return the digest of a small image, pushed to ``repository``."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"salt": salt}}}).encode()
        descriptors = []
        for content in (config, salt.encode()):
            digest = _digest(content)
            headers, _ = self.request("POST", f"/v2/{repository}/blobs/uploads/")
            place = headers["Location"]
            joint = "&" if "?" in place else "?"
            self.request("PUT", f"{place}{joint}digest={digest}", content, Content_Type="application/octet-stream")
            descriptors.append({"digest": digest, "size": len(content)})
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **descriptors[0]},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **descriptors[1]}],
        }
        raw = json.dumps(manifest).encode()
        digest = _digest(raw)
        self.request("PUT", f"/v2/{repository}/manifests/{digest}", raw, Content_Type=OCI_MANIFEST)
        return digest

    def keep(self, name: str, key: str, repository: str, subject: str, *, tag: str | None) -> None:
        """Record the evidence for ``subject``: the manifest at ``tag``, or its only referrer."""
        reference = tag
        if tag is None:
            _, listed = self.request("GET", f"/v2/{repository}/referrers/{subject}")
            (entry,) = json.loads(listed)["manifests"]
            reference = entry["digest"]
        headers, raw = self.request("GET", f"/v2/{repository}/manifests/{reference}", Accept=_ACCEPT)
        blobs = {}
        manifest = json.loads(raw)
        for part in (manifest["config"], *manifest["layers"]):
            _, blobs[part["digest"]] = self.request("GET", f"/v2/{repository}/blobs/{part['digest']}")
        self.cases.append(
            {
                "name": name,
                "key": (self.folder / f"{key}.pub").read_text("ascii"),
                "host": self.host,
                "repository": repository,
                "subject": subject,
                "tag": tag,
                "media_type": headers["Content-Type"],
                "manifest": base64.b64encode(raw).decode("ascii"),
                "blobs": {digest: base64.b64encode(blob).decode("ascii") for digest, blob in blobs.items()},
            }
        )


def main() -> None:
    """Make the vectors and write them to `TARGET`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("cosign3", "cosign2", "registry"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = (options.registry, "serve", "--addr", "127.0.0.1", "--port", str(port), "--store-type", "mem")
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            recorder = Recorder(Path(folder), port)
            _wait(recorder)
            _record(recorder, options.cosign2, options.cosign3)
        finally:
            server.terminate()
            server.wait()
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(recorder.cases, indent=1) + "\n", "ascii")


def _wait(recorder: Recorder) -> None:
    for _ in range(100):
        try:
            recorder.request("GET", "/v2/")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the registry does not start")


def _record(recorder: Recorder, cosign2: str, cosign3: str) -> None:
    run, folder = recorder.run, recorder.folder
    (folder / "predicate.json").write_text(json.dumps(PREDICATE))
    run(cosign3, "signing-config", "create", "--out", "none.json")
    run(cosign3, "trusted-root", "create", "--out", "root.json")
    bundle3 = ("--signing-config", "none.json", "--trusted-root", "root.json")
    old3 = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false")
    attest = ("--type", "slsaprovenance1", "--predicate", "predicate.json")
    for key, make in _KEYS.items():
        pem = make().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{key}.pem").write_bytes(pem)
        run(cosign3, "import-key-pair", "--key", f"{key}.pem", "--output-key-prefix", key)
        cases: list[tuple[str, str, tuple[str, ...], str | None]] = [
            ("cosign3-bundle-sign", cosign3, ("sign", *bundle3, "-a", "team=release"), None),
            ("cosign3-bundle-attest", cosign3, ("attest", *bundle3, *attest), None),
            ("cosign3-classic-sign", cosign3, ("sign", *old3, "-a", "team=release"), "sig"),
            ("cosign3-classic-attest", cosign3, ("attest", *old3, *attest), "att"),
            ("cosign2-classic-sign", cosign2, ("sign", "--tlog-upload=false"), "sig"),
            ("cosign2-classic-attest", cosign2, ("attest", "--tlog-upload=false", *attest), "att"),
        ]
        if key == "ecdsa-p256":
            oci = ("sign", *old3, "--registry-referrers-mode=oci-1-1")
            cases.append(("cosign3-classic-referrer", cosign3, oci, None))
        if key == "ed25519":  # cosign 3.1 signs, cannot verify what it made, and gives up before it pushes
            cases = [case for case in cases if "bundle" not in case[0]]
        for name, binary, arguments, suffix in cases:
            repository = f"team/{name}-{key}"
            subject = recorder.push(repository, f"{name}-{key}")
            reference = f"{recorder.host}/{repository}@{subject}"
            run(binary, arguments[0], "--key", f"{key}.key", *arguments[1:], "-y", reference)
            tag = None if suffix is None else f"{subject.replace(':', '-')}.{suffix}"
            recorder.keep(f"{name}-{key}", key, repository, subject, tag=tag)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
