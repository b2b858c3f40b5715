"""`federation test`: what rules would say of a CI token, those in force or files that are not yet.

It changes nothing. Its user is the operator, so it tells what a caller never learns: why each rule does not match.

I/O: reads the named files; asks the token's issuer for its keys, where those are not pinned; the catalog.
Source: INTERFACE 3; issue 5, item 3.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, assert_never

import typer

from gateway.app import Parts, unix_now
from gateway.catalog.values import RuleRow
from gateway.cli.context import Context, context_of
from gateway.cli.rule_files import parse, read
from gateway.cli.terminal import printable, when
from gateway.config.issuers import token_issuers
from gateway.config.sections import Config, Issuer
from gateway.errors import ConfigInvalid, OutboundFailed, Unauthorized, UsageInvalid
from gateway.identity.federation.issuers import TokenIssuer, issuers_named, verify_by
from gateway.identity.federation.matching import Ambiguous, Matched, NoMatch, matching
from gateway.identity.federation.rule import MAX_RULE_BYTES, FederationRule
from gateway.identity.federation.session import claims_for_policy, session_end
from gateway.identity.names import rule_asked_for
from gateway.identity.oidc.verify import MAX_TOKEN_CHARS, TokenClaims, peek_issuer
from gateway.outbound.client import Outbound


def federation_test(
    context: typer.Context,
    token_file: Annotated[Path, typer.Argument(metavar="TOKEN-FILE", exists=True, dir_okay=False)],
    rule: Annotated[
        list[Path] | None,
        typer.Option(
            "--rule",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="A rule, as TOML, instead of those in force; may be repeated.",
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="What docker login sends as user name: picks one of several rules.")
    ] = None,
) -> None:
    """Verify a CI token and show which rule it is for, and until when; exits 1 with why none is."""
    command = context_of(context)
    config = command.config()
    now = unix_now()
    rules = _read_rules(rule, config.identity.issuer) if rule else _rules_in_force(command)
    text = read(token_file, max_bytes=MAX_TOKEN_CHARS).decode("ascii", "replace").strip()
    issuer, token = _verify(text, config, now=now)
    decision = matching(
        rules, issuer_name=issuer.name, audience=token.audience, claims=token.claims, wanted=_asked_for(user, rules)
    )
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


def _asked_for(user: str | None, rules: Sequence[FederationRule]) -> str | None:
    """Return which rule a docker user name asks for, as at a login: where it is the name of none, it says nothing."""
    name = None if user is None else rule_asked_for(user)
    return name if name != user or any(rule.name == name for rule in rules) else None


def _record(issuer: TokenIssuer, token: TokenClaims, rule: FederationRule, *, now: int) -> Mapping[str, object]:
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


def _read_rules(paths: Sequence[Path], issuers: Sequence[Issuer]) -> Sequence[FederationRule]:
    """Return the rules. Raises `UsageInvalid` for a file that is not one, and where two have one name."""
    rules = [parse(path, read(path, max_bytes=MAX_RULE_BYTES), issuers) for path in paths]
    for name, times in Counter(rule.name for rule in rules).items():
        if times > 1:
            raise UsageInvalid(f"{times} rules are called {name}: name each file once, and give each rule its own name")
    return rules


def _rules_in_force(command: Context) -> Sequence[FederationRule]:
    async def rows_of(parts: Parts) -> Sequence[RuleRow]:
        return await parts.federation.listed(now=unix_now())

    return [row.rule for row in command.run(rows_of) if not row.disabled]


def _verify(text: str, config: Config, *, now: int) -> tuple[TokenIssuer, TokenClaims]:
    """Return what the token says and the configured issuer whose keys have signed it.

    Raises `Unauthorized` where it does not verify, `ConfigInvalid` where nobody configured is its issuer or pinned keys
    are unreadable, and `OutboundFailed` where keys cannot be fetched. Nothing of the token but its ``iss`` is in them.
    """
    url = peek_issuer(text)
    if url is None:
        raise Unauthorized("the file holds no token that names its issuer: it must hold one JWT and nothing else")
    outbound = Outbound()
    issuers = issuers_named(text, token_issuers(config, outbound))
    if not issuers:
        raise ConfigInvalid(f"no [[identity.issuer]] is {url!r}: add it to the configuration, the same to the letter")

    async def verify() -> tuple[TokenIssuer, TokenClaims] | None:
        try:
            return await verify_by(issuers, text, now=now)
        except OutboundFailed as failed:
            cause = failed.__cause__
            # The operator is to learn what a client is not told: which answer was missing.
            raise OutboundFailed(f"{failed.message}: {cause}" if cause else failed.message) from None
        finally:
            await outbound.close()

    found = asyncio.run(verify())
    if found is None or now >= found[1].expires_at:
        names = ", ".join(issuer.name for issuer in issuers)
        raise Unauthorized(
            f"the token does not verify: no key of {names} has signed it, or it is outside its times "
            "(a job's token lives for minutes: take a new one)"
        )
    return found
