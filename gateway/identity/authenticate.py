"""From a user name and a password to an `Identity`, or the one refusal.

What the password looks like decides who is asked, and nobody else is: our prefix and checksum make it a secret of ours,
three segments a CI platform's token, anything else is a local account's password. A wrong password, an unknown name, a
disabled account, a revoked or expired robot: the same error after the same work, so that nothing can be learnt by trying.

Pure, but for the stores, the sessions and the hasher that are passed in.
Source: RFC 7617 (Basic); RFC 9110, 11.4; DESIGN 5.
"""

import base64
import binascii
import hmac
import re
from typing import Final

from gateway.errors import Unauthorized
from gateway.identity.federation.ci_sessions import CiSessions, looks_like_token
from gateway.identity.passwords import PasswordVerifier
from gateway.identity.secrets import Secret, SecretKind
from gateway.identity.stores import AccountStore
from gateway.identity.values import Basic, Identity, LoginMethod, Session, UnverifiedToken

MAX_BASIC_CHARS: Final = 16 * 1024
"""The longest password a client sends is a token of a few KiB."""
_MAX_BEARER_CHARS: Final = 32 * 1024
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WRONG: Final = "the user name or the password is wrong, or the account is not active"


def parse_basic(header: str) -> Basic:
    """Return the credentials in an ``Authorization`` header of the scheme Basic.

    Raises `Unauthorized`, without a word of what was sent, for another scheme, base64 in another spelling than the
    canonical one, other text than UTF-8, a control character, or no colon. The first colon ends the user name.
    """
    scheme, space, encoded = header.partition(" ")
    if len(header) > MAX_BASIC_CHARS or not space or scheme.lower() != "basic":
        raise Unauthorized("the Authorization header is malformed")
    try:
        decoded = base64.b64decode(encoded.encode("ascii"), validate=True)
        text = decoded.decode("utf-8")
    except (binascii.Error, UnicodeError):
        raise Unauthorized("the Authorization header is malformed") from None
    username, colon, password = text.partition(":")
    if base64.b64encode(decoded).decode("ascii") != encoded or not colon or _CONTROL.search(text) is not None:
        raise Unauthorized("the Authorization header is malformed")
    return Basic(username=username, password=password)


def parse_bearer(header: str) -> UnverifiedToken:
    """Return the text in an ``Authorization`` header of the scheme Bearer, unread. Raises `Unauthorized` for another."""
    scheme, space, text = header.partition(" ")
    if len(header) > _MAX_BEARER_CHARS or not space or scheme.lower() != "bearer":
        raise Unauthorized("the Authorization header holds no Bearer token", error="invalid_token")
    return UnverifiedToken(text)


def login_method(password: str) -> LoginMethod:
    """Return what kind of secret ``password`` looks like."""
    match Secret.read(password):
        case Secret(kind=SecretKind.ROBOT):
            return "robot"
        case Secret(kind=SecretKind.SESSION):
            return "ci"
        case _:
            return "ci" if looks_like_token(password) else "password"


async def authenticate(
    credentials: Basic, *, accounts: AccountStore, hasher: PasswordVerifier, ci: CiSessions, address: str, now: int
) -> Identity:
    """Return who ``credentials`` are, presented by a client at ``address``, at ``now`` (Unix seconds).

    Raises `Unauthorized`, the same for every cause of a kind, `TooManyRequests` where too many passwords are being checked,
    and `OutboundFailed` where a CI platform's keys cannot be had.
    """
    match Secret.read(credentials.password):
        case Secret(kind=SecretKind.ROBOT) as secret:
            return await _robot(secret, credentials.username, accounts=accounts, now=now)
        case Secret() as secret:
            return _in_session(await ci.by_secret(secret, address=address, now=now))
        case None if looks_like_token(credentials.password):
            session = await ci.by_token(credentials.password, username=credentials.username, address=address, now=now)
            return _in_session(session)
        case None:
            return await _account(credentials, accounts=accounts, hasher=hasher)


def _in_session(session: Session) -> Identity:
    return Identity(principal=session.principal, method="ci", session_id=session.id, session_ends=session.ends)


async def _robot(secret: Secret, username: str, *, accounts: AccountStore, now: int) -> Identity:
    """Return the robot whose secret this is; the user name must be its own.

    No dummy work here: the look-up is by the digest of 256 random bits, and nobody comes near one by measuring.
    """
    robot = await accounts.robot_by_secret(secret.sha256)
    if robot is None:
        raise Unauthorized(_WRONG)
    named = _same(robot.principal.name, username)
    if not named or robot.revoked or now >= robot.expires_at:
        raise Unauthorized(_WRONG)
    return Identity(principal=robot.principal, method="robot")


async def _account(credentials: Basic, *, accounts: AccountStore, hasher: PasswordVerifier) -> Identity:
    account = await accounts.account_by_name(credentials.username)
    # A disabled account's password is compared with nobody's: the same work, and not even a count tells that it was right.
    known = None if account is None or account.disabled else account
    matches = await hasher.verify(credentials.password, None if known is None else known.password_hash)
    if known is None or not matches:
        raise Unauthorized(_WRONG)
    return Identity(principal=known.principal, method="password")


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8"), right.encode("utf-8", "surrogatepass"))
