"""Which names a project may have: not reserved, and prefix-free.

``a`` and ``a/b`` cannot both be projects, else ``a/b/c`` would belong to two. `RepositoryName.prefixes` finds the one
project of a repository because of this rule.

Pure: no I/O, no third-party import. The caller holds the transaction that makes the check and the insert one step.
Source: DESIGN 11 (projects are prefix-free).
"""

from collections.abc import Iterable
from typing import Final

from gateway.errors import Conflict, NameInvalid
from gateway.oci.names import ProjectName

RESERVED: Final = frozenset({"registry-gateway", "system"})
"""First components that are the gateway's own: what is published under them would seem to come from it (Harbor c080060)."""

ROUTE_WORDS: Final = frozenset({"blobs", "manifests", "referrers", "tags"})
"""Components that are words of the API's routes. A project ``team/blobs`` would be legal by the grammar, and every tool
that cuts a path at the first such word would read another repository."""


def check_project_name(name: ProjectName) -> None:
    """Raise `NameInvalid` where ``name`` is reserved."""
    components = name.text.split("/")
    if components[0] in RESERVED:
        raise NameInvalid(name.text, f"{components[0]} is reserved for the gateway itself")
    for component in components:
        if component in ROUTE_WORDS:
            raise NameInvalid(name.text, f"{component} is a word of the registry's own addresses")


def check_prefix_free(new: ProjectName, existing_prefix_hits: Iterable[ProjectName]) -> None:
    """Raise `Conflict` where ``new`` is, contains or is contained in one of ``existing_prefix_hits``.

    They may hold more than real hits (a textual prefix such as ``team`` of ``team-b``): components are compared here.
    """
    for existing in existing_prefix_hits:
        if existing == new:
            raise Conflict(f"the project {new} exists")
        if _contains(existing, new) or _contains(new, existing):
            raise Conflict(f"the project {existing} exists: of two projects, neither name may begin with the other")


def _contains(outer: ProjectName, inner: ProjectName) -> bool:
    return inner.text.startswith(f"{outer.text}/")
