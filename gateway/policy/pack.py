"""The policy that comes with the gateway: Rego, data, tests, and their compiled form, as package data.

`policies/` of the source tree is where it is edited; `tools/build_policy.py` copies and compiles it into `shipped/`, and
a test holds the two equal. So the first run needs nothing but Python.

I/O: reads the package's own files.
"""

from pathlib import Path
from typing import Final, cast

from gateway.errors import Conflict, PolicyInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject
from gateway.policy import sources
from gateway.policy.revision import PolicyRevision, digest_of_sources
from gateway.policy.schema import Schema
from gateway.policy.values import RuleInfo

SHIPPED: Final = Path(__file__).parent / "shipped"
_MAX_PACK_BYTES: Final = 1024 * 1024


def shipped_revision(overrides: JsonObject | None = None) -> PolicyRevision:
    """Return the shipped revision, with ``overrides`` merged into its data member by member.

    ``{"registry": {"config": {"rules": {"CFG001": {"level": "enforce"}}}}}`` changes one level and nothing else. Raises
    `PolicyInvalid` where the merged data is not what its schema says, and where the package is damaged.
    """
    read = sources.read(SHIPPED / "policies")
    compiled = strict_json.parse_object((SHIPPED / "compiled.json").read_bytes(), max_bytes=_MAX_PACK_BYTES)
    if compiled["rules_digest"] != digest_of_sources(read.modules):
        raise PolicyInvalid("the shipped policy is damaged: the compiled rules are not those of the Rego modules")
    data = read.data if overrides is None else merged(read.data, overrides)
    violation = Schema.compile(read.config_schema).violation(data)
    if violation is not None:
        raise PolicyInvalid(f"data/: {violation} (schemas/config.json)")
    return PolicyRevision.of(
        sources=read.modules,
        data=data,
        schema=read.admission_schema,
        wasm=(SHIPPED / "admission.wasm").read_bytes(),
        rules=[RuleInfo(**rule) for rule in cast(list[dict[str, str]], compiled["rules"])],
    )


def capabilities() -> JsonObject:
    """Return what a rule may call: builtins that every engine has natively, and that read nothing but their arguments."""
    return strict_json.parse_object(
        (SHIPPED / "policies" / "capabilities.json").read_bytes(), max_bytes=_MAX_PACK_BYTES
    )


def input_schema() -> JsonObject:
    """Return the JSON Schema of the input document, `schemas/admission.json`."""
    file = SHIPPED / "policies" / "schemas" / "admission.json"
    return strict_json.parse_object(file.read_bytes(), max_bytes=_MAX_PACK_BYTES)


def config_schema() -> JsonObject:
    """Return the JSON Schema of the data, `schemas/config.json`, as it is shipped."""
    return sources.read(SHIPPED / "policies").config_schema


def data() -> JsonObject:
    """Return the shipped parameters."""
    return sources.read(SHIPPED / "policies").data


def copy_policies(directory: Path) -> None:
    """Write the shipped policies directory to ``directory``, for people to edit.

    Raises `Conflict` where ``directory`` exists: nobody's edited rules are overwritten.
    """
    if directory.exists():
        raise Conflict(f"{directory} exists already")
    for file in sorted((SHIPPED / "policies").rglob("*")):
        if file.is_file():
            target = directory / file.relative_to(SHIPPED / "policies")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())


def merged(base: JsonObject, overrides: JsonObject) -> JsonObject:
    """Return ``base`` with ``overrides``: objects member by member, everything else replaced."""
    result = dict(base)
    for name, value in overrides.items():
        present = result.get(name)
        result[name] = merged(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
    return result
