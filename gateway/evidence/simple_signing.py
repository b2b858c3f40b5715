"""The payload of a classic signature: what it says, once its signature has been checked.

Strict where cosign is lenient: exactly the members of the format, exactly its type, since `cosign verify` looks at neither.

Pure: no I/O, no third-party import.
Source: containers/image docs/containers-signature.5.md; cosign specs/SIGNATURE_SPEC.md.
"""

from dataclasses import dataclass
from typing import Final

from gateway.evidence import members
from gateway.evidence.limits import MAX_DOCKER_REFERENCE_CHARS, MAX_PAYLOAD_BYTES
from gateway.oci.strict_json import JsonObject

TYPE: Final = "cosign container image signature"

_MAX_DIGEST_CHARS: Final = 256


@dataclass(frozen=True, slots=True)
class SimpleSigning:
    """The claims of one payload; ``manifest_digest`` and ``docker_reference`` are as written, compared by the caller."""

    manifest_digest: str
    docker_reference: str
    optional: JsonObject


def parse(payload: bytes) -> SimpleSigning:
    """Return what ``payload`` says. Raises `Refused` for anything but the format to the letter."""
    document = members.parse(payload, what="the payload", max_bytes=MAX_PAYLOAD_BYTES)
    members.exactly(document, {"critical", "optional"}, what="the payload")
    critical = members.exactly(document["critical"], {"identity", "image", "type"}, what="critical")
    identity = members.exactly(critical["identity"], {"docker-reference"}, what="critical.identity")
    image = members.exactly(critical["image"], {"docker-manifest-digest"}, what="critical.image")
    if critical["type"] != TYPE:
        raise members.malformed(f"critical.type is not {TYPE!r}")
    optional = document["optional"]
    return SimpleSigning(
        members.a_text(
            image["docker-manifest-digest"], what="critical.image.docker-manifest-digest", max_chars=_MAX_DIGEST_CHARS
        ),
        members.a_text(
            identity["docker-reference"],
            what="critical.identity.docker-reference",
            max_chars=MAX_DOCKER_REFERENCE_CHARS,
        ),
        {} if optional is None else members.an_object(optional, what="optional"),
    )
