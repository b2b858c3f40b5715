"""The keys of an issuer: when it is asked, what is kept, and what an attacker can make it fetch."""

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigInvalid, OutboundFailed, Unauthorized
from gateway.identity.oidc.issuer_keys import (
    FRESH_SECONDS,
    MAX_STALE_SECONDS,
    MIN_INTERVAL_SECONDS,
    IssuerKeys,
    KeySource,
    PinnedKeys,
    Trusted,
)
from gateway.identity.oidc.key_set import ALGORITHMS, MAX_KEY_SET_BYTES
from gateway.identity.oidc.metadata import MAX_METADATA_BYTES
from gateway.identity.oidc.verify import peek_kid, verify_token
from tests.support.identity import NOW, PROPERTY
from tests.support.issuer import (
    DISCOVERY,
    EC_KEY,
    ISSUER,
    JWKS_URI,
    OTHER_EC_KEY,
    FakeFetch,
    discovery,
    good_claims,
    good_header,
    jwk,
    key_set,
    sign,
)

OLD_SET: Final = key_set(jwk(EC_KEY, kid="k1"))
NEW_SET: Final = key_set(jwk(OTHER_EC_KEY, kid="k2"))
BOTH: Final = key_set(jwk(EC_KEY, kid="k1"), jwk(OTHER_EC_KEY, kid="k2"))

TIMEOUT = OutboundFailed("no answer within 5 s")


def play(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 10))


def issuer_keys(fetch: FakeFetch) -> IssuerKeys:
    return IssuerKeys(issuer=ISSUER, fetch=fetch)


def kids(trusted: Trusted) -> set[str | None]:
    return {key.kid for key in trusted.keys.keys}


async def no_keys(keys: IssuerKeys, kid: str | None, *, now: int) -> OutboundFailed:
    with pytest.raises(OutboundFailed) as caught:
        await keys.keys(kid, now=now)
    return caught.value


def test_discovery_then_the_key_set() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        trusted = await issuer_keys(fetch).keys("k1", now=NOW)
        assert kids(trusted) == {"k1"}
        assert trusted.algorithms == {"RS256", "ES256"}
        assert fetch.asked == [DISCOVERY, JWKS_URI]
        assert fetch.limits == [MAX_METADATA_BYTES, MAX_KEY_SET_BYTES]

    play(story())


def test_it_is_asked_again_when_the_kept_set_ends() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        for second in range(0, FRESH_SECONDS, 100):
            await keys.keys("k1", now=NOW + second)
        await keys.keys("k1", now=NOW + FRESH_SECONDS - 1)
        assert fetch.fetches() == 1
        await keys.keys("k1", now=NOW + FRESH_SECONDS)
        assert fetch.fetches() == 2

    play(story())


def test_a_key_that_the_issuer_took_back_is_gone_when_the_kept_set_ends() -> None:
    async def story() -> None:
        fetch = FakeFetch({JWKS_URI: BOTH})
        keys = issuer_keys(fetch)
        await keys.keys("k1", now=NOW)
        fetch.answers[JWKS_URI] = NEW_SET
        assert kids(await keys.keys("k1", now=NOW + FRESH_SECONDS - 1)) == {"k1", "k2"}
        later = NOW + FRESH_SECONDS
        trusted = await keys.keys("k1", now=later)
        assert kids(trusted) == {"k2"}
        with pytest.raises(Unauthorized):
            verify_token(
                sign(good_claims(iat=later, nbf=later, exp=later + 300)),
                trusted.keys,
                issuer=ISSUER,
                algorithms=trusted.algorithms,
                now=later,
                max_life_seconds=300,
            )

    play(story())


def test_a_new_key_is_found_by_its_kid() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        await keys.keys("k1", now=NOW)
        fetch.answers[JWKS_URI] = BOTH
        fetch.answers[DISCOVERY] = discovery(id_token_signing_alg_values_supported=["ES256"])
        trusted = await keys.keys("k2", now=NOW + MIN_INTERVAL_SECONDS)
        assert kids(trusted) == {"k1", "k2"}
        assert trusted.algorithms == {"ES256"}
        assert fetch.fetches() == 2

    play(story())


def test_a_flood_of_random_kids_causes_one_fetch_a_minute() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        for second in range(600):
            for number in range(3):
                kid = peek_kid(sign(header=good_header(kid=f"random-{second}-{number}"))) if second % 100 == 0 else None
                trusted = await keys.keys(kid or f"random-{second}-{number}", now=NOW + second)
                assert kids(trusted) == {"k1"}
        assert fetch.fetches() == 10
        assert len(fetch.asked) == 20

    play(story())


