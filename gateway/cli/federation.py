"""`federation`: which CI token becomes which rights.

`test` asks what a rule would say of a token before the rule is anywhere: it changes nothing and opens no catalog. Its user
is the operator, so it tells what a caller never learns: why each rule does not match.

I/O: reads the named files; asks the token's issuer for its keys, where those are not pinned.
Source: INTERFACE 3; issue 5, item 3.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, assert_never

import typer

from gateway.app import unix_now
from gateway.cli.context import context_of
from gateway.cli.terminal import printable, when
from gateway.config.sections import Config, Issuer
from gateway.errors import ConfigInvalid, FederationInvalid, OutboundFailed, Unauthorized, UsageInvalid
from gateway.identity.federation.matching import Ambiguous, Matched, NoMatch, matching
from gateway.identity.federation.rule import MAX_RULE_BYTES, FederationRule, parse_rule
from gateway.identity.federation.session import MAX_TOKEN_LIFE_SECONDS, claims_for_policy, session_end
from gateway.identity.oidc.issuer_keys import Fetch, IssuerKeys, KeySource, PinnedKeys
from gateway.identity.oidc.verify import MAX_TOKEN_CHARS, TokenClaims, peek_issuer, peek_kid, verify_token
from gateway.outbound.client import Outbound, Peer

_FETCH_SECONDS: Final = 10.0
_ACCEPT: Final = "application/json, application/jwk-set+json"
"""A key set has a media type of its own (RFC 7517, 8.5.1), and few issuers use it."""

federation = typer.Typer(no_args_is_help=True, help="Which CI token becomes which rights.")


def federation_test(
    context: typer.Context,
    token_file: Annotated[Path, typer.Argument(metavar="TOKEN-FILE", exists=True, dir_okay=False)],
    rule: Annotated[
        list[Path],
        typer.Option("--rule", metavar="FILE", exists=True, dir_okay=False, help="A rule, as TOML; may be repeated."),
    ],
    user: Annotated[
        str | None, typer.Option("--user", help="What docker login sends as user name: picks one of several rules.")
    ] = None,
) -> None:
    """Verify a CI token and show which of the rules it is for, and until when; exits 1 with why none is."""
    command = context_of(context)
    config = command.config()
    now = unix_now()
    rules = _read_rules(rule, config.identity.issuer)
    text = _read(token_file, max_bytes=MAX_TOKEN_CHARS).decode("ascii", "replace").strip()
    issuer, token = _verify(text, config, now=now)
    decision = matching(rules, issuer_name=issuer.name, audience=token.audience, claims=token.claims, wanted=user)
    match decision:
        case Matched(found):
            command.terminal.record(_record(issuer, token, found, now=now))
        case NoMatch(why):
            others = [one for one in rules if one.issuer != issuer.name]
            told = [{"rule": one.rule, "why": one.sentence} for one in why] + [
                {"rule": one.name, "why": f"it is for tokens of {one.issuer}, and this one is of {issuer.name}"}
                for one in others
            ]
            command.terminal.rows(("rule", "why"), told)
            raise Unauthorized("no rule is for this token: see why for each of them, and correct the rule or the job")
        case Ambiguous(names):
            raise Unauthorized(f"the token is for several rules: name one of {', '.join(names)} with --user")
        case _:
            assert_never(decision)


federation.command("test")(federation_test)


def _record(issuer: Issuer, token: TokenClaims, rule: FederationRule, *, now: int) -> Mapping[str, object]:
    ends = session_end(expires_at=token.expires_at, first_used=now, session_seconds=rule.session_seconds)
    return {
        "issuer": issuer.name,
        "subject": token.subject,
        "audience": list(token.audience),
        "expires": when(token.expires_at),
        "rule": rule.name,
        "project": rule.project.text,
        "repositories": [one.text for one in rule.repositories],
        "role": rule.role,
        "session_end": when(ends),
        # A name is the platform's text as much as a value is, and a table writes names as they are.
        "claims": {
            printable(name).replace("\n", "\\n"): text for name, text in claims_for_policy(token.claims).items()
        },
    }


def _read(path: Path, *, max_bytes: int) -> bytes:
    """Return the file, or one byte more of it than ``max_bytes``: that its reader refuses."""
    with path.open("rb") as file:
        return file.read(max_bytes + 1)


def _read_rules(paths: Sequence[Path], issuers: Sequence[Issuer]) -> Sequence[FederationRule]:
    """Return the rules. Raises `UsageInvalid` for a file that is not one, and where two have one name."""
    immutable_claims = {issuer.name: issuer.immutable_claims for issuer in issuers}
    try:
        rules = [
            parse_rule(_read(path, max_bytes=MAX_RULE_BYTES), where=str(path), immutable_claims=immutable_claims)
            for path in paths
        ]
    except FederationInvalid as invalid:
        raise UsageInvalid(invalid.message) from None
    for name, times in Counter(rule.name for rule in rules).items():
        if times > 1:
            raise UsageInvalid(f"{times} rules are called {name}: name each file once, and give each rule its own name")
    return rules


def _verify(text: str, config: Config, *, now: int) -> tuple[Issuer, TokenClaims]:
    """Return what the token says and the configured issuer whose keys have signed it.

    Raises `Unauthorized` where it does not verify, `ConfigInvalid` where nobody configured is its issuer or pinned keys
    are unreadable, and `OutboundFailed` where keys cannot be fetched. Nothing of the token but its ``iss`` is in them.
    """
    url = peek_issuer(text)
    if url is None:
        raise Unauthorized("the file holds no token that names its issuer: it must hold one JWT and nothing else")
    issuers = [issuer for issuer in config.identity.issuer if issuer.issuer == url]
    if not issuers:
        raise ConfigInvalid(f"no [[identity.issuer]] is {url!r}: add it to the configuration, the same to the letter")
    pinned = {issuer.name: _pinned(issuer, config) for issuer in issuers}

    async def try_each() -> tuple[Issuer, TokenClaims] | None:
        outbound = Outbound()
        try:
            for issuer in issuers:
                keys = pinned[issuer.name] or IssuerKeys(issuer=url, fetch=_fetch_from(issuer, config, outbound))
                token = await _verify_by(keys, text, issuer=url, now=now)
                if token is not None:
                    return issuer, token
            return None
        finally:
            await outbound.close()

    found = asyncio.run(try_each())
    if found is None:
        names = ", ".join(issuer.name for issuer in issuers)
        raise Unauthorized(
            f"the token does not verify: no key of {names} has signed it, or it is outside its times "
            "(a job's token lives for minutes: take a new one)"
        )
    return found


def _pinned(issuer: Issuer, config: Config) -> PinnedKeys | None:
    if issuer.jwks_file is None:
        return None
    path = config.path(issuer.jwks_file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(f"identity.issuer: the keys of {issuer.name}, {path}: {error.strerror}") from None
    return PinnedKeys.parse(content, where=str(path))


def _fetch_from(issuer: Issuer, config: Config, outbound: Outbound) -> Fetch:
    ca = None if issuer.ca is None else config.path(issuer.ca)
    peer = Peer(name=f"the issuer {issuer.name}", ca_file=ca, internal=issuer.internal)

    async def fetch(url: str, *, max_bytes: int) -> bytes:
        return await outbound.get(url, to=peer, accept=_ACCEPT, max_bytes=max_bytes, timeout_seconds=_FETCH_SECONDS)

    return fetch


async def _verify_by(source: KeySource, text: str, *, issuer: str, now: int) -> TokenClaims | None:
    """Return what the token says, None where it does not verify by the keys of ``source``. Raises `OutboundFailed`."""
    try:
        trusted = await source.keys(peek_kid(text), now=now)
    except OutboundFailed as failed:
        cause = failed.__cause__
        # The operator is to learn what a client is not told: which answer was missing.
        raise OutboundFailed(f"{failed.message}: {cause}" if cause else failed.message) from None
    try:
        return verify_token(
            text,
            trusted.keys,
            issuer=issuer,
            algorithms=trusted.algorithms,
            now=now,
            max_life_seconds=MAX_TOKEN_LIFE_SECONDS,
        )
    except Unauthorized:
        return None
