"""A policies directory with the real `opa`: what compiles is activated, what does not says why in opa's own words."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import PolicyInvalid
from gateway.policy.build import build
from gateway.policy.pack import copy_policies, shipped_revision
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyDenied, PolicyOutcome, PolicyUnavailable
from gateway.policy.wasm_engine import WasmEngine
from tests.support.policy import ROOT, admissible, decide, opa_program

RULE = """# METADATA
# title: No dots in repository names
# description: An example of a company's own rule.
# custom:
#   code: ACME001
#   level: enforce
#   solution: Choose another name.
# schemas:
#   - input: schema.admission
package registry.rules.no_dots

import data.registry.lib.judge

rule := {"id": "no_dots", "code": "ACME001", "effect": "deny"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict) if {
	judge.on(rule)
	some subject in input.subjects
}

verdict := {"is": "pass"} if contains(input.where.repository, ".") == false

verdict := {"is": "violation", "message": "a dot"} if contains(input.where.repository, ".") == true
"""


@pytest.fixture(scope="session")
def program() -> Path:
    found = opa_program()
    assert found is not None, "opa is missing: tests/tools/install opa"
    return found


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    copy_policies(tmp_path / "policies")
    return tmp_path / "policies"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def with_own_rule(policies: Path, rule: str = RULE) -> None:
    (policies / "registry" / "rules" / "no_dots.rego").write_text(rule)
    edit(policies / "data" / "config.json", '"CFG001": {"level"', '"ACME001": {"level": "enforce"}, "CFG001": {"level"')
    schema = policies / "schemas" / "config.json"
    # Not one word of what the schema is about: a company describes its own parameters.
    schema.write_text('{"type": "object"}')


def test_the_shipped_directory_builds_to_the_shipped_revision_byte_for_byte(program: Path, policies: Path) -> None:
    assert build(policies, opa=program, check_format=True).to_bytes() == shipped_revision().to_bytes()


def test_the_tool_of_the_tree_finds_nothing_stale(program: Path) -> None:
    command = [sys.executable, "-m", "tools.build_policy", "--opa", str(program), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_rule_of_ones_own(program: Path, policies: Path) -> None:
    with_own_rule(policies)
    revision = build(policies, opa=program)
    assert "no_dots" in {rule.id for rule in revision.rules}
    assert revision.rules_digest != shipped_revision().rules_digest
    dotted = admissible(where={"registry": "r", "project": "payments", "repository": "payments/a.b", "mode": "hold"})
    allowed, denied = decide(WasmEngine(), revision, admissible(), dotted)
    assert isinstance(allowed, PolicyAllowed)
    assert isinstance(denied, PolicyDenied)
    assert [reason.code for reason in denied.reasons] == ["ACME001"]
    assert PolicyRevision.from_bytes(revision.to_bytes()) == revision


def _rules(policies: Path) -> Path:
    return policies / "registry" / "rules"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(
            lambda p: edit(_rules(p) / "no_root.rego", "input.where.repository", "input.where.repo"), "repo", id="typo"
        ),
        pytest.param(
            lambda p: edit(_rules(p) / "no_root.rego", "trim_space(", "time.now_ns("),
            "undefined function",
            id="the-clock",
        ),
        pytest.param(
            lambda p: edit(_rules(p) / "no_root.rego", "trim_space(", "http.send("),
            "undefined function",
            id="the-network",
        ),
        pytest.param(
            lambda p: edit(_rules(p) / "no_root.rego", "trim_space(", "opa.runtime("),
            "undefined function",
            id="environment",
        ),
        pytest.param(lambda p: edit(_rules(p) / "no_root.rego", "^[+-]?0+$", "^0$"), "test_user", id="a-test-fails"),
        pytest.param(lambda p: edit(_rules(p) / "no_root.rego", "rule := {", "rule := {{"), "parse_error", id="syntax"),
        pytest.param(
            lambda p: with_own_rule(p, RULE.replace("#   code: ACME001\n", "")), "no_dots has no code", id="no-code"
        ),
        pytest.param(
            lambda p: with_own_rule(p, RULE.replace("registry.rules.no_dots", "registry.compiled")),
            "registry.compiled is generated",
            id="its-own-constant",
        ),
        pytest.param(
            lambda p: with_own_rule(p, RULE.replace("package registry.rules.no_dots", "package acme")),
            "not below registry",
            id="another-root",
        ),
        pytest.param(lambda p: [file.unlink() for file in (p / "tests").iterdir()], "no test ran", id="no-tests"),
    ],
)
def test_what_opa_refuses_is_not_a_revision(
    program: Path, policies: Path, spoil: Callable[[Path], object], says: str
) -> None:
    spoil(policies)
    with pytest.raises(PolicyInvalid) as caught:
        build(policies, opa=program)
    assert says in caught.value.message


def _decided(
    program: Path, policies: Path, verdict: str, *, seconds: float = 30.0
) -> tuple[PolicyOutcome, PolicyOutcome]:
    """Return what wasm makes of two inputs, of which only the first meets the odd ``verdict``."""
    plain = RULE[: RULE.index('verdict := {"is": "pass"}')]
    with_own_rule(
        policies, plain + verdict + '\nverdict := {"is": "pass"} if input.where.repository != "payments/odd"\n'
    )
    odd = admissible(where={"registry": "r", "project": "payments", "repository": "payments/odd", "mode": "hold"})
    engine = WasmEngine(threads=1, max_evaluation_seconds=seconds)
    first, second = decide(engine, build(policies, opa=program), odd, admissible(), deadline_seconds=2 * seconds)
    return first, second


ODD = 'input.where.repository == "payments/odd"'


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(f'verdict := {{"is": "maybe"}} if {ODD}\n', id="an-unknown-verdict"),
        pytest.param(f'verdict := {{"is": "violation"}} if {ODD}\n', id="no-message"),
        pytest.param(f'verdict := "pass" if {ODD}\n', id="another-shape"),
        pytest.param(f'verdict := {{"is": "pass"}} if {{\n\t{ODD}\n\tinput.tag.name\n}}\n', id="undefined"),
        pytest.param(
            f'verdict := {{"is": "pass"}} if {ODD}\n\nverdict := {{"is": "na"}} if {ODD}\n', id="two-values-at-once"
        ),
        pytest.param(
            f'verdict := {{"is": "pass"}} if {{\n\t{ODD}\n\tto_number(input.where.project) == 1\n}}\n',
            id="a-builtin-error",
        ),
    ],
)
def test_a_policy_that_fails_is_broken_and_the_next_input_is_judged(
    program: Path, policies: Path, verdict: str
) -> None:
    odd, fine = _decided(program, policies, verdict)
    assert isinstance(odd, PolicyBroken)
    assert isinstance(fine, PolicyAllowed)


def test_a_policy_that_does_not_end_is_stopped_and_the_next_input_is_judged(program: Path, policies: Path) -> None:
    # Comparing what is there allocates nothing: it is the deadline that ends this, not the memory's limit.
    loop = (
        f'verdict := {{"is": "pass"}} if {{\n\t{ODD}\n\tmany := numbers.range(1, 2000)\n'
        "\tsome a in many\n\tsome b in many\n\tsome c in many\n\ta > b\n\tb > c\n\tc > a\n}\n"
    )
    odd, fine = _decided(program, policies, loop, seconds=1.0)
    assert isinstance(odd, PolicyUnavailable)
    assert isinstance(fine, PolicyAllowed)


def test_a_policy_that_takes_all_memory_is_stopped(program: Path, policies: Path) -> None:
    bomb = (
        f'verdict := {{"is": "pass"}} if {{\n\t{ODD}\n'
        "\tcount([[a, b] | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000)]) == 1\n}\n"
    )
    odd, fine = _decided(program, policies, bomb, seconds=120.0)
    assert isinstance(odd, PolicyBroken)
    assert isinstance(fine, PolicyAllowed)


def test_asyncio_is_not_needed_to_build(program: Path, policies: Path) -> None:
    # The command line builds without an event loop; a server does it on a thread.
    assert asyncio.run(asyncio.to_thread(build, policies, opa=program)) == shipped_revision()
