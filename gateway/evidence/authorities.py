"""Authorities and the policies that name them: the words of a trust policy as values.

Pure: no I/O, no third-party import.
Source: sigstore policy-controller v0.15, ClusterImagePolicy, the words of `spec`; DESIGN 6.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from gateway.evidence.globs import Glob
from gateway.evidence.keys import BUNDLE_HASHES, CLASSIC_HASHES, HashName, PublicKey
from gateway.evidence.signed_identity import SignedIdentity
from gateway.evidence.values import EvidenceFormat, SignerIdentity
from gateway.oci.names import ProjectName, RepositoryName


class SignatureFormat(StrEnum):
    """`signatureFormat`: which formats an authority takes. There is no fallback from one to the other."""

    ANY = "any"
    LEGACY = "legacy"
    BUNDLE = "bundle"

    def allows(self, form: EvidenceFormat) -> bool:
        """Return whether evidence of ``form`` counts."""
        if self is SignatureFormat.ANY:
            return True
        if self is SignatureFormat.BUNDLE:
            return form is EvidenceFormat.SIGSTORE_BUNDLE
        return form in (EvidenceFormat.COSIGN_SIGNATURE, EvidenceFormat.COSIGN_ATTESTATION)


@dataclass(frozen=True, slots=True)
class AttestationRequirement:
    """An attestation that an authority must have made. ``predicate_type`` is compared letter for letter."""

    name: str
    predicate_type: str


@dataclass(frozen=True, slots=True)
class KeyAuthority:
    """A key that can vouch: by a plain signature, or, where ``attestations`` are listed, by all of those."""

    name: str
    signer: SignerIdentity
    key: PublicKey
    hash_name: HashName | None
    attestations: tuple[AttestationRequirement, ...]
    signed_identity: SignedIdentity
    signature_format: SignatureFormat

    def hashes(self, form: EvidenceFormat) -> tuple[HashName, ...]:
        """Return the hashes that a signature of ``form`` by this key may use; `key.hashAlgorithm` narrows them."""
        table = BUNDLE_HASHES if form is EvidenceFormat.SIGSTORE_BUNDLE else CLASSIC_HASHES
        allowed = table[self.key.algorithm]
        return allowed if self.hash_name is None else tuple(name for name in allowed if name is self.hash_name)


@dataclass(frozen=True, slots=True)
class StaticAuthority:
    """An authority that looks at nothing: it always passes, or never."""

    name: str
    action: Literal["pass", "fail"]


Authority: TypeAlias = KeyAuthority | StaticAuthority


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """One policy. ``enforce`` is False for ``mode: warn``: such a policy is reported on and decides nothing."""

    name: str
    project: ProjectName | None
    globs: tuple[Glob, ...]
    authorities: tuple[Authority, ...]
    enforce: bool

    def matches(self, repository: RepositoryName, *, registry_hosts: frozenset[str]) -> bool:
        """Return whether the policy is about ``repository``, by its own name or behind one of ``registry_hosts``."""
        if self.project is not None and self.project.text not in repository.prefixes:
            return False
        return any(glob.matches(name) for glob in self.globs for name in _names(repository.text, glob, registry_hosts))

    def can_match(self, project: ProjectName, *, registry_hosts: frozenset[str]) -> bool:
        """Return whether `matches` is true of a repository that ``project`` has or could have."""
        place = project.text
        if self.project is not None and self.project != project:
            # A policy for a part of the project, or for a path above it.
            if self.project.text.startswith(f"{place}/"):
                place = self.project.text
            elif not place.startswith(f"{self.project.text}/"):
                return False
        return any(
            glob.matches(name) or glob.reaches_below(name)
            for glob in self.globs
            for name in _names(place, glob, registry_hosts)
        )

    @property
    def keys(self) -> tuple[KeyAuthority, ...]:
        """The authorities that are keys."""
        return tuple(authority for authority in self.authorities if isinstance(authority, KeyAuthority))

    @property
    def passes_always(self) -> bool:
        """Whether one of its authorities is ``static: pass``, which needs no evidence and rests on none."""
        return any(isinstance(each, StaticAuthority) and each.action == "pass" for each in self.authorities)


def _names(path: str, glob: Glob, registry_hosts: frozenset[str]) -> Iterator[str]:
    """Return what ``path`` is called where ``glob`` asks: its own name, and behind each host if the glob names a host.

    An asterisk in the first component stands for a component of the name and never for a host: ``*/app`` would be ``app``
    itself, and ``*.example/**`` everything. ``**`` alone is everything anyhow.
    """
    yield path
    if "*" not in glob.text.partition("/")[0]:
        yield from (f"{host.lower()}/{path}" for host in registry_hosts)
