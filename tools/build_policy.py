"""Compile `policies/` into the package: `gateway/policy/shipped/` (the wasm, the rule list, a copy of the directory).

    python -m tools.build_policy [--opa PROGRAM]           writes
    python -m tools.build_policy [--opa PROGRAM] --check   fails where what is there is not what would be written

Needs `opa`. The compiled module is the same for the same sources and the same opa, on every machine.

I/O: files and subprocesses.
"""

# ruff: noqa: T201  a command prints

import argparse
import json
import sys
from pathlib import Path

from gateway.errors import PolicyInvalid
from gateway.policy import opa_tool
from gateway.policy.build import check_data, check_levels, compile_sources
from gateway.policy.revision import PolicyRevision, digest_of_sources
from gateway.policy.sources import read

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
SHIPPED = ROOT / "gateway" / "policy" / "shipped"


def files(program: Path) -> dict[str, bytes]:
    """Return path inside `SHIPPED` -> content, made from `policies/` after every check has passed."""
    sources = read(POLICIES)
    check_data(sources.data, sources.config_schema)
    wasm, rules = compile_sources(program, sources, check_format=True)
    check_levels(sources.data, rules)
    revision = PolicyRevision.of(
        sources=sources.modules, data=sources.data, schema=sources.admission_schema, wasm=wasm, rules=rules
    )
    compiled = {
        "rules_digest": digest_of_sources(sources.modules),
        "rules": [
            {"id": r.id, "code": r.code, "title": r.title, "description": r.description, "solution": r.solution}
            for r in revision.rules
        ],
    }
    made = {
        "admission.wasm": wasm,
        "compiled.json": (json.dumps(compiled, indent=1, ensure_ascii=False) + "\n").encode(),
    }
    for file in sorted(POLICIES.rglob("*")):
        if file.is_file():
            made[f"policies/{file.relative_to(POLICIES).as_posix()}"] = file.read_bytes()
    return made


def main() -> int:
    """Write or compare. Returns the exit status: 0, 1 where something is refused or stale, 2 where opa is missing."""
    parser = argparse.ArgumentParser(description="Compile policies/ into the package")
    parser.add_argument("--opa", type=Path, default=None, help="the opa program (default: the one in PATH)")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    program = opa_tool.find(arguments.opa)
    if program is None:
        print(f"opa is not there: {opa_tool.HOW_TO_GET_OPA}", file=sys.stderr)
        return 2
    try:
        made = files(program)
    except PolicyInvalid as error:
        print(error.message, file=sys.stderr)
        return 1
    present = {f.relative_to(SHIPPED).as_posix(): f.read_bytes() for f in SHIPPED.rglob("*") if f.is_file()}
    stale = sorted(path for path in made.keys() | present.keys() if made.get(path) != present.get(path))
    if arguments.check:
        for path in stale:
            print(
                f"gateway/policy/shipped/{path} is not what policies/ gives; run tools/build_policy.py", file=sys.stderr
            )
        print("policy: shipped files are current" if not stale else f"policy: {len(stale)} stale files")
        return 1 if stale else 0
    for path in stale:
        target = SHIPPED / path
        if path in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made[path])
        else:
            target.unlink()
    print(f"policy: {len(stale)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
