"""Image configs: what an image would run as, and how it was made.

A projection, for judging. Members that are judged have one spelling and one type, since a runtime reads the same
document (see `gateway.oci.members`); all others are kept as they are, to be searched for secrets and for nothing else.
The values can hold secrets: nothing here is ever logged, and `ImageConfig` does not print them.

Pure: no I/O, no third-party import.
Source: OCI image-spec v1.1, config.md; Docker "Image Specification v1.2" (the same document).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from gateway.errors import DocumentInvalid, ManifestInvalid
from gateway.oci import media_types, members, strict_json
from gateway.oci.manifest import Manifest
from gateway.oci.strict_json import JsonObject, JsonValue

MAX_CONFIG_BYTES: Final = 4 * 1024 * 1024
"""As for manifests (DESIGN 11): real configs are a few KiB, and the document is held in memory."""

_WHERE: Final = "image config"
_RUN_WHERE: Final = "image config.config"
_TEXTS: Final = ("os", "architecture", "variant", "created")
_KNOWN: Final = members.Names.of(*_TEXTS, "config", "history", "rootfs")
_KNOWN_RUN: Final = members.Names.of("User", "Env", "Labels", "Entrypoint", "Cmd", "ExposedPorts")
_INSTRUCTION: Final = ("created_by", "comment")
_KNOWN_HISTORY: Final = members.Names.of(*_INSTRUCTION)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What is judged of an image config. Absent is None for a name, empty for ``user`` and the lists.

    ``user`` is the writer's text (``""`` is root). ``history`` holds every ``created_by`` and ``comment`` that is not
    empty, in order: the instructions that made the image, with whatever secret was typed into them. ``rest`` is the
    document without all of those: what nobody judges, of whatever type.
    """

    os: str | None
    architecture: str | None
    variant: str | None
    created: str | None
    user: str
    env: tuple[str, ...] = field(repr=False)
    labels: Mapping[str, str] = field(repr=False, hash=False)
    entrypoint: tuple[str, ...] = field(repr=False)
    cmd: tuple[str, ...] = field(repr=False)
    exposed_ports: tuple[str, ...]
    history: tuple[str, ...] = field(repr=False)
    rest: JsonObject = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def parse(cls, raw: bytes, *, max_bytes: int = MAX_CONFIG_BYTES) -> Self:
        """Return the config that ``raw`` is. Raises `ManifestInvalid`, also for bytes that are not one JSON document.

        The lenient half: a config without a platform, or without the part that says what to run, is still a config.
        """
        try:
            document = strict_json.parse_object(raw, max_bytes=max_bytes)
        except DocumentInvalid as error:
            raise ManifestInvalid(error.reason, field=_WHERE) from None
        members.check_spelling(document, known=_KNOWN, field=_WHERE)
        run = _run(document)
        return cls(
            os=members.optional_text(document, "os", field=_WHERE),
            architecture=members.optional_text(document, "architecture", field=_WHERE),
            variant=members.optional_text(document, "variant", field=_WHERE),
            created=members.optional_text(document, "created", field=_WHERE),
            user=members.optional_text(run, "User", field=_RUN_WHERE) or "",
            env=members.texts(run, "Env", field=_RUN_WHERE),
            labels=members.text_map(run, "Labels", field=_RUN_WHERE),
            entrypoint=members.texts(run, "Entrypoint", field=_RUN_WHERE),
            cmd=members.texts(run, "Cmd", field=_RUN_WHERE),
            exposed_ports=_ports(run),
            history=_history(document),
            rest=_rest(document, run),
        )


def _rest(document: JsonObject, run: JsonObject) -> JsonObject:
    """Return what of ``document`` is in no other field of its `ImageConfig`; empty parts are left out."""
    rest = _without(document, (*_TEXTS, "config", "history"))
    inside = _without(run, _KNOWN_RUN.exact)
    ports = run.get("ExposedPorts")
    if isinstance(ports, dict) and any(ports.values()):
        inside["ExposedPorts"] = list(ports.values())
    if inside:
        rest["config"] = inside
    entries = members.items(document, "history", field=_WHERE)
    history: list[JsonValue] = [_without(entry, _INSTRUCTION) for entry in entries if isinstance(entry, dict)]
    if any(history):
        rest["history"] = history
    return rest


def _without(value: JsonObject, names: Collection[str]) -> JsonObject:
    return {name: member for name, member in value.items() if name not in names}


def is_attestation_child(manifest: Manifest, config: ImageConfig) -> bool:
    """Return whether ``manifest``, whose config is ``config``, is what BuildKit puts beside an image to describe it.

    Known by content, since it is pushed before the index that annotates it: a platform that nothing runs on, and
    in-toto statements for layers, all of them. An image that only says ``unknown`` is an image.
    """
    return (
        config.os == config.architecture == "unknown"
        and bool(manifest.layers)
        and all(layer.media_type == media_types.IN_TOTO for layer in manifest.layers)
    )


def _run(document: JsonObject) -> JsonObject:
    run = document.get("config")
    if run is None:
        return {}
    found = members.obj(run, field=_RUN_WHERE)
    members.check_spelling(found, known=_KNOWN_RUN, field=_RUN_WHERE)
    return found


def _ports(run: JsonObject) -> tuple[str, ...]:
    """Return the keys of Go's set: a map from ``80/tcp`` to an empty object that nobody reads."""
    ports = run.get("ExposedPorts")
    return () if ports is None else tuple(members.obj(ports, field=f"{_RUN_WHERE}.ExposedPorts"))


def _history(document: JsonObject) -> tuple[str, ...]:
    found: list[str] = []
    for number, item in enumerate(members.items(document, "history", field=_WHERE)):
        where = f"{_WHERE}.history[{number}]"
        entry = members.obj(item, field=where)
        members.check_spelling(entry, known=_KNOWN_HISTORY, field=where)
        found += [text for name in _INSTRUCTION if (text := members.optional_text(entry, name, field=where))]
    return tuple(found)
