"""How far a key reaches: in which projects a trust policy lets one key vouch.

A Sigstore bundle and an attestation name a digest and no repository, so what a key signed for one project counts in every
other one that trusts it. That is shown, not forbidden: a company may want it. Which projects there are is not asked: what
the policy says must be clear without the catalog.

Pure: no I/O, no third-party import.
Source: DESIGN 6 ("`trust check` warns when one key covers several projects").
"""

from dataclasses import dataclass

from gateway.evidence.authorities import ImagePolicy
from gateway.evidence.globs import Glob
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import SignerIdentity


@dataclass(frozen=True, slots=True)
class WideKey:
    """A key that several projects trust. ``projects`` as the policy writes them, sorted; one with ``*`` may be many."""

    signer: SignerIdentity
    projects: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"one key covers several projects ({', '.join(self.projects)}): {self.signer.name}, {self.signer.id}. "
            "A bundle names no repository, so what is signed for one of them counts in the others: "
            "give each project a key of its own"
        )


def wide_keys(policy: TrustPolicy) -> tuple[WideKey, ...]:
    """Return every key that covers more than one project, told by the key itself and not by what a policy calls it."""
    signers: dict[str, SignerIdentity] = {}
    reach: dict[str, set[str]] = {}
    for each in policy.policies:
        for authority in each.keys:
            signers.setdefault(authority.key.id, authority.signer)
            reach.setdefault(authority.key.id, set()).update(_projects(each))
    wide = (key for key, projects in reach.items() if len(projects) > 1 or any("*" in project for project in projects))
    return tuple(WideKey(signers[key], tuple(sorted(reach[key]))) for key in wide)


def _projects(policy: ImagePolicy) -> set[str]:
    return {policy.project.text} if policy.project is not None else {_project(glob) for glob in policy.globs}


def _project(glob: Glob) -> str:
    """Return the first component of the names that the glob covers: a project, or the beginning of its name.

    A host before it is told as Docker tells one, by its dot, its colon or by being ``localhost``.
    """
    first, slash, rest = glob.text.partition("/")
    is_host = bool(slash) and (first == "localhost" or ":" in first or ("." in first and "*" not in first))
    return rest.partition("/")[0] if is_host else first


@dataclass(frozen=True, slots=True)
class StrangeHost:
    """A glob that names a host which is none of the registry's: it covers nothing here, unless a project is called so."""

    policy: str
    glob: Glob

    def __str__(self) -> str:
        return (
            f"the policy {self.policy} names {self.glob.text}, and {self.glob.host} is no host of this registry: "
            "it covers no repository, unless a project has that name (server.public_url and server.hosts are the hosts)"
        )


def strange_hosts(policy: TrustPolicy, *, registry_hosts: frozenset[str]) -> tuple[StrangeHost, ...]:
    """Return every glob that names a host which is none of ``registry_hosts``."""
    ours = {host.lower() for host in registry_hosts}
    return tuple(
        StrangeHost(each.name, glob)
        for each in policy.policies
        for glob in each.globs
        if glob.host is not None and glob.host not in ours
    )
