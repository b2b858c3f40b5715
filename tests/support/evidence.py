"""Evidence as cosign writes it, byte for byte, from seeds: the generator of this project's golden vectors.

Keys and signatures are deterministic (RFC 6979 nonces), so equal calls give equal bytes. The bytes are put together here
by hand, in the member order of Go's structs, and share no code with the verifier; `tests/unit/evidence/test_generator.py`
compares them with what real cosign wrote. Only `Evidence.object` knows the gateway, to hand its values over.

Pure: no I/O.
Source: cosign 2.5 and 3.1, as recorded in `tests/unit/evidence/data`.
"""

import base64
import functools
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import (
    crypto_sign_ed25519ph_final_create,
    crypto_sign_ed25519ph_state,
    crypto_sign_ed25519ph_update,
    crypto_sign_seed_keypair,
)

from gateway.evidence.classify import classify
from gateway.evidence.values import EvidenceObject
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import Tag

KeyKind: TypeAlias = Literal["ecdsa-p256", "ecdsa-p384", "rsa", "ed25519"]
KEY_KINDS: Final[tuple[KeyKind, ...]] = ("ecdsa-p256", "ecdsa-p384", "rsa", "ed25519")

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE: Final = "application/vnd.dsse.envelope.v1+json"
BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
COSIGN_ARTIFACT: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"
IN_TOTO: Final = "application/vnd.in-toto+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"

COSIGN_SIGN: Final = "https://sigstore.dev/cosign/sign/v1"
SLSA_PROVENANCE: Final = "https://slsa.dev/provenance/v1"
SPDX: Final = "https://spdx.dev/Document"
CREATED: Final = "2026-01-02T03:04:05Z"
FIRST_SEEN: Final = 1_767_323_045

