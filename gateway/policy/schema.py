"""Compiled JSON Schemas: what the input of a decision, and the data of a policy, may be.

A rule reads what is there; a field that is misspelt or missing reads as undefined, and an engine turns that into
silence. So a document is checked before any rule sees it, and everything undeclared is refused.

Pure: no I/O.
Source: JSON Schema, draft 2020-12; `policies/schemas/`.
"""

from typing import Self

import jsonschema_rs

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject, JsonValue


class Schema:
    """One compiled schema. Thread-safe."""

    __slots__ = ("_validator",)

    def __init__(self, validator: jsonschema_rs.Validator) -> None:
        self._validator = validator

    @classmethod
    def compile(cls, document: JsonObject) -> Self:
        """Return the compiled ``document``. Raises `PolicyInvalid` where it is not a schema.

        Patterns run on the linear-time engine, and no reference leaves the document: a schema is not a way to make
        the gateway fetch something.
        """
        try:
            return cls(
                jsonschema_rs.Draft202012Validator(
                    document, pattern_options=jsonschema_rs.RegexOptions(), retriever=_refuse_reference
                )
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise PolicyInvalid(f"not a JSON Schema: {error}") from None

    def violation(self, value: JsonValue) -> str | None:
        """Return where and why ``value`` is refused, without quoting it, or None where it is valid."""
        error = next(self._validator.iter_errors(value), None)
        if error is None:
            return None
        where = "/".join(str(part) for part in error.instance_path) or "the document"
        rule = "/".join(str(part) for part in error.schema_path)
        # Not the validator's own message: it quotes the value, and that could be what a detector masked elsewhere.
        return f"{where[:200]} violates {rule[:200]}"


def _refuse_reference(uri: str) -> JsonObject:
    raise ValueError(f"{uri} is outside the schema")
