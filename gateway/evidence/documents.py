"""What an operator wrote, read so that nothing of it can be overlooked: YAML or JSON documents as `Field`s.

The YAML is the part of it that has one reading: no aliases, anchors, tags or merge keys, no member twice, no word that
YAML 1.1 takes for a truth value or a date. A `Field` knows its place, so that every refusal names file and path.

Pure: no I/O. Imports PyYAML.
Source: YAML 1.1 as PyYAML implements it; RFC 8259 for ``.json``.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    NodeEvent,
    ScalarEvent,
)
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gateway.errors import DocumentInvalid, TrustPolicyInvalid
from gateway.evidence.limits import MAX_TRUST_DEPTH, MAX_TRUST_FILE_BYTES
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonValue

_STR: Final = "tag:yaml.org,2002:str"
_WORDS: Final[dict[tuple[str, str], JsonValue]] = {
    ("tag:yaml.org,2002:null", ""): None,
    ("tag:yaml.org,2002:null", "~"): None,
    ("tag:yaml.org,2002:null", "null"): None,
    ("tag:yaml.org,2002:bool", "true"): True,
    ("tag:yaml.org,2002:bool", "false"): False,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A value in an operator's document. ``file`` and ``path`` are its place, such as ``spec.authorities[0].key``."""

    file: str
    path: str
    value: JsonValue

    @property
    def where(self) -> str:
        """The place in one text, for an error."""
        return f"{self.file}: {self.path}" if self.path else self.file

    def refuse(self, reason: str) -> NoReturn:
        """Raise `TrustPolicyInvalid` for this place."""
        raise TrustPolicyInvalid(self.where, reason)

    def has(self, name: str) -> bool:
        """Return whether this object has the member ``name``."""
        return isinstance(self.value, dict) and name in self.value

    def member(self, name: str) -> "Field":
        """Return the member ``name``; a missing one is refused at the place where it should be."""
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        field = Field(self.file, f"{self.path}.{name}" if self.path else name, self.value.get(name))
        if name not in self.value:
            field.refuse("is missing")
        return field

    def known(self, names: AbstractSet[str], *, unsupported: AbstractSet[str] = frozenset()) -> None:
        """Raise `TrustPolicyInvalid` unless this is an object with members from ``names`` alone.

        ``unsupported`` are members that mean something elsewhere: to skip one would be to drop a condition.
        """
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        for name in self.value:
            if name in unsupported:
                self.member(name).refuse("is not supported: nothing here would check it")
            if name not in names:
                self.member(name).refuse(f"is unknown; known are {', '.join(sorted(names))}")

    def text(self) -> str:
        """Return this string; an empty one is refused."""
        if not isinstance(self.value, str) or not self.value:
            self.refuse("is not a non-empty string")
        return self.value

    def one_of(self, *words: str) -> str:
        """Return this string, which is one of ``words``."""
        text = self.text()
        if text not in words:
            self.refuse(f"is not one of {', '.join(words)}")
        return text

    def items(self) -> Iterator["Field"]:
        """Return the entries of this array, which is not empty: an empty list of anything would allow or ask nothing."""
        if not isinstance(self.value, list) or not self.value:
            self.refuse("is not a non-empty array")
        return (Field(self.file, f"{self.path}[{number}]", entry) for number, entry in enumerate(self.value))


def read(file: str, content: bytes) -> tuple[Field, ...]:
    """Return the documents in ``content``, at least one. Raises `TrustPolicyInvalid`.

    A name in ``.json`` is read as one JSON document, anything else as YAML.
    """
    if len(content) > MAX_TRUST_FILE_BYTES:
        raise TrustPolicyInvalid(file, f"larger than {MAX_TRUST_FILE_BYTES} bytes")
    if file.endswith(".json"):
        try:
            return (Field(file, "", strict_json.parse(content, max_bytes=MAX_TRUST_FILE_BYTES)),)
        except DocumentInvalid as invalid:
            raise TrustPolicyInvalid(file, invalid.message) from None
    try:
        text = content.decode("utf-8")
        _check_plain(file, text)
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except UnicodeDecodeError:
        raise TrustPolicyInvalid(file, "not UTF-8") from None
    except yaml.YAMLError as error:
        raise TrustPolicyInvalid(file, f"not YAML: {' '.join(str(error).split())}") from None
    if not nodes:
        raise TrustPolicyInvalid(file, "there is no document in it")
    names = [file] if len(nodes) == 1 else [f"{file} (document {number})" for number in range(1, len(nodes) + 1)]
    return tuple(Field(name, "", _value(Field(name, "", None), node)) for name, node in zip(names, nodes, strict=True))


def _check_plain(file: str, text: str) -> None:
    """Raise `TrustPolicyInvalid` for what makes YAML hard to read. The parser does not recurse; the composer does."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        place = file if event.start_mark is None else f"{file} (line {event.start_mark.line + 1})"
        if isinstance(event, AliasEvent):
            raise TrustPolicyInvalid(place, "an alias: write the value out")
        if isinstance(event, NodeEvent) and event.anchor is not None:
            raise TrustPolicyInvalid(place, "an anchor: write the value out")
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            raise TrustPolicyInvalid(place, "a type tag")
        if isinstance(event, DocumentStartEvent) and (event.tags or event.version):
            raise TrustPolicyInvalid(place, "a YAML directive")
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth > MAX_TRUST_DEPTH:
                raise TrustPolicyInvalid(place, f"nested deeper than {MAX_TRUST_DEPTH}")
        elif isinstance(event, CollectionEndEvent):
            depth -= 1


def _value(place: Field, node: Node) -> JsonValue:
    if isinstance(node, MappingNode):
        members: dict[str, JsonValue] = {}
        for key, member in node.value:
            name = _name(place, key)
            inner = Field(place.file, f"{place.path}.{name}" if place.path else name, None)
            if name in members:
                inner.refuse("is there twice")
            members[name] = _value(inner, member)
        return members
    if isinstance(node, SequenceNode):
        return [
            _value(Field(place.file, f"{place.path}[{number}]", None), entry) for number, entry in enumerate(node.value)
        ]
    return _scalar(place, node)


def _name(place: Field, key: Node) -> str:
    if not isinstance(key, ScalarNode) or key.tag != _STR:
        place.refuse("has a key that is not a plain word (quote it)")
    return str(key.value)


def _scalar(place: Field, node: Node) -> JsonValue:
    text = str(node.value)
    if node.tag == _STR:
        return text
    if (node.tag, text) not in _WORDS:
        # `yes`, `on`, `1.10`, `2026-01-01`: YAML and its reader would not mean the same.
        place.refuse(f"{text[:40]!r} is not a string to YAML: quote it")
    return _WORDS[(node.tag, text)]
