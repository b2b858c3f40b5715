"""The directory of the catalog in plain Python: what SQL is compared with, and a fake for whoever needs standings.

Everything is a dictionary or a set, and every rule is written a second time, from DESIGN and INTERFACE rather than from the
statements. It passes the same contract suite as the adapter on SQLite.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.access.values import InstanceRole, Mode, ProjectFacts, Role, Standing, Visibility
from gateway.audit.events import EventKind
from gateway.audit.redaction import redact
from gateway.catalog.sqlite.principal_names import check_account, check_robot
from gateway.catalog.values import EventRow, MemberRow, PrincipalRow, ProjectRow
from gateway.errors import Conflict, Internal, NameInvalid, NameUnknown
from gateway.identity.values import ANONYMOUS, SYSTEM, LocalAccount, Principal, PrincipalKind, Robot
from gateway.oci.names import ProjectName, RepositoryName
from gateway.oci.strict_json import JsonObject

_LOOSENESS: Final = [Mode.STRICT, Mode.HOLD, Mode.WARN]


@dataclass
class Somebody:
    """A principal with everything it may have."""

    principal: Principal
    created: int
    disabled: bool = False
    password_hash: str | None = None
    home: int | None = None
    secret: bytes | None = None
    expires: int | None = None
    revoked: int | None = None
    quarantine_read: bool = True
    instance_roles: set[InstanceRole] = field(default_factory=set)

    def active(self, now: int) -> bool:
        ended = self.expires is not None and (self.revoked is not None or now >= self.expires)
        return not self.disabled and not ended


class Log:
    """Events, kept as rows are."""

    def __init__(self) -> None:
        self.rows: list[EventRow] = []

    def write(
        self, kind: str, *, by: str, now: int, data: JsonObject, project: str | None = None, digest: str | None = None
    ) -> None:
        if kind not in set(EventKind):
            raise Internal(f"{kind!r} is not a kind of audit event")
        self.rows.append(EventRow(len(self.rows) + 1, now, str(kind), by, project, None, digest, None, redact(data)))


class Directory:
    """Projects, members, principals and their standings."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.rejudge: list[str] = []
        self._ids = 0
        self._projects: dict[str, ProjectRow] = {}
        self._policy_revisions: dict[int, int] = {}
        self._people: dict[str, Somebody] = {}
        self._members: dict[tuple[int, str, Role], int] = {}

    # -- standings

    async def standing(self, principal_id: str, repository: RepositoryName, *, now: int) -> Standing | None:
        homes = [
            row
            for name, row in self._projects.items()
            if repository.text == name or repository.text.startswith(f"{name}/")
        ]
        if not homes:
            return None
        (project,) = homes
        facts = ProjectFacts(
            id=project.id,
            name=project.name,
            mode=project.mode,
            visibility=project.visibility,
            created_at=project.created,
            writers_read_held=project.writers_read_held,
            trust_revision=0,
            policy_revision=self._policy_revisions[project.id],
            waiver_revision=0,
            held_seconds=project.held_seconds,
        )
        found = await self.principal(principal_id, now=now)
        if found is None:
            kinds = {"r": PrincipalKind.ROBOT, "w": PrincipalKind.WORKLOAD, "os": PrincipalKind.OPERATOR}
            kind = kinds.get(principal_id.split(":")[0], PrincipalKind.USER)
            nobody = Principal(principal_id, kind, principal_id)
            return Standing(nobody, False, facts, frozenset(), frozenset(), quarantine_read=False)
        principal, active, instance_roles = found
        somebody = self._people.get(principal_id)
        roles = {role for home, who, role in self._members if home == project.id and who == principal_id and active}
        reads = somebody is None or somebody.quarantine_read
        return Standing(principal, active, facts, frozenset(roles), instance_roles, quarantine_read=reads)

    async def principal(self, principal_id: str, *, now: int) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
        if principal_id == "anonymous":
            return ANONYMOUS, True, frozenset()
        if principal_id == "system":
            return SYSTEM, True, frozenset({InstanceRole.ADMINISTRATOR})
        if principal_id.startswith("os:") and len(principal_id) > 3:
            operator = Principal(principal_id, PrincipalKind.OPERATOR, principal_id[3:])
            return operator, True, frozenset({InstanceRole.ADMINISTRATOR})
        somebody = self._people.get(principal_id)
        if somebody is None:
            return None
        active = somebody.active(now)
        return somebody.principal, active, frozenset(somebody.instance_roles) if active else frozenset()

    async def account_by_name(self, name: str) -> LocalAccount | None:
        for somebody in self._people.values():
            if somebody.principal.name == name and somebody.password_hash is not None:
                return LocalAccount(somebody.principal, somebody.password_hash, somebody.disabled)
        return None

    async def id_by_name(self, name: str) -> str | None:
        row = await self.principal_by_name(name)
        return None if row is None or row.name != name else row.id

    async def robot_by_secret(self, secret_sha256: bytes) -> Robot | None:
        for somebody in self._people.values():
            if somebody.secret == secret_sha256 and somebody.expires is not None:
                ended = somebody.revoked is not None or somebody.disabled
                return Robot(somebody.principal, self._home(somebody), somebody.expires, ended)
        return None

    # -- projects

    async def create_project(
        self, name: ProjectName, *, mode: Mode, visibility: Visibility, by: Principal, now: int
    ) -> ProjectRow:
        parts = name.text.split("/")
        if parts[0] in {"system", "registry-gateway"} or {"blobs", "manifests", "referrers", "tags"} & set(parts):
            raise NameInvalid(name.text, "reserved")
        for other in self._projects:
            if f"{other}/".startswith(f"{name}/") or f"{name}/".startswith(f"{other}/"):
                raise Conflict(f"{other} is there")
        self._ids += 1
        row = ProjectRow(self._ids, name.text, mode, visibility, True, 0, 0, 10 * 1024**3, 7 * 86400, now)
        self._projects[name.text] = row
        self._policy_revisions[row.id] = 0
        data: JsonObject = {"mode": mode.value, "visibility": visibility.value}
        self.log.write(EventKind.PROJECT_CREATED, by=by.id, now=now, project=name.text, data=data)
        return row

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
        old = self._project(name)
        new = replace(
            old,
            mode=mode or old.mode,
            visibility=visibility or old.visibility,
            writers_read_held=old.writers_read_held if writers_read_held is None else writers_read_held,
            held_bytes_limit=old.held_bytes_limit if held_bytes_limit is None else held_bytes_limit,
        )
        if _LOOSENESS.index(new.mode) > _LOOSENESS.index(old.mode) and not (reason and reason.strip()):
            raise Conflict("a reason is needed")
        if new == old:
            return old
        self._projects[name.text] = new
        if new.mode != old.mode:
            self._policy_revisions[old.id] += 1
            self.rejudge.append(name.text)
        changed: JsonObject = {}
        for what in ("mode", "visibility", "writers_read_held", "held_bytes_limit"):
            if getattr(old, what) != getattr(new, what):
                changed[what] = [getattr(old, what), getattr(new, what)]
        self.log.write(
            EventKind.PROJECT_CHANGED, by=by.id, now=now, project=name.text, data={"changed": changed, "reason": reason}
        )
        return new

    async def delete_project(self, name: ProjectName, *, by: Principal, now: int) -> None:
        gone = self._project(name)
        del self._projects[name.text]
        robots = {key: each for key, each in self._people.items() if each.home == gone.id}
        members = sorted((who, role.value) for home, who, role in self._members if home == gone.id)
        self._people = {key: each for key, each in self._people.items() if key not in robots}
        self._members = {key: added for key, added in self._members.items() if key[0] != gone.id}
        self.log.write(
            EventKind.PROJECT_DELETED,
            by=by.id,
            now=now,
            project=name.text,
            data={
                "repositories": [],
                "manifests": 0,
                "members": [{"principal": who, "role": role} for who, role in members],
                "machines": {key: each.principal.name for key, each in robots.items()},
            },
        )

    async def projects(self) -> Sequence[ProjectRow]:
        return sorted(self._projects.values(), key=lambda row: row.name)

    # -- members

    async def add_member(self, project: ProjectName, principal_id: str, role: Role, *, by: Principal, now: int) -> None:
        row = self._project(project)
        somebody = self._somebody(principal_id)
        if somebody.home is not None and (somebody.home != row.id or role is Role.OWNER):
            raise Conflict("not for this robot")
        self._bind(row, principal_id, role, by=by, now=now)

    async def remove_member(
        self, project: ProjectName, principal_id: str, role: Role | None, *, by: Principal, now: int
    ) -> int:
        row = self._project(project)
        gone = sorted(
            key for key in self._members if key[:2] == (row.id, principal_id) and (role is None or key[2] is role)
        )
        for key in gone:
            del self._members[key]
            data: JsonObject = {"principal": principal_id, "role": key[2].value}
            self.log.write(EventKind.MEMBER_REMOVED, by=by.id, now=now, project=project.text, data=data)
        return len(gone)

    async def members(self, project: ProjectName) -> Sequence[MemberRow]:
        row = self._projects.get(project.text)
        if row is None:
            return []
        found = [
            MemberRow(project.text, who, each.principal.name, each.principal.kind.value, role.value, added)
            for (home, who, role), added in self._members.items()
            if home == row.id
            for each in (self._people[who],)
        ]
        return sorted(found, key=lambda member: (member.name, member.role))

    async def set_instance_role(
        self, principal_id: str, role: InstanceRole, *, granted: bool, by: Principal, now: int
    ) -> None:
        somebody = self._somebody(principal_id)
        if somebody.principal.kind is not PrincipalKind.USER:
            raise Conflict("not a person")
        if granted == (role in somebody.instance_roles):
            return
        (somebody.instance_roles.add if granted else somebody.instance_roles.remove)(role)
        kind = EventKind.ROLE_GRANTED if granted else EventKind.ROLE_TAKEN
        self.log.write(kind, by=by.id, now=now, data={"principal": principal_id, "role": role.value})

    # -- principals

    async def create_account(self, principal: Principal, password_hash: str, *, by: Principal, now: int) -> None:
        check_account(principal)
        self._check_new(principal)
        self._people[principal.id] = Somebody(principal, now, password_hash=password_hash)
        self.log.write(EventKind.ACCOUNT_CREATED, by=by.id, now=now, data=_named(principal))

    async def set_disabled(self, name: str, *, disabled: bool, by: Principal, now: int) -> None:
        somebody = self._called(name)
        if somebody is None:
            raise NameUnknown(name)
        if somebody.disabled != disabled:
            somebody.disabled = disabled
            kind = EventKind.PRINCIPAL_DISABLED if disabled else EventKind.PRINCIPAL_ENABLED
            project = None if somebody.home is None else self._home(somebody)
            self.log.write(kind, by=by.id, now=now, project=project, data=_named(somebody.principal))

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
        check_robot(principal, project)
        row = self._project(project)
        known = self._called(principal.name)
        in_use = any(each.secret == secret_sha256 for each in self._people.values() if each is not known)
        if role is None:
            if known is None:
                raise NameUnknown(principal.name)
            if known.revoked is not None or in_use:
                raise Conflict("revoked, or the secret is another's")
            known.secret, known.expires = secret_sha256, expires
            data = {**_named(known.principal), "expires": expires}
            self.log.write(EventKind.ROBOT_ROTATED, by=by.id, now=now, project=project.text, data=data)
            return
        taken = known is not None and known.revoked is None
        if taken or principal.id in self._people or role is Role.OWNER:
            raise Conflict("taken, or not for a robot")
        if any(each.secret == secret_sha256 for each in self._people.values()):
            raise Conflict("the secret is another's")
        if known is not None:
            old = known.principal
            known.principal = replace(old, name=f"{old.name}~{old.id.removeprefix('r:')}")
        self._people[principal.id] = Somebody(
            principal, now, home=row.id, secret=secret_sha256, expires=expires, quarantine_read=quarantine_read
        )
        data = {**_named(principal), "expires": expires}
        self.log.write(EventKind.ROBOT_CREATED, by=by.id, now=now, project=project.text, data=data)
        self._bind(row, principal.id, role, by=by, now=now)

    async def revoke_robot(self, name: str, *, by: Principal, now: int) -> None:
        somebody = self._called(name)
        if somebody is None or somebody.home is None:
            raise NameUnknown(name)
        if somebody.revoked is None:
            somebody.revoked = now
            data, project = _named(somebody.principal), self._home(somebody)
            self.log.write(EventKind.ROBOT_REVOKED, by=by.id, now=now, project=project, data=data)

    async def principals(self, *, kind: str | None, project: ProjectName | None) -> Sequence[PrincipalRow]:
        rows = [self._row(each) for each in self._people.values()]
        if project is not None:
            bound = {member.principal_id for member in await self.members(project)}
            rows = [row for row in rows if row.id in bound or row.project == project.text]
        return sorted((row for row in rows if kind in (None, row.kind)), key=lambda row: row.name)

    async def principal_by_name(self, name: str) -> PrincipalRow | None:
        somebody = self._called(name)
        return None if somebody is None else self._row(somebody)

    # -- inside

    def _project(self, name: ProjectName) -> ProjectRow:
        if name.text not in self._projects:
            raise NameUnknown(name.text)
        return self._projects[name.text]

    def _home(self, somebody: Somebody) -> str:
        return next(row.name for row in self._projects.values() if row.id == somebody.home)

    def _somebody(self, principal_id: str) -> Somebody:
        if principal_id not in self._people:
            raise NameUnknown(principal_id)
        return self._people[principal_id]

    def _called(self, name: str) -> Somebody | None:
        found = [each for each in self._people.values() if name in (each.principal.name, each.principal.id)]
        return found[0] if found else None

    def _check_new(self, principal: Principal) -> None:
        if self._called(principal.name) is not None or principal.id in self._people:
            raise Conflict("taken")

    def _bind(self, row: ProjectRow, principal_id: str, role: Role, *, by: Principal, now: int) -> None:
        if (row.id, principal_id, role) not in self._members:
            self._members[row.id, principal_id, role] = now
            data: JsonObject = {"principal": principal_id, "role": role.value}
            self.log.write(EventKind.MEMBER_ADDED, by=by.id, now=now, project=row.name, data=data)

    def _row(self, somebody: Somebody) -> PrincipalRow:
        principal = somebody.principal
        roles: set[str] = {role.value for role in somebody.instance_roles}
        if somebody.home is not None:
            roles = {role.value for home, who, role in self._members if (home, who) == (somebody.home, principal.id)}
        return PrincipalRow(
            id=principal.id,
            kind=principal.kind.value,
            name=principal.name,
            disabled=somebody.disabled,
            created=somebody.created,
            expires=somebody.expires,
            revoked=somebody.revoked,
            project=None if somebody.home is None else self._home(somebody),
            roles=tuple(sorted(roles)),
        )


def _named(principal: Principal) -> JsonObject:
    return {"principal": principal.id, "name": principal.name}
