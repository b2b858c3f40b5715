"""The short form of `make evidence-fuzz`: mutated evidence admits nothing, and the fuzz can fail."""

import pytest

from tests.fuzz import evidence_fuzz


def test_mutated_evidence_admits_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    # Five times what finds a check that is gone (below).
    assert evidence_fuzz.main(["--count", "500", "--seed", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "false admits: 0 of 500"


def test_the_fuzz_notices_every_check_that_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    # Twice the hundred that are enough to find all six.
    assert evidence_fuzz.main(["--self-check", "--count", "200"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "self-check: 6 of 6 sabotages found"
