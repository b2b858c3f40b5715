"""From a policies directory to a revision: check, test, compile.

Where `opa` is not there and the Rego modules are the shipped ones, byte for byte, changed parameters need no compiler:
the shipped wasm is theirs. Where the modules differ, the error says how to get `opa`.

I/O: files and subprocesses, blocking: for the command line, or on a thread.
Source: DESIGN 7 (Policy), "Parameters (data) change without OPA installed; rules need opa at activation".
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

from gateway.errors import PolicyInvalid, Unavailable
from gateway.oci.strict_json import JsonObject
from gateway.policy import opa_tool, pack
from gateway.policy.opa_tool import HOW_TO_GET_OPA, OpaTool
from gateway.policy.parameters import check_shipped_parameters
from gateway.policy.revision import COMPILED_MODULE, PolicyRevision, compiled_module, digest_of_sources
from gateway.policy.schema import Schema
from gateway.policy.sources import PolicySources, read
from gateway.policy.values import RuleInfo

LEVELS = ("off", "warn", "enforce")
_RULES = "data.registry.rules."


def build(directory: Path, *, opa: Path | None = None, check_format: bool = False) -> PolicyRevision:
    """Return the revision of the policies directory ``directory``.

    ``opa`` names the program; without it the one in PATH is used. Raises `PolicyInvalid` with opa's own text where the
    modules do not check, a test fails or nothing compiles, and where the data is not what its schema says, or a shipped
    rule's parameter not what the shipped schema says; `Unavailable` where the modules must be compiled and there is no
    ``opa``.
    """
    shipped = pack.shipped_revision()
    sources = read(directory)
    _check_own_files(sources, shipped)
    check_data(sources.data, sources.config_schema)
    program = opa_tool.find(opa)
    if program is not None:
        wasm, rules = compile_sources(program, sources, check_format=check_format)
    elif digest_of_sources(sources.modules) == shipped.rules_digest:
        wasm, rules = shipped.wasm, shipped.rules
    else:
        raise Unavailable(
            f"the rules in {directory} are not the shipped ones, so they must be compiled: {HOW_TO_GET_OPA}"
        )
    check_shipped_parameters(sources.data, rules)
    check_levels(sources.data, rules)
    return PolicyRevision.of(
        sources=sources.modules, data=sources.data, schema=sources.admission_schema, wasm=wasm, rules=rules
    )


def run_tests(directory: Path, *, opa: Path | None = None) -> int:
    """Check the policies directory ``directory`` and run its Rego tests; return how many ran, all of which passed.

    Raises `PolicyInvalid`, and `Unavailable` where there is no ``opa`` to run them: the shipped wasm needs none, its
    tests do.
    """
    sources = read(directory)
    _check_own_files(sources, pack.shipped_revision())
    check_data(sources.data, sources.config_schema)
    program = opa_tool.find(opa)
    if program is None:
        raise Unavailable(f"the tests in {directory} did not run: {HOW_TO_GET_OPA}")
    with _tool(program, sources) as tool:
        tool.check()
        return tool.test()


def check_data(data: JsonObject, schema: JsonObject) -> None:
    """Raise `PolicyInvalid` where ``data`` is not what ``schema``, the directory's `schemas/config.json`, says."""
    violation = Schema.compile(schema).violation(data)
    if violation is not None:
        raise PolicyInvalid(f"data/: {violation} (schemas/config.json)")


def check_levels(data: JsonObject, rules: Sequence[RuleInfo]) -> None:
    """Raise `PolicyInvalid` where a rule has no level: it would be undefined, and every push would be refused."""
    registry = data.get("registry")
    config = registry.get("config") if isinstance(registry, dict) else None
    parameters = config.get("rules") if isinstance(config, dict) else None
    for rule in rules:
        own = parameters.get(rule.code) if isinstance(parameters, dict) else None
        if not isinstance(own, dict) or own.get("level") not in LEVELS:
            raise PolicyInvalid(f"data/: registry.config.rules.{rule.code}.level must be one of {', '.join(LEVELS)}")


def rules_of(inspected: JsonObject) -> tuple[RuleInfo, ...]:
    """Return the rule list out of ``opa inspect``'s answer: every package below `registry.rules`, by its METADATA.

    Raises `PolicyInvalid` where a rule has no METADATA with title and code, since an answer is counted against this
    list: a rule that is not on it could only spoil every answer.
    """
    metadata = opa_tool.package_metadata(inspected)
    rules: list[RuleInfo] = []
    for package, files in sorted(opa_tool.packages(inspected).items()):
        if not package.startswith("data.registry."):
            raise PolicyInvalid(f"{', '.join(files)}: the package {package} is not below registry")
        if package == "data.registry.compiled" and files != [COMPILED_MODULE]:
            raise PolicyInvalid(f"{', '.join(files)}: the package registry.compiled is generated")
        if package.startswith(_RULES):
            rules.append(_rule(package.removeprefix(_RULES), metadata.get(package, {})))
    if not rules:
        raise PolicyInvalid("there is no rule: nothing would be judged")
    codes = [rule.code for rule in rules]
    if len(set(codes)) != len(codes):
        raise PolicyInvalid("two rules have the same code")
    return tuple(sorted(rules))


def _rule(identifier: str, metadata: Mapping[str, object]) -> RuleInfo:
    custom = metadata.get("custom")
    texts = {**metadata, **(custom if isinstance(custom, dict) else {})}
    wanted = {name: texts.get(name) for name in ("code", "title", "description", "solution")}
    for name, text in wanted.items():
        if not isinstance(text, str) or not text:
            raise PolicyInvalid(f"the rule {identifier} has no {name} in its package's METADATA")
    if "." in identifier:
        raise PolicyInvalid(f"the rule {identifier}: a rule is one package directly below registry.rules")
    found = cast(dict[str, str], wanted)
    return RuleInfo(
        id=identifier,
        code=found["code"],
        title=found["title"],
        description=found["description"],
        solution=found["solution"],
    )


def _check_own_files(sources: PolicySources, shipped: PolicyRevision) -> None:
    # A directory cannot widen what a rule may see or call: these two files are here for editors only.
    if sources.admission_schema != shipped.schema:
        raise PolicyInvalid(_not_ours("schemas/admission.json"))
    if sources.capabilities != pack.capabilities():
        raise PolicyInvalid(_not_ours("capabilities.json"))


def _not_ours(path: str) -> str:
    # Where nobody edited it, it is an earlier version's: then there is a newer one to take, and that must be said.
    return (
        f"{path} is the gateway's and must not be changed, and this one is not this version's: replace it by"
        f" {pack.SHIPPED / 'policies' / path}"
    )


def compile_sources(
    program: Path, sources: PolicySources, *, check_format: bool = False
) -> tuple[bytes, tuple[RuleInfo, ...]]:
    """Return the wasm and the rule list of ``sources``, after ``program`` has checked and tested them.

    Raises `PolicyInvalid` with opa's own text.
    """
    with _tool(program, sources) as tool:
        if check_format:
            tool.check_format()
        tool.check()
        rules = rules_of(tool.inspect())
        tool.test()
        return tool.compile_wasm(), rules


def _tool(program: Path, sources: PolicySources) -> AbstractContextManager[OpaTool]:
    compiled = {COMPILED_MODULE: compiled_module(digest_of_sources(sources.modules))}
    return OpaTool.over(
        program,
        modules={**sources.modules, **compiled},
        tests=sources.tests,
        data=sources.data,
        schemas={"admission": sources.admission_schema, "config": sources.config_schema},
        capabilities=sources.capabilities,
    )
