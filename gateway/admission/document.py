"""The policy input: who, where, what, what is proven; a bounded projection of it all.

Every text that an image's or a signature's maker chose is masked where a secret detector matches it, before it enters:
inputs are stored and sent to OPA. What is left out for its size is named in ``truncated``.

Pure: no I/O, no third-party import.
Source: DESIGN 7; `gateway.policy` owns the schema.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.access.values import ProjectFacts
from gateway.admission import proof
from gateway.admission.parts import Part, TooMuch
from gateway.admission.projection import EVIDENCE_NOTES_BYTES, MAX_TEXT_CHARS, Projection, first_items, first_texts
from gateway.admission.values import Trigger
from gateway.catalog.world import TagFacts
from gateway.evidence.values import EvidenceReport, TrustVerdict
from gateway.identity.values import Principal
from gateway.oci.config import ImageConfig
from gateway.oci.descriptor import Platform
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import canonical
from gateway.policy.budget import Budget
from gateway.policy.document import MAX_INPUT_BYTES
from gateway.policy.secrets import Masked, mask, merged

API_VERSION: Final = "registry-gateway/admission/v1"

QUESTION_BYTES: Final = 36 * 1024
"""What `document` adds at most: 64 claims, names and values of 256 plain characters, and some names. What a signer
says must leave it room, whoever asks: an input that is too large lets nobody's signature count."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whose manifest or tag it is: the principal, and its verified claims as they were."""

    principal: Principal
    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Described:
    """What every decision about one image says alike: the image and what is proven of it. ``spelt`` is canonical JSON."""

    digest: Digest
    members: JsonObject
    spelt: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a document is made of. ``tag`` is None in the manifest decision."""

    registry: str
    project: ProjectFacts
    repository: RepositoryName
    trigger: Trigger
    who: Who
    described: Described
    tag: TagFacts | None
    now: int


@dataclass(frozen=True, slots=True)
class Document:
    """An input document, and its canonical JSON."""

    value: JsonObject
    encoded: bytes


def describe(parts: tuple[Part, ...], report: EvidenceReport, trust: TrustVerdict) -> Described:
    """Return the members that are about the image.

    Raises `PolicyInvalid` for what has no canonical spelling, and `TooMuch` where not all of it could be searched for
    secrets: what is masked unread hides from every rule, and a rule's level must not decide whether that matters.
    """
    projection = Projection()
    root = parts[0]
    masking = _Masking()
    subjects = [_subject(part, masking, projection) for part in parts]
    if masking.spent:
        raise TooMuch("its texts are more, or more of them could be secrets, than are searched for one decision")
    members: JsonObject = {
        "what": {
            "digest": str(root.manifest.digest),
            "media_type": root.manifest.media_type,
            "kind": "index" if root.kind == "index" else "image" if root.kind == "image" else "artifact",
            "artifact_type": subjects[0]["artifact_type"],
            "size": len(root.manifest.raw),
            "subject": None if root.manifest.subject is None else str(root.manifest.subject.digest),
        },
        "subjects": list[JsonValue](subjects),
        "closure": "complete",
        "trust": proof.trust(trust),
    }
    spelt = canonical.members(members)
    own = sum(map(len, spelt.values())) + len(canonical.encode(list[JsonValue](projection.truncated)))
    room = MAX_INPUT_BYTES - QUESTION_BYTES - EVIDENCE_NOTES_BYTES - own
    proven: JsonObject = {
        "evidence": proof.evidence(report, trust, projection, room_bytes=room),
        "truncated": list[JsonValue](projection.truncated),
    }
    return Described(root.manifest.digest, members | proven, spelt | canonical.members(proven))


def document(question: Question) -> Document:
    """Return the input document of ``question``. Raises `PolicyInvalid` for what has no canonical spelling."""
    described = question.described
    members: JsonObject = {
        "api_version": API_VERSION,
        "decision": "manifest" if question.tag is None else "tag",
        "time": question.now,
        "trigger": {"kind": question.trigger.kind.value, "principal": question.trigger.principal},
        "who": {
            "id": question.who.principal.id,
            "kind": question.who.principal.kind.value,
            "name": question.who.principal.name,
            "claims": dict(question.who.claims),
        },
        "where": {
            "registry": question.registry,
            "project": question.project.name,
            "repository": question.repository.text,
            "mode": question.project.mode.value,
        },
        "tag": None if question.tag is None else _tag(question.tag, described.digest),
    }
    return Document(members | described.members, canonical.joined(described.spelt | canonical.members(members)))


def _tag(facts: TagFacts, digest: Digest) -> JsonObject:
    return {
        "name": facts.tag.text,
        "target": None if facts.target is None else str(facts.target),
        "target_is_this": facts.target == digest,
    }


class _Masking:
    """The texts of one description, masked: every part on one budget, and a config that several share once."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._configs: dict[Digest, Masked] = {}

    @property
    def spent(self) -> bool:
        """Whether something was left unread."""
        return self._budget.spent

    def manifest(self, part: Part) -> Masked:
        """Return what is said beside the config. Descriptors' annotations enter no input, and are searched."""
        manifest = part.manifest
        texts = {
            "artifactType": manifest.declared_type,
            **_platform(part.platform, "platform."),
            **{f"layers[{number}].mediaType": layer.media_type for number, layer in enumerate(manifest.layers)},
        }
        descriptors = {f"layers[{number}]": layer for number, layer in enumerate(manifest.layers)}
        descriptors |= {f"manifests[{number}]": entry for number, entry in enumerate(manifest.manifests)}
        descriptors |= {name: one for name, one in (("config", manifest.config), ("subject", manifest.subject)) if one}
        return mask(
            annotations=manifest.annotations,
            texts={name: text for name, text in texts.items() if text is not None},
            descriptors={place: descriptor.annotations for place, descriptor in descriptors.items()},
            budget=self._budget,
        )

    def config(self, part: Part) -> Masked | None:
        """Return what the part's config says, cut to what an input holds of it; what nobody judges is searched."""
        config, descriptor = part.config, part.manifest.config
        if config is None or descriptor is None:
            return None
        if descriptor.digest not in self._configs:
            texts = {**_platform(config, ""), "user": config.user, "created": config.created}
            masked = mask(
                env=config.env,
                labels=config.labels,
                history=config.history,
                entrypoint=config.entrypoint,
                cmd=config.cmd,
                exposed_ports=config.exposed_ports,
                texts={name: text for name, text in texts.items() if text is not None},
                rest=config.rest,
                budget=self._budget,
            )
            self._configs[descriptor.digest] = replace(
                masked,
                env=first_items(masked.env),
                labels=first_texts(masked.labels),
                entrypoint=first_items(masked.entrypoint),
                cmd=first_items(masked.cmd),
                exposed_ports=first_items(masked.exposed_ports),
            )
        return self._configs[descriptor.digest]


