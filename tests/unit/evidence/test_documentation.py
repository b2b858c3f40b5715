"""`docs/evidence.md` and `keys/README.md` say every code, and the policies they show load."""

import re
from pathlib import Path
from typing import Final

import pytest

from gateway.evidence import judge, trust_reader
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import EvidenceFormat, RejectionCode
from tests.support import evidence as made

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = (ROOT / "docs/evidence.md").read_text("utf-8")
KEYS: Final = (ROOT / "keys/README.md").read_text("utf-8")
REASONS: Final = (
    judge.NO_TRUST_POLICY,
    judge.SIGNATURE_MISSING,
    judge.SIGNER_UNTRUSTED,
    judge.ATTESTATION_MISSING,
    judge.TRUST_STATIC_FAIL,
)


@pytest.mark.parametrize("code", [*RejectionCode, *REASONS, *EvidenceFormat])
def test_every_code_has_its_row(code: str) -> None:
    assert re.search(rf"^\| `{code}` \|", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("word", sorted(trust_reader._AUTHORITY | trust_reader._SPEC | trust_reader._KEY))
def test_every_word_is_explained(word: str) -> None:
    assert f"`{word}" in DOCUMENT or f".{word}`" in DOCUMENT


@pytest.mark.parametrize(
    "policy", re.findall(r"```yaml\n(.*?)```", DOCUMENT + KEYS, re.DOTALL), ids=["promotion", "smallest"]
)
def test_the_policies_shown_load(policy: str) -> None:
    trust = TrustPolicy.load({"policy.yaml": policy.encode(), "release.pub": made.signer().pem.encode()})
    assert len(trust.policies) == 1


def test_the_shipped_trust_directory_loads() -> None:
    files = {path.relative_to(ROOT / "keys"): path for path in (ROOT / "keys").rglob("*") if path.is_file()}
    TrustPolicy.load({name.as_posix(): path.read_bytes() for name, path in files.items()})