def test_a_flood_while_the_issuer_does_not_answer_causes_one_try_a_minute() -> None:
    async def story() -> None:
        fetch = FakeFetch({DISCOVERY: TIMEOUT})
        keys = issuer_keys(fetch)
        for second in range(300):
            failure = await no_keys(keys, f"random-{second}", now=NOW + second)
            assert failure.__cause__ is TIMEOUT
        assert len(fetch.asked) == 5

    play(story())


def test_tokens_without_kid_cause_no_fetch_of_their_own() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        for second in range(FRESH_SECONDS):
            await keys.keys(None, now=NOW + second)
        assert fetch.fetches() == 1

    play(story())


def test_one_fetch_at_once_and_the_others_wait_for_it() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        fetch.hold()
        keys = issuer_keys(fetch)
        waiting = [asyncio.create_task(keys.keys(f"k{number}", now=NOW + number % 2)) for number in range(50)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)
        fetch.release()
        answers = await asyncio.gather(*waiting)
        assert all(kids(answer) == {"k1"} for answer in answers)
        assert fetch.asked == [DISCOVERY, JWKS_URI]

    play(story())


def test_one_failure_answers_all_who_wait() -> None:
    async def story() -> None:
        fetch = FakeFetch({JWKS_URI: TIMEOUT})
        fetch.hold()
        keys = issuer_keys(fetch)
        waiting = [asyncio.create_task(keys.keys("k1", now=NOW)) for _ in range(50)]
        await asyncio.sleep(0)
        fetch.release()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(answer, OutboundFailed) for answer in answers)
        assert fetch.fetches() == 1

    play(story())


def test_a_slow_issuer_keeps_nobody_waiting_whose_key_is_known() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        await keys.keys("k1", now=NOW)
        fetch.hold()
        unknown = asyncio.create_task(keys.keys("k2", now=NOW + MIN_INTERVAL_SECONDS))
        await asyncio.sleep(0)
        assert kids(await keys.keys("k1", now=NOW + MIN_INTERVAL_SECONDS)) == {"k1"}
        assert not unknown.done()
        fetch.release()
        await unknown

    play(story())


def test_a_client_that_hangs_up_ends_no_fetch_that_others_wait_for() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        fetch.hold()
        keys = issuer_keys(fetch)
        first, second = (asyncio.create_task(keys.keys("k1", now=NOW)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        assert first.cancelled()
        fetch.release()
        assert kids(await second) == {"k1"}
        assert fetch.fetches() == 1

    play(story())


def test_clients_that_hang_up_cause_no_more_fetches() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        fetch.hold()
        keys = issuer_keys(fetch)
        for second in range(20):
            impatient = asyncio.create_task(keys.keys(f"random-{second}", now=NOW + second))
            await asyncio.sleep(0)
            impatient.cancel()
            await asyncio.sleep(0)
        assert fetch.asked == [DISCOVERY]
        fetch.release()
        assert kids(await keys.keys("k1", now=NOW + 20)) == {"k1"}

    play(story())


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        pytest.param(JWKS_URI, TIMEOUT, id="slow-key-set"),
        pytest.param(JWKS_URI, key_set(), id="empty-key-set"),
        pytest.param(JWKS_URI, key_set({"kty": "oct", "k": "AA"}), id="key-set-of-no-use"),
        pytest.param(JWKS_URI, b"<html>Maintenance</html>", id="no-key-set"),
        pytest.param(JWKS_URI, NEW_SET + b" " * MAX_KEY_SET_BYTES, id="huge-key-set"),
        pytest.param(DISCOVERY, TIMEOUT, id="slow-discovery"),
        pytest.param(DISCOVERY, discovery() + b" " * MAX_METADATA_BYTES, id="huge-discovery"),
        pytest.param(DISCOVERY, discovery(issuer="https://evil.example"), id="discovery-of-another-issuer"),
        pytest.param(DISCOVERY, discovery(jwks_uri="http://ci.example/jwks"), id="key-set-without-tls"),
        pytest.param(DISCOVERY, discovery(id_token_signing_alg_values_supported=["none"]), id="only-none"),
    ],
)
def test_a_bad_answer_replaces_nothing_and_is_no_answer(url: str, answer: bytes | Exception) -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        before = await keys.keys("k1", now=NOW)
        good = fetch.answers[url]
        fetch.answers[url] = answer
        for now in (NOW + 60, NOW + FRESH_SECONDS, NOW + MAX_STALE_SECONDS - 1):
            assert await keys.keys("k2", now=now) == before
        assert ISSUER in (await no_keys(keys, "k1", now=NOW + MAX_STALE_SECONDS)).message
        assert fetch.asked.count(url) == 4  # the last try was a second before
        await no_keys(keys, "k1", now=NOW + MAX_STALE_SECONDS + 59)
        fetch.answers[url] = good
        assert kids(await keys.keys("k1", now=NOW + MAX_STALE_SECONDS + 120)) == {"k1"}

    async def from_the_start() -> None:
        keys = issuer_keys(FakeFetch({url: answer}))
        failure = await no_keys(keys, "k1", now=NOW)
        assert isinstance(failure.__cause__, OutboundFailed)

    play(story())
    play(from_the_start())


