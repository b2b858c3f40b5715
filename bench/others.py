"""The peers: distribution 3, olareg, nginx with files, and zot where there is one; each as an operator starts it, with TLS.

All use the certificate that the gateway's `init` made and log each request, or not, as they do by default. One that can
check a token checks one on each request.

I/O: child processes, and a folder for each.
Source: the documentation of distribution 3, olareg 0.1 and nginx 1.22. The configuration of zot was not yet tried with one.
"""

import base64
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bench.material import Material
from bench.peer import ENVIRONMENT, REPOSITORY, TAG, Program
from bench.wire import HOST
from tests.support.programs import free_port, run, tools_bin


class Distribution(Program):
    """The reference registry, with ES256 tokens."""

    name = "distribution"

    def __init__(self, folder: Path, tls: Path) -> None:
        port = free_port()
        program = tools_bin() / "registry"
        self.about = (
            f"distribution {_version(program, '--version')}: TLS 1.3, an ES256 token per request, filesystem driver"
        )
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (_base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "bench", "alg": "ES256", "use": "sig"}
        (folder / "jwks.json").write_text(json.dumps({"keys": [jwk]}), encoding="ascii")
        config = folder / "config.json"  # YAML, as every JSON document is
        config.write_text(
            json.dumps(
                {
                    "version": "0.1",
                    "log": {"level": "info"},
                    "storage": {
                        "filesystem": {"rootdirectory": str(folder / "data")},
                        "cache": {"blobdescriptor": "inmemory"},
                        "delete": {"enabled": True},
                    },
                    "http": {
                        "addr": f"127.0.0.1:{port}",
                        "tls": {
                            "certificate": str(tls / "certificate.pem"),
                            "key": str(tls / "key.pem"),
                            "minimumtls": "tls1.3",
                        },
                    },
                    "auth": {
                        "token": {
                            "realm": f"https://{HOST}:{port}/token",
                            "service": "bench",
                            "issuer": "bench",
                            "jwks": str(folder / "jwks.json"),
                            "signingalgorithms": ["ES256"],
                        }
                    },
                }
            ),
            encoding="utf-8",
        )
        super().__init__((program, "serve", config), port=port, ca=tls / "ca.pem", log=folder / "log")

    def authorization(self, repository: str, *, push: bool) -> str | None:
        """Sign a token, as the token server that distribution has not got would."""
        now = int(time.time())
        actions = ["pull", "push"] if push else ["pull"]
        header: Mapping[str, object] = {"typ": "JWT", "alg": "ES256", "kid": "bench"}
        claims: Mapping[str, object] = {
            "iss": "bench",
            "aud": "bench",
            "sub": "bench",
            "iat": now,
            "nbf": now - 10,
            "exp": now + 300,
            "jti": os.urandom(8).hex(),
            "access": [{"type": "repository", "name": repository, "actions": actions}],
        }
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"Bearer {signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Olareg(Program):
    """A small registry on OCI layouts. It checks nobody."""

    name = "olareg"

    def __init__(self, folder: Path, tls: Path, version: str) -> None:
        port = free_port()
        self.about = f"olareg {version}: TLS, no authentication, store on disk"
        (folder / "data").mkdir()
        files = ("--tls-cert", tls / "certificate.pem", "--tls-key", tls / "key.pem")
        where = ("--addr", "127.0.0.1", "--port", str(port), "--dir", folder / "data")
        super().__init__(
            (tools_bin() / "olareg", "serve", *where, *files), port=port, ca=tls / "ca.pem", log=folder / "log"
        )


class Zot(Program):
    """Another registry on OCI layouts, of a binary that whoever measures brings along. It checks nobody."""

    name = "zot"

    def __init__(self, folder: Path, tls: Path, program: Path) -> None:
        port = free_port()
        version = zot_version(run(program, "--version", env=ENVIRONMENT).said)
        self.about = f"zot {version}: TLS, no authentication, store on disk, committed on every write"
        config = folder / "config.json"
        config.write_text(json.dumps(zot_config(folder / "data", tls, port)), encoding="utf-8")
        super().__init__((program, "serve", config), port=port, ca=tls / "ca.pem", log=folder / "log")


def zot_config(data: Path, tls: Path, port: int) -> dict[str, object]:
    """Return zot's configuration: on loopback with TLS, no extension, and no `auth`, so that everybody may do all.

    Not htpasswd: zot compares a bcrypt hash on every request, and that would be what is measured.
    """
    return {
        "distSpecVersion": "1.1.1",
        # Else it leaves the writing to the kernel, and a push is answered before its bytes are durable. What it collects
        # by itself is not part of any workload.
        "storage": {"rootDirectory": str(data), "commit": True, "gc": False},
        "http": {
            "address": "127.0.0.1",
            "port": str(port),
            "tls": {"cert": str(tls / "certificate.pem"), "key": str(tls / "key.pem")},
        },
        "log": {"level": "info"},
    }


def zot_version(said: str) -> str:
    """Return the release out of what ``zot --version`` says: one line of its log, in JSON, with the commit."""
    for line in said.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and isinstance(told.get("commit"), str):
            return str(told["commit"])
    return "of an unknown version"


class Nginx(Program):
    """Files, sent by a web server that checks nobody: what this machine can do at most."""

    name = "nginx"
    accepts_pushes = False

    def __init__(self, folder: Path, tls: Path, material: Material) -> None:
        port = free_port()
        program = tools_bin() / "nginx"
        self.about = f"{_version(program, '-v')}: TLS 1.3, static files, no authentication, one worker"
        root = folder / "root" / "v2" / REPOSITORY
        (root / "manifests").mkdir(parents=True)
        (root / "blobs").mkdir()
        (root / "manifests" / TAG).write_bytes(material.image.manifest)
        for blob in (material.small, material.large):
            with (root / "blobs" / blob.digest).open("wb") as file:
                file.writelines(blob.pieces)
        for name in ("client", "proxy", "fastcgi", "uwsgi", "scgi"):
            (folder / name).mkdir()
        config = folder / "nginx.conf"
        temporary = "\n".join(
            f"  {name}_temp_path {folder / short};"
            for name, short in (
                ("client_body", "client"),
                ("proxy", "proxy"),
                ("fastcgi", "fastcgi"),
                ("uwsgi", "uwsgi"),
                ("scgi", "scgi"),
            )
        )
        config.write_text(
            f"""\
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
pid {folder / "pid"};
error_log {folder / "error.log"};
events {{ worker_connections 1024; }}
http {{
{temporary}
  access_log {folder / "access.log"};
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 75;
  keepalive_requests 100000000;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {tls / "certificate.pem"};
    ssl_certificate_key {tls / "key.pem"};
    root {folder / "root"};
    location ~ /manifests/ {{ default_type {material.image.media_type}; }}
  }}
}}
""",
            encoding="utf-8",
        )
        folder.chmod(0o711)
        super().__init__(
            (program, "-c", config, "-e", folder / "start.log"), port=port, ca=tls / "ca.pem", log=folder / "log"
        )


def _version(program: Path, option: str) -> str:
    """Return the last word of what a program says of its version."""
    return run(program, option, env=ENVIRONMENT).said.split()[-1]


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
