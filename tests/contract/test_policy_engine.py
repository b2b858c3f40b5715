"""The contract of the policy engine, on wasm; `tests/services/test_policy_opa.py` runs it on a real OPA."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.policy.engine import PolicyEngine
from gateway.policy.revision import PolicyRevision
from gateway.policy.wasm_engine import WasmEngine
from tests.support.policy_contract import PolicyEngineContract, Serving


class TestWasmEngine(PolicyEngineContract):
    @pytest.fixture
    def serving(self) -> Serving:
        @contextmanager
        def serve(_: PolicyRevision) -> Iterator[PolicyEngine]:
            yield WasmEngine(max_evaluation_seconds=30)

        return serve
