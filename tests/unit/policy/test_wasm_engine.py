"""What the embedded engine does with a policy, data or input that goes wrong."""

import asyncio
import dataclasses
from typing import cast

import pytest

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyOutcome, PolicyUnavailable, RuleInfo
from gateway.policy.wasm_engine import WasmEngine
from tests.support.policy import admissible, child, decide, index, strict_revision

REVISION = strict_revision()


def huge() -> JsonObject:
    """Return an input just under the limit, which takes the rules a thousand times as long as an ordinary one."""
    children = [child(digest="sha256:" + format(number, "064x"), annotations={}) for number in range(1000)]
    return admissible(subjects=[index(), *children])


def test_another_rules_digest_is_unavailable() -> None:
    other = dataclasses.replace(REVISION, rules_digest="sha256:" + "0" * 64)
    (outcome,) = decide(WasmEngine(), other, admissible())
    assert isinstance(outcome, PolicyUnavailable)


def test_another_data_digest_is_unavailable() -> None:
    other = dataclasses.replace(REVISION, data_digest="sha256:" + "0" * 64)
    (outcome,) = decide(WasmEngine(), other, admissible())
    assert isinstance(outcome, PolicyUnavailable)


def test_a_rule_that_says_nothing_breaks_the_answer() -> None:
    more = dataclasses.replace(REVISION, rules=(*REVISION.rules, RuleInfo("zz", "ZZ001", "not compiled in")))
    (outcome,) = decide(WasmEngine(), more, admissible())
    assert isinstance(outcome, PolicyBroken)
    assert "the rule zz says nothing" in outcome.reason


def test_a_rule_that_is_not_active_breaks_the_answer() -> None:
    (outcome,) = decide(WasmEngine(), dataclasses.replace(REVISION, rules=REVISION.rules[1:]), admissible())
    assert isinstance(outcome, PolicyBroken)
    assert "not active" in outcome.reason


def test_undefined_is_broken() -> None:
    marked = cast(JsonObject, REVISION.data["registry"])
    unmarked: JsonObject = {"registry": {name: value for name, value in marked.items() if name != "revision"}}
    (outcome,) = decide(WasmEngine(), dataclasses.replace(REVISION, data=unmarked), admissible())
    assert isinstance(outcome, PolicyBroken)
    assert "undefined" in outcome.reason


def test_a_guest_that_runs_too_long_is_stopped_and_the_next_evaluation_works() -> None:
    # The shortest limit there is, so that no machine is fast enough for the long one; a slow machine may stop some of
    # the short ones too, never all of them.
    engine = WasmEngine(threads=1, max_evaluation_seconds=0.001)
    long, *short = decide(engine, REVISION, huge(), *[admissible()] * 100)
    assert long == PolicyUnavailable("the policy evaluation took too long")
    assert any(isinstance(outcome, PolicyAllowed) for outcome in short)


def test_a_guest_that_takes_too_much_memory_is_stopped_and_the_next_evaluation_works() -> None:
    engine = WasmEngine(threads=1, max_evaluation_seconds=60, max_memory_bytes=4 * 1024 * 1024)
    large, small = decide(engine, REVISION, huge(), admissible())
    assert isinstance(large, PolicyBroken)
    assert isinstance(small, PolicyAllowed)


def test_a_caller_that_does_not_wait_gets_unavailable() -> None:
    (outcome,) = decide(WasmEngine(), REVISION, admissible(), deadline_seconds=0)
    assert outcome == PolicyUnavailable("the policy evaluation took too long")


def test_more_than_may_wait_are_refused_and_counted_out_again() -> None:
    async def run() -> tuple[list[PolicyOutcome], PolicyOutcome]:
        engine = WasmEngine(threads=1, max_queued=1)
        try:
            await engine.activate(REVISION)
            together = await asyncio.gather(*(engine.evaluate(admissible(), deadline_seconds=60) for _ in range(5)))
            return together, await engine.evaluate(admissible(), deadline_seconds=60)
        finally:
            await engine.close()

    together, after = asyncio.run(run())
    assert sorted(type(outcome).__name__ for outcome in together) == ["PolicyAllowed"] * 2 + ["PolicyUnavailable"] * 3
    assert isinstance(after, PolicyAllowed)


def test_an_activation_in_between_disturbs_no_evaluation() -> None:
    other = strict_revision(CFG001={"level": "warn"})

    async def run() -> list[PolicyOutcome]:
        engine = WasmEngine(threads=1)
        try:
            await engine.activate(REVISION)
            asking = [asyncio.ensure_future(engine.evaluate(admissible(), deadline_seconds=60)) for _ in range(4)]
            await asyncio.sleep(0)
            await engine.activate(other)
            assert engine.revision() == other.pair
            return [*await asyncio.gather(*asking), await engine.evaluate(admissible(), deadline_seconds=60)]
        finally:
            await engine.close()

    outcomes = asyncio.run(run())
    assert all(isinstance(outcome, PolicyAllowed) for outcome in outcomes)
    revisions = [outcome.revision for outcome in outcomes if isinstance(outcome, PolicyAllowed)]
    assert revisions == [REVISION.id] * 4 + [other.id]


@pytest.mark.parametrize(
    ("wasm", "reason"),
    [
        pytest.param(b"", "cannot be loaded", id="empty"),
        pytest.param(b"\x00asm\x01\x00\x00\x00", "cannot be loaded", id="no-policy"),
        pytest.param(REVISION.wasm[:-1000], "cannot be loaded", id="cut"),
    ],
)
def test_a_module_that_is_none_is_not_activated(wasm: bytes, reason: str) -> None:
    async def run() -> None:
        engine = WasmEngine()
        try:
            await engine.activate(REVISION)
            with pytest.raises(PolicyInvalid, match=reason):
                await engine.activate(dataclasses.replace(REVISION, wasm=wasm))
            assert engine.revision() == REVISION.pair
            assert isinstance(await engine.evaluate(admissible(), deadline_seconds=60), PolicyAllowed)
        finally:
            await engine.close()

    asyncio.run(run())


def test_a_closed_engine_activates_nothing() -> None:
    async def run() -> None:
        engine = WasmEngine()
        await engine.close()
        with pytest.raises(PolicyInvalid):
            await engine.activate(REVISION)

    asyncio.run(run())
