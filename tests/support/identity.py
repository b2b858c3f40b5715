"""Keys, tokens and stores for tests of identity and access. No secret here protects anything."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import HealthCheck, settings

from gateway.access.values import (
    InstanceRole,
    Mode,
    ProjectFacts,
    Role,
    Standing,
    Visibility,
)
from gateway.identity.access_token import issue_access_token
from gateway.identity.key_ring import KeyRing, SigningKey
from gateway.identity.values import (
    ANONYMOUS,
    AccessClaims,
    LocalAccount,
    Principal,
    PrincipalKind,
    ResourceAccess,
    Robot,
    UnverifiedToken,
)
from gateway.oci.names import RepositoryName

PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For every property: a busy machine is no defect."""
NOW = 1_790_000_000
ISSUER = "https://registry.example:5000"
AUDIENCE = "registry.example:5000"
PRIVATE_KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
"""A fixed key, so that a failing example can be repeated."""
KEY = SigningKey.of(PRIVATE_KEY, not_before=NOW - 1000, retire_after=None)
RING = KeyRing((KEY,))
PULL_APP = ResourceAccess(type="repository", name="team/app", actions=frozenset({"pull"}))
ALICE = Principal(id="u:alice", kind=PrincipalKind.USER, name="alice")


def b64(data: bytes) -> str:
    """Base64url without padding, written here anew so that the code under test does not check itself."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def good_header() -> dict[str, Any]:
    return {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt"}


def good_claims() -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u:alice",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 300,
        "jti": "t1",
        "access": [{"type": "repository", "name": "team/app", "actions": ["pull"]}],
    }


def es256(signing_input: bytes, key: ec.EllipticCurvePrivateKey = PRIVATE_KEY) -> bytes:
    """The JOSE signature of ``signing_input``, made without python-jose."""
    r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign_raw(header: bytes, payload: bytes, key: ec.EllipticCurvePrivateKey = PRIVATE_KEY) -> UnverifiedToken:
    """A token of exactly these bytes with a signature that is right: only the other checks can refuse it."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    return UnverifiedToken(f"{signing_input}.{b64(es256(signing_input.encode(), key))}")


def sign(header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None) -> UnverifiedToken:
    """A rightly signed token with this header and these claims (default: the good ones)."""
    return sign_raw(
        json.dumps(good_header() if header is None else header).encode(),
        json.dumps(good_claims() if claims is None else claims).encode(),
    )


def issue(now: int = NOW, ring: KeyRing = RING, access: tuple[ResourceAccess, ...] = (PULL_APP,)) -> UnverifiedToken:
    return UnverifiedToken(
        issue_access_token(
            ring=ring,
            issuer=ISSUER,
            audience=AUDIENCE,
            principal_id="u:alice",
            access=access,
            now=now,
            lifetime_seconds=300,
            token_id="t1",
        )
    )


def project(
    name: str = "team",
    *,
    visibility: Visibility = Visibility.PRIVATE,
    created_at: int = NOW - 100,
    writers_read_held: bool = True,
) -> ProjectFacts:
    return ProjectFacts(
        id=1,
        name=name,
        mode=Mode.HOLD,
        visibility=visibility,
        created_at=created_at,
        writers_read_held=writers_read_held,
        trust_revision=1,
        policy_revision=1,
        waiver_revision=1,
        held_seconds=604_800,
    )


def standing(
    *roles: Role,
    instance_roles: frozenset[InstanceRole] = frozenset(),
    principal: Principal = ALICE,
    active: bool = True,
    facts: ProjectFacts | None = None,
    quarantine_read: bool = True,
) -> Standing:
    return Standing(
        principal=principal,
        active=active,
        project=facts or project(),
        roles=frozenset(roles),
        instance_roles=instance_roles,
        quarantine_read=quarantine_read,
    )


def claims(
    *actions: str, repository: str = "team/app", issued_at: int = NOW, principal_id: str = "u:alice"
) -> AccessClaims:
    return AccessClaims(
        principal_id=principal_id,
        access=(ResourceAccess(type="repository", name=repository, actions=frozenset(actions)),),
        issued_at=issued_at,
        expires_at=issued_at + 300,
        token_id="t1",
    )


@dataclass
class FakeAccounts:
    """An `AccountStore` in memory."""

    accounts: dict[str, LocalAccount] = field(default_factory=dict)
    robots: dict[bytes, Robot] = field(default_factory=dict)

    async def account_by_name(self, name: str) -> LocalAccount | None:
        return self.accounts.get(name)

    async def id_by_name(self, name: str) -> str | None:
        robots = {robot.principal.name: robot.principal.id for robot in self.robots.values()}
        return self.accounts[name].principal.id if name in self.accounts else robots.get(name)

    async def robot_by_secret(self, secret_sha256: bytes) -> Robot | None:
        return self.robots.get(secret_sha256)


@dataclass
class FakeStandings:
    """A `StandingStore` in memory: principals by id, roles by (principal id, project name)."""

    projects: dict[str, ProjectFacts] = field(default_factory=dict)
    principals: dict[str, tuple[Principal, bool, frozenset[InstanceRole]]] = field(default_factory=dict)
    roles: dict[tuple[str, str], frozenset[Role]] = field(default_factory=dict)
    without_quarantine_read: set[str] = field(default_factory=set)

    async def standing(self, principal_id: str, repository: RepositoryName, *, now: int) -> Standing | None:
        facts = next((self.projects[prefix] for prefix in repository.prefixes if prefix in self.projects), None)
        if facts is None:
            return None
        found = await self.principal(principal_id, now=now)
        if found is None:
            unknown = Principal(id=principal_id, kind=PrincipalKind.USER, name="unknown")
            return standing(principal=unknown, active=False, facts=facts)
        principal, active, instance_roles = found
        return standing(
            *self.roles.get((principal_id, facts.name), frozenset()),
            instance_roles=instance_roles,
            principal=principal,
            active=active,
            facts=facts,
            quarantine_read=principal_id not in self.without_quarantine_read,
        )

    async def principal(self, principal_id: str, *, now: int) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
        if principal_id == ANONYMOUS.id:
            return ANONYMOUS, True, frozenset()
        return self.principals.get(principal_id)


@dataclass
class CountingHasher:
    """A `PasswordVerifier` whose hash is the password itself; it counts the work it is asked for."""

    work: int = 0

    def presented(self, *, username: str, address: str, now: int) -> "CountingHasher":
        """As `Passwords.presented`: from everywhere alike."""
        return self

    async def verify(self, password: str, encoded: str | None) -> bool:
        self.work += 1
        return encoded is not None and encoded == f"hash of {password}"