SUBJECT: Final = "sha256:" + hashlib.sha256(b"the image").hexdigest()
OTHER_SUBJECT: Final = "sha256:" + hashlib.sha256(b"another image").hexdigest()
HOST: Final = "registry.example.test"
REPOSITORY: Final = "team/app"
REFERENCE: Final = f"{HOST}/{REPOSITORY}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair of one seed."""

    kind: KeyKind
    _private: Any = field(repr=False)

    @property
    def pem(self) -> str:
        """The public key, as a `.pub` file has it."""
        return str(
            self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
        )

    @property
    def spki(self) -> bytes:
        """The public key in DER."""
        return bytes(self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def id(self) -> str:
        """The key's name in the gateway."""
        return "key:sha256:" + hashlib.sha256(self.spki).hexdigest()

    @property
    def hint(self) -> str:
        """The key's name in a bundle."""
        return _b64(hashlib.sha256(self.spki).digest())

    def sign(self, message: bytes, *, old: bool = False) -> bytes:
        """Return the signature as cosign 2.6 and 3 make it; ``old``: as earlier ones did (SHA-256 always, pure Ed25519)."""
        match self.kind:
            case "ecdsa-p256" | "ecdsa-p384":
                algorithm = SHA384() if self.kind == "ecdsa-p384" and not old else SHA256()
                return bytes(self._private.sign(message, ec.ECDSA(algorithm, deterministic_signing=True)))
            case "rsa":
                return bytes(self._private.sign(message, padding.PKCS1v15(), SHA256()))
            case "ed25519":
                if old:
                    return bytes(self._private.sign(message))
                state = crypto_sign_ed25519ph_state()
                crypto_sign_ed25519ph_update(state, message)
                _, secret = crypto_sign_seed_keypair(self._private.private_bytes_raw())
                return crypto_sign_ed25519ph_final_create(state, secret)


@functools.cache
def signer(kind: KeyKind = "ecdsa-p256", seed: int = 0) -> Signer:
    """Return the key pair of ``seed``; always the same one."""
    material = hashlib.sha256(f"{kind} {seed}".encode()).digest()
    match kind:
        case "ecdsa-p256":
            return Signer(kind, ec.derive_private_key(int.from_bytes(material), ec.SECP256R1()))
        case "ecdsa-p384":
            return Signer(kind, ec.derive_private_key(int.from_bytes(material), ec.SECP384R1()))
        case "ed25519":
            return Signer(kind, ed25519.Ed25519PrivateKey.from_private_bytes(material))
        case "rsa":
            return Signer(kind, rsa_key(2048, 65537, seed))


def rsa_key(bits: int, exponent: int, seed: int) -> rsa.RSAPrivateKey:
    """Return the RSA key of ``seed``. For tests alone: the primes are as predictable as the seed."""
    source = random.Random(f"rsa {bits} {exponent} {seed}")
    p, q = (_prime(source, bits // 2, exponent) for _ in range(2))
    d = pow(exponent, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(exponent, p * q)
    )
    return numbers.private_key()


def _prime(source: random.Random, bits: int, exponent: int) -> int:
    while True:
        candidate = source.getrandbits(bits) | 3 << (bits - 2) | 1
        if any(candidate % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)):
            continue
        # Fermat's test is enough for numbers that nobody chose to fool it.
        if candidate % exponent != 1 and pow(2, candidate - 1, candidate) == 1:
            return candidate


@dataclass(frozen=True, slots=True)
class Evidence:
    """An evidence manifest with its blobs, as a client would push them; ``tag`` is None where it is pushed by digest."""

    manifest: bytes
    blobs: Mapping[str, bytes]
    tag: str | None
    media_type: str = OCI_MANIFEST

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return _digest(self.manifest)

    def object(self, *, first_seen: int = FIRST_SEEN) -> EvidenceObject:
        """Return it as the gateway holds it."""
        manifest = Manifest.parse(self.manifest, content_type=self.media_type, max_bytes=4 << 20)
        claim = classify(manifest, None if self.tag is None else Tag.parse(self.tag))
        assert claim is not None
        blobs = {Digest.parse(digest): content for digest, content in self.blobs.items()}
        return EvidenceObject(manifest, claim, blobs, first_seen)


# The bytes that are signed.


def simple_signing(
    subject: str = SUBJECT, reference: str = REFERENCE, *, optional: Mapping[str, Any] | None = None
) -> bytes:
    """Return the payload of a classic signature."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": subject},
        "type": "cosign container image signature",
    }
    return go_json({"critical": critical, "optional": optional})


def sign_statement(
    subject: str = SUBJECT, *, annotations: Mapping[str, str] | None = None, predicate: bool = True
) -> bytes:
    """Return the statement of a plain signature; cosign 2 leaves the predicate out."""
    about: dict[str, Any] = {"digest": {"sha256": subject.removeprefix("sha256:")}}
    if annotations:
        about["annotations"] = annotations
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [about], "predicateType": COSIGN_SIGN}
    return go_json({**statement, "predicate": {}} if predicate else statement)


def attest_statement(
    predicate_type: str = SLSA_PROVENANCE,
    predicate: Any = None,
    *,
    subject: str = SUBJECT,
    name: str = REFERENCE,
) -> bytes:
    """Return the statement of an attestation."""
    return go_json(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "subject": [{"name": name, "digest": {"sha256": subject.removeprefix("sha256:")}}],
            "predicateType": predicate_type,
            "predicate": {} if predicate is None else predicate,
        }
    )


def pae(payload: bytes, payload_type: str = IN_TOTO) -> bytes:
    """Return what a DSSE signature is over."""
    return b" ".join(
        (b"DSSEv1", str(len(payload_type)).encode(), payload_type.encode(), str(len(payload)).encode(), payload)
    )


def envelope(payload: bytes, signatures: Sequence[bytes], *, payload_type: str = IN_TOTO) -> dict[str, Any]:
    """Return a DSSE envelope."""
    return {
        "payload": _b64(payload),
        "payloadType": payload_type,
        "signatures": [{"sig": _b64(signature)} for signature in signatures],
    }


def bundle(payload: bytes, signature: bytes, hint: str) -> bytes:
    """Return a Sigstore bundle."""
    material = {"publicKey": {"hint": hint}}
    return go_json(
        {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope(payload, [signature])}
    )


# The manifests around them.


def bundle_referrer(
    document: bytes,
    *,
    subject: str = SUBJECT,
    subject_size: int = 412,
    predicate_type: str = COSIGN_SIGN,
    created: str = CREATED,
) -> Evidence:
    """Return the referrer of a bundle."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_EMPTY, "size": 2, "digest": _digest(b"{}"), "artifactType": BUNDLE},
        "layers": [{"mediaType": BUNDLE, "size": len(document), "digest": _digest(document)}],
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": predicate_type,
            "org.opencontainers.image.created": created,
        },
        "subject": {"mediaType": OCI_MANIFEST, "size": subject_size, "digest": subject},
        "artifactType": BUNDLE,
    }
    return Evidence(go_json(manifest), {_digest(b"{}"): b"{}", _digest(document): document}, None)


def classic_config(layers: Sequence[str]) -> bytes:
    """Return what cosign puts in the place of an image's config, over layers with these digests."""
    return go_json(
        {
            "architecture": "",
            "created": "0001-01-01T00:00:00Z",
            "history": [{"created": "0001-01-01T00:00:00Z"} for _ in layers],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": layers},
            "config": {},
        }
    )


