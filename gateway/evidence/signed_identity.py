"""Which repository a classic signature may name: the authority's `signedIdentity` against its `docker-reference`.

Only classic signatures name a repository. A bundle names none, and the subject names of in-toto statements are free
text: what keeps those apart is which keys the trust policy lists for which repository (DESIGN 6).

Pure: no I/O, no third-party import.
Source: containers/image docs/containers-policy.json.5.md, "signedIdentity"; distribution/reference, the grammar of
references and the Docker Hub default.
"""

import re
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from gateway.errors import DigestInvalid, NameInvalid, TagInvalid
from gateway.evidence import members
from gateway.evidence.values import Refused, RejectionCode
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag

_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_PATH: Final = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True, slots=True)
class MatchRepository:
    """The reference names this repository on one of our own hosts; its tag, if it has one, is not looked at."""


@dataclass(frozen=True, slots=True)
class RemapIdentity:
    """As `MatchRepository`, but what lies under ``prefix`` must have been signed under ``signed_prefix``.

    Either may start with a host; without one it is a path on our own. This is for promotion from one project to another.
    """

    prefix: str
    signed_prefix: str


@dataclass(frozen=True, slots=True)
class AnyIdentity:
    """The reference is not compared: the key alone decides, as it does for a bundle."""


SignedIdentity: TypeAlias = MatchRepository | RemapIdentity | AnyIdentity


@dataclass(frozen=True, slots=True)
class DockerReference:
    """A reference with its host. ``digest`` is the one it names, if any."""

    host: str
    repository: RepositoryName
    digest: Digest | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the reference written as ``text``; without a host it is Docker Hub's. Raises `Refused`."""
        rest, at, digest = text.partition("@")
        head, slash, path = rest.partition("/")
        if not (slash and is_host(head)):
            head, path = "docker.io", rest if slash else f"library/{rest}"
        path, colon, tag = path.partition(":")
        try:
            if colon:
                Tag.parse(tag)
            return cls(head, RepositoryName.parse(path), Digest.parse(digest) if at else None)
        except (NameInvalid, TagInvalid, DigestInvalid):
            raise members.malformed("critical.identity.docker-reference is not a reference") from None


def is_host(component: str) -> bool:
    """Return whether the first component of a reference is a host: it has a dot or a port, or is localhost."""
    looks = "." in component or ":" in component or component == "localhost"
    return looks and _HOST.fullmatch(component) is not None


def is_prefix(text: str) -> bool:
    """Return whether ``text`` can be a prefix of `RemapIdentity`: a host, a path, or both."""
    head, slash, path = text.partition("/")
    if is_host(head):
        return not slash or _PATH.fullmatch(path) is not None
    return _PATH.fullmatch(text) is not None


def check(
    reference: str, rule: SignedIdentity, *, repository: RepositoryName, registry_hosts: frozenset[str], subject: Digest
) -> None:
    """Raise `Refused` unless ``reference`` names what ``rule`` wants for ``repository``.

    A digest in the reference must be the subject's: it is one more claim about the same thing.
    """
    if isinstance(rule, AnyIdentity):
        return
    named = DockerReference.parse(reference)
    if named.digest is not None and named.digest != subject:
        raise Refused(RejectionCode.DIGEST_MISMATCH, "critical.identity.docker-reference names another digest")
    # Hosts are compared letter for letter, port included: a host that is not listed is another registry.
    wanted = {_remapped(f"{host}/{repository}", host=host, rule=rule) for host in registry_hosts}
    if f"{named.host}/{named.repository}" not in wanted:
        raise Refused(
            RejectionCode.REPOSITORY_MISMATCH, f"signed for {named.host}/{named.repository}, not for {repository} here"
        )


def _remapped(name: str, *, host: str, rule: MatchRepository | RemapIdentity) -> str:
    if isinstance(rule, MatchRepository):
        return name
    prefix, signed_prefix = (
        text if is_host(text.partition("/")[0]) else f"{host}/{text}" for text in (rule.prefix, rule.signed_prefix)
    )
    # At a component's border only: `prod` is no prefix of `production`.
    return signed_prefix + name[len(prefix) :] if f"{name}/".startswith(f"{prefix}/") else name
