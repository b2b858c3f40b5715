"""Projects, who belongs to them, accounts, robots and federation rules. Each change writes its audit event with it.

Pure: Protocols only.
"""

from collections.abc import Sequence
from typing import Protocol

from gateway.access.values import InstanceRole, Mode, Role, Visibility
from gateway.catalog.values import MemberRow, PrincipalRow, ProjectRow, RuleRow
from gateway.identity.values import Principal
from gateway.oci.names import ProjectName


class ProjectAdmin(Protocol):
    """Projects and who belongs to them. Each change writes its audit event in the same transaction."""

    async def create_project(
        self, name: ProjectName, *, mode: Mode, visibility: Visibility, by: Principal, now: int
    ) -> ProjectRow:
        """Create a project. Raises `Conflict` where the name, a prefix or an extension of it is one."""
        ...

    async def set_project(
        self,
        name: ProjectName,
        *,
        mode: Mode | None,
        visibility: Visibility | None,
        writers_read_held: bool | None,
        held_bytes_limit: int | None = None,
        by: Principal,
        reason: str | None,
        now: int,
    ) -> ProjectRow:
        """Change what is not None. Raises `NameUnknown`.

        ``held_bytes_limit``: under less than what waits already, what waits stays, and nothing more is stored to wait.
        """
        ...

    async def delete_project(self, name: ProjectName, *, by: Principal, now: int) -> None:
        """Remove a project with all its rows; a re-created one starts empty. Raises `NameUnknown`."""
        ...

    async def projects(self) -> Sequence[ProjectRow]:
        """Return all projects by name."""
        ...


class MemberAdmin(Protocol):
    """Bindings of principals to roles."""

    async def add_member(self, project: ProjectName, principal_id: str, role: Role, *, by: Principal, now: int) -> None:
        """Bind. Raises `NameUnknown`; nothing where it is bound already."""
        ...

    async def remove_member(
        self, project: ProjectName, principal_id: str, role: Role | None, *, by: Principal, now: int
    ) -> int:
        """Unbind one role or all; return how many were removed."""
        ...

    async def members(self, project: ProjectName) -> Sequence[MemberRow]:
        """Return the bindings of a project."""
        ...

    async def set_instance_role(
        self, principal_id: str, role: InstanceRole, *, granted: bool, by: Principal, now: int
    ) -> None:
        """Grant or take an instance role. Raises `Conflict` for anything but a user."""
        ...


class FederationAdmin(Protocol):
    """Federation rules: each a principal of one project."""

    async def add_rule(self, principal: Principal, document: str, *, by: Principal, now: int) -> None:
        """Put the rule written in ``document`` in force. Raises `NameUnknown` for its project, `Conflict` for its name."""
        ...

    async def remove_rule(self, name: str, *, by: Principal, now: int) -> int:
        """End a rule and its sessions at once; return how many were open. Raises `NameUnknown`."""
        ...

    async def listed(self, *, now: int) -> Sequence[RuleRow]:
        """Return the rules in force by name."""
        ...


class PrincipalAdmin(Protocol):
    """Local accounts and robots."""

    async def create_account(self, principal: Principal, password_hash: str, *, by: Principal, now: int) -> None:
        """Create a local account. Raises `Conflict` where the name is taken."""
        ...

    async def set_disabled(self, name: str, *, disabled: bool, by: Principal, now: int) -> None:
        """Disable or enable a principal: at once. Raises `NameUnknown`."""
        ...

    async def put_robot(
        self,
        principal: Principal,
        project: ProjectName,
        *,
        secret_sha256: bytes,
        expires: int,
        quarantine_read: bool,
        role: Role | None,
        by: Principal,
        now: int,
    ) -> None:
        """Create the robot (bound to ``role``), or replace secret and expiry of the one with this name (role None)."""
        ...

    async def revoke_robot(self, name: str, *, by: Principal, now: int) -> None:
        """End a robot at once. Raises `NameUnknown`."""
        ...

    async def principals(self, *, kind: str | None, project: ProjectName | None) -> Sequence[PrincipalRow]:
        """Return principals by name."""
        ...

    async def principal_by_name(self, name: str) -> PrincipalRow | None:
        """Return the principal with this name or id."""
        ...
