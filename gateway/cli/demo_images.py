"""Images and a signature, made from nothing: what the demo pushes.

The signature is what ``cosign sign --key`` of cosign 3 attaches: a Sigstore bundle, as a referrer.

Pure: randomness is the signature's own.
Source: OCI image-spec v1.1; Sigstore bundle v0.3; in-toto Statement v1; DSSE v1.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.evidence.bundle import MEDIA_TYPE as SIGSTORE_BUNDLE
from gateway.oci import media_types
from gateway.oci.digest import Digest

LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
SIGN: Final = "https://sigstore.dev/cosign/sign/v1"


@dataclass(frozen=True, slots=True)
class Made:
    """A manifest and the blobs it names."""

    manifest: bytes
    media_type: str
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return Digest.of(self.manifest)


def image(greeting: str, *, env: Sequence[str] = ("PATH=/",)) -> Made:
    """Return an image of one small layer that runs as nobody."""
    layer = _layer({"greeting.txt": greeting.encode("utf-8")})
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "65534:65534", "Env": list(env), "Cmd": ["/greeting.txt"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(gzip.decompress(layer)).hexdigest()}"]},
            "history": [{"created_by": "registry-gateway demo"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": _descriptor(media_types.OCI_CONFIG, config),
            "layers": [_descriptor(LAYER, layer)],
        }
    )
    return Made(manifest, media_types.OCI_MANIFEST, (layer, config))


def signature(subject: Made, key: ec.EllipticCurvePrivateKey) -> Made:
    """Return the signature of ``subject`` by ``key``, ready to be pushed by its digest."""
    statement = _json(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": subject.digest.hex}}],
            "predicateType": SIGN,
            "predicate": {},
        }
    )
    signed = b"DSSEv1 %d %s %d %s" % (len(media_types.IN_TOTO), media_types.IN_TOTO.encode(), len(statement), statement)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    bundle = _json(
        {
            "mediaType": SIGSTORE_BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": _base64(hashlib.sha256(spki).digest())}},
            "dsseEnvelope": {
                "payload": _base64(statement),
                "payloadType": media_types.IN_TOTO,
                "signatures": [{"sig": _base64(key.sign(signed, ec.ECDSA(hashes.SHA256())))}],
            },
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "artifactType": SIGSTORE_BUNDLE,
            "config": _descriptor(media_types.EMPTY, b"{}"),
            "layers": [_descriptor(SIGSTORE_BUNDLE, bundle)],
            "subject": _descriptor(subject.media_type, subject.manifest),
            "annotations": {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": SIGN},
        }
    )
    return Made(manifest, media_types.OCI_MANIFEST, (b"{}", bundle))


def _layer(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o444
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
