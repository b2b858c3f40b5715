"""The cache of verified tokens: never an answer that verifying would not give."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.errors import Unauthorized
from gateway.identity.access_token import verify_access_token
from gateway.identity.key_ring import KeyRing, SigningKey
from gateway.identity.token_cache import TokenCache
from gateway.identity.values import UnverifiedToken
from tests.support.identity import AUDIENCE, ISSUER, KEY, NOW, PRIVATE_KEY, RING, issue


def cache(max_entries: int = 4) -> TokenCache:
    return TokenCache(issuer=ISSUER, audience=AUDIENCE, max_entries=max_entries)


def refused(of: TokenCache, token: UnverifiedToken, *, ring: KeyRing = RING, now: int = NOW) -> None:
    with pytest.raises(Unauthorized) as caught:
        of.verify(token, ring=ring, now=now)
    assert caught.value.error == "invalid_token"


def test_the_same_answer_twice() -> None:
    tokens = cache()
    first = tokens.verify(issue(), ring=RING, now=NOW)
    token = issue()
    again = tokens.verify(token, ring=RING, now=NOW)
    assert first == again == verify_access_token(token, ring=RING, issuer=ISSUER, audience=AUDIENCE, now=NOW)[0]


def test_a_hit_verifies_nothing() -> None:
    tokens = cache()
    token = issue()
    assert tokens.verify(token, ring=RING, now=NOW) is tokens.verify(UnverifiedToken(token.text), ring=RING, now=NOW)


@pytest.mark.parametrize(
    ("now", "accepted"),
    [
        pytest.param(NOW + 329, True, id="within-leeway"),
        pytest.param(NOW + 330, False, id="expired"),
        pytest.param(NOW - 31, False, id="clock-set-back"),
    ],
)
def test_times_are_checked_at_each_use(now: int, accepted: bool) -> None:
    tokens = cache()
    token = issue()
    tokens.verify(token, ring=RING, now=NOW)
    if accepted:
        tokens.verify(token, ring=RING, now=now)
        assert len(tokens) == 1
    else:
        refused(tokens, token, now=now)
        assert len(tokens) == 0


def test_another_ring_forgets_everything() -> None:
    tokens = cache()
    token = issue()
    tokens.verify(token, ring=RING, now=NOW)
    other = SigningKey.of(ec.derive_private_key(9, ec.SECP256R1()), not_before=NOW, retire_after=None)
    refused(tokens, token, ring=KeyRing((other,)))
    assert len(tokens) == 0
    # An equal ring is another ring too: what was dropped and came back is verified anew.
    tokens.verify(token, ring=KeyRing((KEY,)), now=NOW)


def test_a_retired_key_ends_its_tokens() -> None:
    retiring = KeyRing((SigningKey.of(PRIVATE_KEY, not_before=NOW - 9, retire_after=NOW + 10),))
    tokens = cache()
    token = issue(ring=retiring)
    tokens.verify(token, ring=retiring, now=NOW + 9)
    refused(tokens, token, ring=retiring, now=NOW + 10)


def test_failures_are_not_kept() -> None:
    tokens = cache()
    for text in ("", "a.b.c", issue().text + "x", issue(now=NOW - 900).text):
        refused(tokens, UnverifiedToken(text))
    assert len(tokens) == 0


def test_it_is_bounded_and_the_oldest_goes_first() -> None:
    tokens = cache(max_entries=2)
    first, second, third = (issue(now=NOW + number) for number in range(3))
    dropped = tokens.verify(first, ring=RING, now=NOW + 3)
    kept = tokens.verify(second, ring=RING, now=NOW + 3)
    tokens.verify(third, ring=RING, now=NOW + 3)
    assert len(tokens) == 2
    assert tokens.verify(second, ring=RING, now=NOW + 3) is kept
    assert tokens.verify(first, ring=RING, now=NOW + 3) is not dropped


def test_another_text_of_the_same_token_is_no_hit() -> None:
    tokens = cache()
    token = issue()
    tokens.verify(token, ring=RING, now=NOW)
    refused(tokens, UnverifiedToken(token.text + "="))
