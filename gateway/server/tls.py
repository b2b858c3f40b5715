"""TLS: our side of it, and the certificates that `init` makes.

1.3 unless a setting allows 1.2, and then ECDHE with AEAD only. No session tickets are shared between workers and no
client certificate is asked for.

I/O: reads and writes PEM files.
Source: issue item 3; RFC 8446; RFC 5280; CA/Browser Forum names in subjectAltName only.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.config.sections import Config
from gateway.errors import ConfigInvalid

TLS12_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
CA_DAYS: Final = 3650
LEAF_DAYS: Final = 397
"""What clients accept at most for a server certificate (Apple, Chromium)."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate authority's certificate, and a server certificate of it with its key; PEM."""

    ca: bytes
    chain: bytes
    key: bytes


def listener_context(config: Config) -> ssl.SSLContext | None:
    """Return the context that the settings ask for, None where TLS is off. Raises `ConfigInvalid`."""
    tls = config.server.tls
    if tls.mode == "off":
        return None
    return server_context(certificate=config.path(tls.certificate), key=config.path(tls.key), minimum=tls.minimum)


def server_context(*, certificate: Path, key: Path, minimum: Literal["1.3", "1.2"]) -> ssl.SSLContext:
    """Return the context of the listener. Raises `ConfigInvalid` for files that are not a pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if minimum == "1.3" else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(TLS12_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # Every suite that is left is AEAD with forward secrecy; which is fast only the client's processor knows. Go's clients
    # put AES with 128 bits first, which costs less for each byte of a blob than OpenSSL's own first choice.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigInvalid(
            f"server.tls: {certificate} and {key} are not a certificate and its key ({error})"
        ) from None
    return context


def issue_self_signed(names: Sequence[str], *, now: datetime.datetime) -> Issued:
    """Return a new authority and a server certificate for ``names`` (host names and IP addresses).

    The authority's key signs the one certificate and is then gone: nobody can make another one with it.
    """
    ca_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"registry-gateway CA {now:%Y-%m-%d %H:%M:%S}")])
    start = now - datetime.timedelta(minutes=5)
    ca = (
        x509.CertificateBuilder()
        .subject_name(ca_name)
        .issuer_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(ca_name)
        .public_key(leaf_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=LEAF_DAYS))
        .add_extension(x509.SubjectAlternativeName([_san(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(leaf_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = leaf_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Issued(ca=ca.public_bytes(pem), chain=leaf.public_bytes(pem) + ca.public_bytes(pem), key=key)


def write_issued(issued: Issued, directory: Path) -> None:
    """Write ``ca.pem``, ``certificate.pem`` and ``key.pem`` (mode 0600) into a new ``directory`` (mode 0700)."""
    directory.mkdir(mode=0o700, parents=True)
    for name, content in (("ca.pem", issued.ca), ("certificate.pem", issued.chain), ("key.pem", issued.key)):
        mode = 0o600 if name == "key.pem" else 0o644
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