def test_the_place_of_the_keys_is_read_anew_each_time() -> None:
    async def story() -> None:
        moved = "https://new.ci.example/jwks"
        fetch = FakeFetch({moved: NEW_SET})
        keys = issuer_keys(fetch)
        await keys.keys("k1", now=NOW)
        fetch.answers[DISCOVERY] = discovery(jwks_uri=moved)
        assert kids(await keys.keys("k1", now=NOW + FRESH_SECONDS)) == {"k2"}
        assert fetch.asked == [DISCOVERY, JWKS_URI, DISCOVERY, moved]

    play(story())


def test_a_clock_that_is_set_back_keeps_no_key_for_longer() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        await keys.keys("k1", now=NOW)
        fetch.answers[JWKS_URI] = NEW_SET
        assert kids(await keys.keys("k1", now=NOW - 1)) == {"k1"}
        assert kids(await keys.keys("k1", now=NOW - 3600)) == {"k2"}

    play(story())


def test_a_surprise_is_told_and_not_kept() -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        await keys.keys("k1", now=NOW)
        fetch.answers[JWKS_URI] = RuntimeError("a defect")
        with pytest.raises(RuntimeError):
            await keys.keys("k2", now=NOW + 60)
        assert kids(await keys.keys("k2", now=NOW + 61)) == {"k1"}

    play(story())


@PROPERTY
@given(
    st.lists(
        st.tuples(
            st.integers(1, 200) | st.just(5000),
            st.sampled_from(["k1", "k2", "random", None]),
            st.sampled_from([OLD_SET, NEW_SET, BOTH, key_set(), TIMEOUT]),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_promises_hold(steps: list[tuple[int, str | None, bytes | Exception]]) -> None:
    async def story() -> None:
        fetch = FakeFetch()
        keys = issuer_keys(fetch)
        now, tries, got = NOW, list[int](), dict[int, bytes]()
        for seconds, kid, answer in steps:
            now += seconds
            fetch.answers[JWKS_URI] = answer
            before = fetch.fetches()
            try:
                trusted = await keys.keys(kid, now=now)
            except OutboundFailed:
                trusted = None
            if fetch.fetches() > before:
                tries.append(now)
                if isinstance(answer, bytes) and answer != key_set():
                    got[now] = answer
            last = max(got, default=None)
            # What is returned is the last good answer, and no older than is allowed.
            assert (trusted is not None) == (last is not None and now - last < MAX_STALE_SECONDS)
            if trusted is not None and last is not None:
                assert kids(trusted) == {OLD_SET: {"k1"}, NEW_SET: {"k2"}, BOTH: {"k1", "k2"}}[got[last]]
                # An old set, or one without the key, is returned only where the issuer was asked lately.
                if now - last >= FRESH_SECONDS or (kid is not None and kid not in trusted.keys):
                    assert now - tries[-1] < MIN_INTERVAL_SECONDS
        assert all(later - earlier >= MIN_INTERVAL_SECONDS for earlier, later in pairwise(tries))

    play(story())


def test_pinned_keys_are_what_the_file_says() -> None:
    async def story() -> None:
        source: KeySource = PinnedKeys.parse(BOTH, where="cluster.json")
        for kid in ("k1", "random", None):
            trusted = await source.keys(kid, now=NOW)
            assert kids(trusted) == {"k1", "k2"}
            assert trusted.algorithms == ALGORITHMS

    play(story())


@pytest.mark.parametrize("content", [b"", b"{}", key_set(), key_set({"kty": "oct", "k": "AA"})])
def test_a_file_without_a_key_is_a_mistake_of_the_configuration(content: bytes) -> None:
    with pytest.raises(ConfigInvalid, match=r"cluster\.json"):
        PinnedKeys.parse(content, where="cluster.json")
