"""One write, one call, one read: the same answers as the library's own way, and nothing left for the next evaluation."""

import json
from dataclasses import replace

import opapywasm
import pytest

from gateway.policy.canonical import encode
from gateway.policy.wasm_engine import ENTRYPOINT
from gateway.policy.wasm_instances import Bounds, Failed, Instances
from tests.support.policy import admissible, child, index, strict_revision

REVISION = strict_revision()
BOUNDS = Bounds(
    max_memory_bytes=64 * 1024 * 1024,
    max_seconds=60.0,
    max_input_bytes=1024 * 1024,
    max_data_bytes=1024 * 1024,
    max_result_bytes=1024 * 1024,
)


def instances(bounds: Bounds = BOUNDS) -> Instances:
    return Instances(REVISION.wasm, encode(REVISION.data), bounds)


def body(children: int, text: str = "") -> bytes:
    """Return an input about an index of so many children, with ``text`` in each."""
    named = [child(digest="sha256:" + format(number, "064x"), annotations={"a": text}) for number in range(children)]
    return json.dumps(admissible(subjects=[index(), *named])).encode()


def test_inputs_of_any_size_in_any_order_are_answered_as_by_the_library() -> None:
    library = opapywasm.OpaWasmPolicy.from_wasm_bytes(
        REVISION.wasm, opapywasm.PolicyConfig(default_entrypoint=ENTRYPOINT, pool_size=1)
    )
    own = instances()
    entry_point = own.entry_points[ENTRYPOINT]
    try:
        library.set_data(encode(REVISION.data))
        for asked in (body(0), body(40), body(1, "x" * 500_000), body(0), body(3, "y" * 1000), body(40), body(0)):
            answer = own.evaluate(asked, entry_point=entry_point)
            assert json.dumps(answer, sort_keys=True) == json.dumps(library.evaluate(asked), sort_keys=True)
        assert len(own._idle) == 1
    finally:
        own.close()
        library.close()


def test_evaluations_leave_nothing_behind() -> None:
    own = instances()
    entry_point = own.entry_points[ENTRYPOINT]
    own.evaluate(body(10), entry_point=entry_point)
    abi = own._idle[0].opa.abi
    before = abi.memory_len()
    for _ in range(100):
        own.evaluate(body(10), entry_point=entry_point)
    assert abi.memory_len() == before
    own.close()


@pytest.mark.parametrize(
    ("bounds", "interrupted"),
    [
        pytest.param(replace(BOUNDS, max_input_bytes=1000), False, id="input"),
        pytest.param(replace(BOUNDS, max_result_bytes=1000), False, id="result"),
        pytest.param(replace(BOUNDS, max_memory_bytes=1024 * 1024), False, id="memory"),
        pytest.param(replace(BOUNDS, max_seconds=0.001), True, id="time"),
    ],
)
def test_what_goes_beyond_a_bound_fails_and_the_instance_is_not_used_again(bounds: Bounds, interrupted: bool) -> None:
    own = instances(bounds)
    with pytest.raises(Failed) as caught:
        # The least that a deadline can be is one tick of 10 ms; this is a hundred times as much.
        own.evaluate(body(900), entry_point=own.entry_points[ENTRYPOINT])
    assert caught.value.interrupted is interrupted
    assert own._idle == []
    own.close()


def test_an_input_that_the_memory_has_no_room_for_fails() -> None:
    own = instances(replace(BOUNDS, max_memory_bytes=512 * 1024))
    with pytest.raises(Failed) as caught:
        own.evaluate(b'{"a":"' + b"x" * 1_000_000 + b'"}', entry_point=own.entry_points[ENTRYPOINT])
    assert not caught.value.interrupted
    own.close()


def test_data_beyond_its_bound_is_not_loaded() -> None:
    with pytest.raises(opapywasm.OpaWasmError, match="exceeding"):
        instances(replace(BOUNDS, max_data_bytes=10))


def test_an_entry_point_that_is_none_fails() -> None:
    own = instances()
    with pytest.raises(Failed):
        own.evaluate(body(0), entry_point=99)
    own.close()


def test_nothing_is_evaluated_after_close_and_what_runs_then_is_released() -> None:
    own = instances()
    running = own._taken()
    own.close()
    own._give_back(running)
    assert own._idle == []
    with pytest.raises(opapywasm.OpaPolicyClosedError):
        own.evaluate(body(0), entry_point=0)
    own.close()
