"""A verifier that fails has verified nothing, and no evidence makes it work without end (DESIGN 6 and 11)."""

from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from gateway.evidence.limits import MAX_OBJECT_VERIFICATIONS
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import EvidenceObject, EvidenceReport, RejectionCode
from gateway.evidence.verify import verify_all
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support import evidence as made

KEYS: Final = tuple(made.signer(seed=seed) for seed in range(26))


class Panic(BaseException):
    """What a Rust extension raises when it panics: not an `Exception`."""


class Falls(Mapping[Digest, bytes]):
    """Blobs whose reading raises ``error``."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getitem__(self, digest: Digest) -> bytes:
        raise self._error

    def __iter__(self) -> Iterator[Digest]:
        return iter(())

    def __len__(self) -> int:
        return 0


def verify(*evidence: EvidenceObject, keys: tuple[made.Signer, ...] = KEYS[:1]) -> EvidenceReport:
    return verify_all(
        Digest.parse(made.SUBJECT),
        RepositoryName.parse(made.REPOSITORY),
        evidence,
        TrustPolicy.load(made.trust_files(*keys)),
        registry_hosts=frozenset({made.HOST}),
        now=made.FIRST_SEEN,
    )


def falling(error: BaseException) -> EvidenceObject:
    whole = made.signed_classic(KEYS[0]).object()
    return EvidenceObject(whole.manifest, whole.claim, Falls(error), whole.first_seen)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("bad"), id="exception"),
        pytest.param(RecursionError(), id="recursion"),
        pytest.param(MemoryError(), id="memory"),
        pytest.param(Panic("index out of bounds"), id="panic-in-an-extension"),
    ],
)
def test_any_exception_is_a_rejection_and_the_rest_is_verified(error: BaseException) -> None:
    report = verify(falling(error), made.signed_bundle(KEYS[0]).object())
    assert [each.signer.id for each in report.verified] == [KEYS[0].id]
    (rejected,) = report.rejected
    assert rejected.code is RejectionCode.SURPRISE
    # The type and nothing of what was raised: an error's text may quote what it choked on.
    assert rejected.message == f"the verifier failed: {type(error).__name__}"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=["interrupt", "exit"])
def test_the_end_of_the_process_is_no_rejection(error: BaseException) -> None:
    with pytest.raises(type(error)):
        verify(falling(error), made.signed_bundle(KEYS[0]).object())


def test_one_manifest_costs_so_many_checks_and_no_more() -> None:
    """100 layers of eight signatures against 26 keys are 20,800 checks; the real one behind it has its own."""
    layers = []
    for number in range(100):
        envelope = made.envelope(made.attest_statement(predicate={"layer": number}), [b"no signature"] * 8)
        layers.append((made.go_json(envelope), {"predicateType": made.SLSA_PROVENANCE}))
    junk = made.classic_manifest(layers, layer_type=made.DSSE, tag=f"{made.SUBJECT.replace(':', '-')}.att")
    report = verify(junk.object(), made.signed_bundle(KEYS[25]).object(), keys=KEYS)
    assert [each.signer.id for each in report.verified] == [KEYS[25].id]
    codes = [each.code for each in report.rejected]
    tried = MAX_OBJECT_VERIFICATIONS // (8 * len(KEYS))
    assert codes == [RejectionCode.NO_MATCHING_KEY] * tried + [RejectionCode.LIMIT_EXCEEDED] * (100 - tried)