def _subject(part: Part, masking: _Masking, projection: Projection) -> JsonObject:
    manifest = part.manifest
    masked, configured = masking.manifest(part), masking.config(part)
    found = merged(masked.findings, () if configured is None else configured.findings)
    layers: list[JsonValue] = [
        {
            "digest": str(layer.digest),
            "size": layer.size,
            "media_type": masked.texts[f"layers[{number}].mediaType"],
            "foreign": layer.foreign,
        }
        for number, layer in enumerate(manifest.layers)
    ]
    where = f"subjects[{manifest.digest}]"
    said, origin = (masked, "platform.") if part.platform is not None else (configured, "")
    return {
        "digest": str(manifest.digest),
        "root": part.root,
        "media_type": manifest.media_type,
        "kind": part.kind,
        "artifact_type": masked.texts.get("artifactType"),
        "platform": None
        if said is None
        else {
            "os": said.texts.get(f"{origin}os", ""),
            "architecture": said.texts.get(f"{origin}architecture", ""),
            "variant": said.texts.get(f"{origin}variant"),
        },
        "annotations": projection.texts(masked.annotations, f"{where}.annotations"),
        "layers": layers,
        "size": sum(layer.size for layer in manifest.layers) + (0 if manifest.config is None else manifest.config.size),
        "config": None if configured is None else _config(configured, f"{where}.config", projection),
        "secret_findings": [{"detector": finding.detector, "where": finding.where} for finding in found],
    }


def _platform(source: Platform | ImageConfig | None, prefix: str) -> dict[str, str | None]:
    if source is None:
        return {}
    named = {"os": source.os, "architecture": source.architecture, "variant": source.variant}
    return {f"{prefix}{name}": text for name, text in named.items()}


def _config(masked: Masked, where: str, projection: Projection) -> JsonObject:
    created = masked.texts.get("created")
    return {
        "user": masked.texts["user"][:MAX_TEXT_CHARS],
        "env": projection.items(masked.env, f"{where}.env"),
        "labels": projection.texts(masked.labels, f"{where}.labels"),
        "entrypoint": projection.items(masked.entrypoint, f"{where}.entrypoint"),
        "cmd": projection.items(masked.cmd, f"{where}.cmd"),
        "exposed_ports": projection.items(masked.exposed_ports, f"{where}.exposed_ports"),
        "os": masked.texts.get("os", ""),
        "architecture": masked.texts.get("architecture", ""),
        "created": None if created is None else created[:MAX_TEXT_CHARS],
    }
