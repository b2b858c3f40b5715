"""A piece of evidence that is being mutated, and the two ways to change its bytes.

Pure: no I/O; randomness is passed in.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.oci.digest import Digest
from tests.support import evidence as made


@dataclass(slots=True)
class Draft:
    """A piece of evidence being mutated: its manifest as a document, and the bytes of config and layers apart."""

    manifest: dict[str, Any]
    config: bytes
    layers: list[bytes]
    tag: str | None
    raw: bytes | None = None
    honest_names: bool = True

    @classmethod
    def of(cls, evidence: made.Evidence) -> "Draft":
        """Return the draft that is ``evidence`` unchanged."""
        manifest = json.loads(evidence.manifest)
        config = evidence.blobs[manifest["config"]["digest"]]
        return cls(manifest, config, [evidence.blobs[layer["digest"]] for layer in manifest["layers"]], evidence.tag)

    def finish(self) -> made.Evidence:
        """Return the evidence. With ``honest_names`` the descriptors are those of the bytes, so that these are read."""
        if self.honest_names:
            for layer, content in zip(self.manifest.get("layers", ()), self.layers, strict=False):
                if isinstance(layer, dict):
                    layer["digest"], layer["size"] = str(Digest.of(content)), len(content)
            self._name_layers()
        raw = made.go_json(self.manifest) if self.raw is None else self.raw
        names = [layer.get("digest") if isinstance(layer, dict) else None for layer in self.manifest.get("layers", ())]
        blobs = {name: content for name, content in zip(names, self.layers, strict=False) if isinstance(name, str)}
        blobs[str(Digest.of(self.config))] = self.config
        return made.Evidence(raw, blobs, self.tag)

    def _name_layers(self) -> None:
        """Let the config, where it is not the empty one, name the layers: else nothing would be read because of it."""
        config = self.manifest.get("config")
        if self.config == b"{}" or not isinstance(config, dict):
            return
        self.config = made.classic_config([str(Digest.of(content)) for content in self.layers])
        config["digest"], config["size"] = str(Digest.of(self.config)), len(self.config)


def damage(source: random.Random, content: bytes) -> bytes:
    """Return ``content`` with some bytes flipped, dropped, doubled, set or cut."""
    damaged = bytearray(content or b"\0")
    for _ in range(source.choice((1, 1, 1, 2, 8))):
        place = source.randrange(len(damaged))
        match source.randrange(5):
            case 0:
                damaged[place] ^= 1 << source.randrange(8)
            case 1:
                damaged[place] = source.choice(b'\0 "{}[]:,\\0aAfF/+=')
            case 2:
                damaged[place:place] = damaged[place : place + source.randrange(1, 9)]
            case 3 if len(damaged) > 8:
                del damaged[place : place + source.randrange(1, 4)]
            case _:
                damaged[place:] = damaged[place:] if source.randrange(4) else b"\0"
    return bytes(damaged)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return every (container, key) in a document."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


def rearrange(source: random.Random, document: Any) -> None:
    """Change a document in one place: drop, retype, respell, exchange, move a digest."""
    places = list(_places(document))
    if not places:
        return
    container, key = source.choice(places)
    value = container[key]
    match source.randrange(7):
        case 0:
            del container[key]
        case 1:
            container[key] = source.choice((None, True, 0, -1, "", [], {}, [value], {"x": value}))
        case 2 if isinstance(container, dict):
            container[source.choice((str(key).upper(), str(key).title(), f"{key} ", f"{key}\0"))] = value
        case 3:
            other, place = source.choice(places)
            container[key] = json.loads(json.dumps(other.get(place) if isinstance(other, dict) else None))
        case 4 if isinstance(value, str):
            swapped = {made.SUBJECT[7:]: made.OTHER_SUBJECT[7:], made.OTHER_SUBJECT[7:]: made.SUBJECT[7:]}
            for old, new in swapped.items():
                if old in value:
                    container[key] = value.replace(old, new)
                    break
            else:
                container[key] = source.choice((value.upper(), value + "/", value[:-1], f" {value}"))
        case 5 if isinstance(value, list) and value:
            value.insert(source.randrange(len(value) + 1), source.choice(value))
        case _:
            container[key] = source.choice(
                (made.SPDX, made.COSIGN_SIGN, made.SUBJECT, made.OTHER_SUBJECT, made.IN_TOTO)
            )


def loose_json(content: bytes) -> Any:
    """Return the document in ``content``, {} where there is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return {}