def classic_manifest(
    layers: Sequence[tuple[bytes, Mapping[str, str]]],
    *,
    layer_type: str = SIMPLE_SIGNING,
    tag: str | None,
    config_type: str = OCI_CONFIG,
    referrer_of: str | None = None,
    subject_size: int = 412,
) -> Evidence:
    """Return a `.sig` or `.att` manifest of ``layers`` (content, annotations), or the referrer of the OCI 1.1 mode."""
    config = classic_config([_digest(content) for content, _ in layers])
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": config_type, "size": len(config), "digest": _digest(config)},
        "layers": [
            {"mediaType": layer_type, "size": len(content), "digest": _digest(content), "annotations": annotations}
            for content, annotations in layers
        ],
    }
    if referrer_of is not None:
        manifest["subject"] = {"mediaType": OCI_MANIFEST, "size": subject_size, "digest": referrer_of}
    blobs = {_digest(config): config, **{_digest(content): content for content, _ in layers}}
    return Evidence(go_json(manifest), blobs, tag)


# Whole pieces of evidence, as one command of cosign makes them.


def signed_classic(
    *by: Signer,
    subject: str = SUBJECT,
    reference: str = REFERENCE,
    optional: Mapping[str, Any] | None = None,
    payload: bytes | None = None,
    old: bool = False,
    referrer: bool = False,
) -> Evidence:
    """Return a classic signature with one layer for each signer."""
    content = simple_signing(subject, reference, optional=optional) if payload is None else payload
    layers = [
        (content, {"dev.cosignproject.cosign/signature": _b64(each.sign(content, old=old))})
        for each in by or (signer(),)
    ]
    if referrer:
        return classic_manifest(layers, tag=None, config_type=COSIGN_ARTIFACT, referrer_of=subject)
    return classic_manifest(layers, tag=f"{subject.replace(':', '-')}.sig")


def attested_classic(by: Signer | None = None, *statements: bytes, subject: str = SUBJECT) -> Evidence:
    """Return a classic attestation with one layer for each statement."""
    key = by or signer()
    layers = []
    for payload in statements or (attest_statement(subject=subject),):
        content = go_json(envelope(payload, [key.sign(pae(payload))]))
        annotations = {
            "dev.cosignproject.cosign/signature": "",
            "predicateType": json.loads(payload)["predicateType"],
        }
        layers.append((content, annotations))
    return classic_manifest(layers, layer_type=DSSE, tag=f"{subject.replace(':', '-')}.att")


def signed_bundle(
    by: Signer | None = None,
    *,
    subject: str = SUBJECT,
    annotations: Mapping[str, str] | None = None,
    payload: bytes | None = None,
) -> Evidence:
    """Return a signature in a bundle."""
    key = by or signer()
    content = sign_statement(subject, annotations=annotations) if payload is None else payload
    return bundle_referrer(bundle(content, key.sign(pae(content)), key.hint), subject=subject)


def attested_bundle(
    by: Signer | None = None, predicate_type: str = SLSA_PROVENANCE, predicate: Any = None, *, subject: str = SUBJECT
) -> Evidence:
    """Return an attestation in a bundle."""
    key = by or signer()
    payload = attest_statement(predicate_type, predicate, subject=subject)
    document = bundle(payload, key.sign(pae(payload)), key.hint)
    return bundle_referrer(document, subject=subject, predicate_type=predicate_type)


def attested_in_toto(by: Signer | None = None, payload: bytes | None = None, *, subject: str = SUBJECT) -> Evidence:
    """Return an attestation as a raw in-toto referrer."""
    key = by or signer()
    statement = attest_statement(subject=subject) if payload is None else payload
    content = go_json(envelope(statement, [key.sign(pae(statement))]))
    return in_toto_referrer(content, subject=subject)


def in_toto_referrer(content: bytes, *, subject: str = SUBJECT) -> Evidence:
    """Return the raw in-toto referrer of one envelope."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": IN_TOTO,
        "config": {"mediaType": OCI_EMPTY, "size": 2, "digest": _digest(b"{}")},
        "layers": [{"mediaType": DSSE, "size": len(content), "digest": _digest(content)}],
        "subject": {"mediaType": OCI_MANIFEST, "size": 412, "digest": subject},
    }
    return Evidence(go_json(manifest), {_digest(b"{}"): b"{}", _digest(content): content}, None)


# Trust directories.


def trust_files(*keys: Signer, globs: Sequence[str] = ("**",), extra: str = "", policy: str = "") -> dict[str, bytes]:
    """Return a trust directory in which any of ``keys`` may sign for ``globs``; ``extra`` is added to each authority."""
    authorities = "".join(
        f"\n  - name: key-{number}\n    key: {{path: key-{number}.pub}}\n    ctlog: none{extra}"
        for number, _ in enumerate(keys)
    )
    images = ", ".join(f'{{glob: "{glob}"}}' for glob in globs)
    files = {f"key-{number}.pub": key.pem.encode() for number, key in enumerate(keys)}
    return {"policy.yaml": f"images: [{images}]\nauthorities:{authorities}\n{policy}".encode(), **files}


def go_json(value: Any) -> bytes:
    """Return ``value`` as Go's `encoding/json` writes it: compact, and with < > & escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
