"""A policy revision: everything an engine needs to judge, named by what it is made of.

Rego modules, data, the input schema they were checked against, the compiled wasm and the rule list. It is stored as
one JSON document (never pickled: a stored revision is input like any other), and read back only if every digest in it
is the digest of what it names.

Pure: no I/O, no third-party import.
Source: DESIGN 7 (Policy), "An answer counts only if".
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, cast

from gateway.errors import DocumentInvalid, PolicyInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import canonical
from gateway.policy.values import PolicyRevisionId, RuleInfo

FORMAT: Final = "registry-gateway/policy-revision/v1"
COMPILED_MODULE: Final = "registry/compiled.rego"
MAX_REVISION_BYTES: Final = 32 * 1024 * 1024
"""A wasm module of a large pack is 1 MiB; base64 and the sources come on top."""


@dataclass(frozen=True, slots=True)
class PolicyRevision:
    """One policy. Made by `of`, which computes the digests; two with the same ``id`` decide alike."""

    sources: Mapping[str, str]
    """Path -> Rego module, without tests and without the generated `COMPILED_MODULE`."""
    data: JsonObject
    """The base document; ``data["registry"]["revision"]`` is `data_digest`."""
    schema: JsonObject
    """The input schema that the modules were checked against."""
    wasm: bytes
    rules: tuple[RuleInfo, ...]
    rules_digest: str
    data_digest: str

    @classmethod
    def of(
        cls, *, sources: Mapping[str, str], data: JsonObject, schema: JsonObject, wasm: bytes, rules: Sequence[RuleInfo]
    ) -> Self:
        """Return the revision of these parts. ``data`` is ``{"registry": {...}}``, without a revision in it.

        Raises `PolicyInvalid` where the data has another root, holds what the build writes, or has a fraction.
        """
        data_digest, marked = _marked(data)
        return cls(
            sources=dict(sorted(sources.items())),
            data=marked,
            schema=schema,
            wasm=wasm,
            rules=tuple(sorted(rules)),
            rules_digest=digest_of_sources(sources),
            data_digest=data_digest,
        )

    @property
    def pair(self) -> PolicyRevisionId:
        """Return what an answer of this revision must show."""
        return PolicyRevisionId(rules=self.rules_digest, data=self.data_digest)

    @property
    def id(self) -> str:
        """Return the digest of the pair: the name of this revision."""
        return self.pair.id

    def opa_files(self) -> dict[str, bytes]:
        """Return path -> content of a bundle directory for an OPA server: modules, the generated one, and data.

        What runs there is what runs here; the gateway never uploads it (`gateway.policy.opa_engine`).
        """
        files = {path: text.encode() for path, text in self.sources.items()}
        files[COMPILED_MODULE] = compiled_module(self.rules_digest).encode()
        files["data.json"] = canonical.encode(self.data)
        files[".manifest"] = canonical.encode({"revision": self.id, "roots": ["registry"], "rego_version": 1})
        return files

    def to_bytes(self) -> bytes:
        """Return this revision as one JSON document, always the same for the same revision."""
        rules: list[JsonValue] = [
            {"id": r.id, "code": r.code, "title": r.title, "description": r.description, "solution": r.solution}
            for r in self.rules
        ]
        return canonical.encode(
            {
                "format": FORMAT,
                "id": self.id,
                "sources": dict(self.sources),
                "data": self.data,
                "schema": self.schema,
                "rules": rules,
                "wasm": base64.b64encode(self.wasm).decode("ascii"),
                "wasm_digest": canonical.digest(self.wasm),
            }
        )

    @classmethod
    def from_bytes(cls, document: bytes) -> Self:
        """Return the revision that `to_bytes` wrote. Raises `PolicyInvalid` unless every digest in it is true."""
        try:
            # The operator's own, as large as his data is: no value is shorter than a byte, so this is no budget.
            stored = strict_json.parse_object(document, max_bytes=MAX_REVISION_BYTES, max_nodes=MAX_REVISION_BYTES)
            if stored["format"] != FORMAT:
                raise PolicyInvalid(f"the stored policy revision has the format {stored['format']!r}, not {FORMAT!r}")
            wasm = base64.b64decode(cast(str, stored["wasm"]), validate=True)
            stored_rules = cast(list[dict[str, str]], stored["rules"])
            revision = cls.of(
                sources=cast(dict[str, str], stored["sources"]),
                data=_unmarked(cast(JsonObject, stored["data"])),
                schema=cast(JsonObject, stored["schema"]),
                wasm=wasm,
                rules=[RuleInfo(**rule) for rule in stored_rules],
            )
        except (DocumentInvalid, KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise PolicyInvalid(f"the stored policy revision cannot be read: {error!r}") from None
        # The whole document again, byte for byte: then every digest in it is true, and there is nothing beside it.
        if revision.to_bytes() != document:
            raise PolicyInvalid("the stored policy revision is not what its digests say")
        return revision


def digest_of_sources(sources: Mapping[str, str]) -> str:
    """Return the digest of the Rego modules: of the sorted list of their paths and digests."""
    return canonical.digest(canonical.encode({path: canonical.digest(text.encode()) for path, text in sources.items()}))


def compiled_module(rules_digest: str) -> str:
    """Return the module that makes ``rules_digest`` a constant of what is compiled."""
    return (
        "# Generated by the gateway. Not part of the digest that it holds.\n"
        "package registry.compiled\n\n"
        f'rules := "{rules_digest}"\n'
    )


def _marked(data: JsonObject) -> tuple[str, JsonObject]:
    registry = data.get("registry")
    if set(data) != {"registry"} or not isinstance(registry, dict):
        raise PolicyInvalid('policy data must be one object under "registry"')
    for name in ("revision", "compiled", "admission", "lib", "rules"):
        if name in registry:
            raise PolicyInvalid(
                f'policy data must not have "registry.{name}": that place belongs to the build and the rules'
            )
    data_digest = canonical.digest(canonical.encode(data))
    return data_digest, {"registry": {**registry, "revision": data_digest}}


def _unmarked(data: JsonObject) -> JsonObject:
    registry = cast(JsonObject, data["registry"])
    return {"registry": {name: value for name, value in registry.items() if name != "revision"}}
