"""The policy input: a secret is nowhere in it, whatever field it was written into, and its place is named."""

import dataclasses
import json
from typing import Final

from gateway.access.values import Mode, ProjectFacts, Visibility
from gateway.admission.document import Question, Who, describe, document
from gateway.admission.parts import parts
from gateway.admission.values import Trigger, TriggerKind
from gateway.evidence.values import (
    EvidenceFormat,
    EvidenceReport,
    SignerIdentity,
    TrustStaticPass,
    Verified,
)
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import canonical
from gateway.policy.document import PolicyInput, check
from gateway.policy.pack import shipped_revision
from gateway.policy.schema import Schema
from tests.support.admission import OPERATOR, REPOSITORY
from tests.support.oci import LAYER_TYPE, Json, descriptor, encode, image, index

CANARY: Final = "ghp_" + "C4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n4ry"
SUBJECT: Final = Digest.of(b"subject")
VERIFIED: Final = Verified(
    evidence=Digest.of(b"evidence"),
    layer=Digest.of(b"layer"),
    signed=Digest.of(b"layer"),
    format=EvidenceFormat.COSIGN_SIGNATURE,
    signer=SignerIdentity("key:sha256:" + "0" * 64, "release"),
    authority="release",
    policy="images",
    predicate_type=None,
    statement=None,
    annotations={},
    first_seen=1,
)
CONFIG: Final[Json] = {
    "os": CANARY,
    "architecture": CANARY,
    "variant": CANARY,
    "created": CANARY,
    "config": {
        "User": CANARY,
        "Env": [f"A={CANARY}", f"{CANARY}=1"],
        "Labels": {"l": CANARY, CANARY: "1"},
        "Entrypoint": [CANARY],
        "Cmd": ["-x", CANARY],
        "ExposedPorts": {"80/tcp": {"x": CANARY}, CANARY: {}},
        "Healthcheck": {"Test": ["CMD", CANARY]},
        "OnBuild": [f"ENV A={CANARY}"],
        "Shell": ["sh", CANARY],
        "WorkingDir": f"/{CANARY}",
        "StopSignal": CANARY,
        "Volumes": {f"/{CANARY}": {}},
        "Own": {CANARY: [{"x": CANARY}]},
    },
    "container_config": {"Env": [f"A={CANARY}"], "Labels": {"l": CANARY}},
    "author": CANARY,
    "rootfs": {"type": "layers", "diff_ids": [CANARY]},
    "history": [{"created_by": CANARY}, {"author": CANARY, "created": CANARY}],
}


def asked(manifests: list[Manifest], configs: dict[Digest, bytes], *verified: Verified) -> JsonObject:
    """Return the input about these manifests, checked against the shipped schema."""
    written = document(
        Question(
            registry="registry.example.test",
            project=ProjectFacts(1, "team", Mode.HOLD, Visibility.PRIVATE, 0, False, 1, 1, 1, 604_800),
            repository=REPOSITORY,
            trigger=Trigger(TriggerKind.PUSH, OPERATOR.id),
            who=Who(OPERATOR, {}),
            described=describe(parts(manifests, configs), EvidenceReport(verified, ()), TrustStaticPass("images")),
            tag=None,
            now=1,
        )
    )
    made = written.value
    assert written.encoded == canonical.encode(made)
    assert isinstance(check(made, Schema.compile(shipped_revision().schema)), PolicyInput)
    return made


def subjects(made: JsonObject) -> list[dict[str, JsonValue]]:
    listed = made["subjects"]
    assert isinstance(listed, list)
    return [one for one in listed if isinstance(one, dict)]


def places(subject: dict[str, JsonValue]) -> set[str]:
    found = subject["secret_findings"]
    assert isinstance(found, list)
    assert all(isinstance(one, dict) and one["detector"] == "github-token" for one in found)
    return {str(one["where"]) for one in found if isinstance(one, dict)}


def test_a_secret_in_any_field_of_an_image_is_masked_and_its_place_named() -> None:
    config = encode(CONFIG)
    noted = {"annotations": {"n": CANARY}}
    child = Manifest.parse(
        encode(
            image(
                config=descriptor(config, media_type=media_types.OCI_CONFIG, **noted),
                layers=[
                    descriptor(b"0", media_type=LAYER_TYPE, **noted),
                    descriptor(b"1", media_type=f"application/{CANARY}", annotations={CANARY: "1"}),
                ],
                subject=descriptor(b"s", media_type=media_types.OCI_MANIFEST, **noted),
                artifactType=f"application/{CANARY}",
                annotations={"a": CANARY},
            )
        ),
        content_type=media_types.OCI_MANIFEST,
    )
    platform = {"os": CANARY, "architecture": CANARY, "variant": CANARY}
    entry = descriptor(child.raw, media_type=media_types.OCI_MANIFEST, platform=platform, **noted)
    root = Manifest.parse(
        encode(index(entry, artifactType=f"application/x.{CANARY}", annotations={"a": CANARY})),
        content_type=media_types.OCI_INDEX,
    )
    made = asked([root, child], {Digest.of(config): config})
    assert CANARY not in json.dumps(made)
    above, below = subjects(made)
    assert places(above) == {"artifactType", "annotation:a", "manifests[0].annotation:n"}
    assert places(below) == {
        *("os", "architecture", "variant", "created", "user"),
        *("platform.os", "platform.architecture", "platform.variant"),
        *("env:A", "env", "label:l", "label", "entrypoint:0", "cmd:1", "exposed-port:1", "history:0"),
        *("artifactType", "annotation:a", "config.annotation:n", "subject.annotation:n"),
        *("layers[0].annotation:n", "layers[1].annotation", "layers[1].mediaType"),
        *(f"{kind}:[masked: github-token]" for kind in ("env", "label", "layers[1].annotation")),
        *("config.ExposedPorts[0].#0", "config.Healthcheck.Test[1]", "config.OnBuild[0]", "config.Shell[1]"),
        *("config.WorkingDir", "config.StopSignal", "config.Volumes", "config.#6"),
        "config.#6.#0[0].#0",
        *("container_config.Env[0]", "container_config.Labels.#0", "author", "rootfs.diff_ids[0]"),
        *("history[1].author", "history[1].created"),
    }


def test_an_image_without_an_index_shows_its_configs_platform_masked() -> None:
    config = encode({"os": "linux", "architecture": CANARY})
    manifest = Manifest.parse(
        encode(image(config=descriptor(config, media_type=media_types.OCI_CONFIG))),
        content_type=media_types.OCI_MANIFEST,
    )
    (subject,) = subjects(asked([manifest], {Digest.of(config): config}))
    masked = "[masked: github-token]"
    assert subject["platform"] == {"os": "linux", "architecture": masked, "variant": None}
    assert places(subject) == {"architecture"}


def test_what_a_signer_says_is_masked_and_denies_nothing() -> None:
    said: JsonObject = {
        "a": CANARY,
        CANARY: "x",
        CANARY + "y": 1,
        "ok": "yes",
        "n": 7,
        "b": True,
        "none": None,
        "l": [],
    }
    plain = Manifest.parse(
        encode(image(config=descriptor(), layers=[])),
        content_type=media_types.OCI_MANIFEST,
    )
    attested = dataclasses.replace(
        VERIFIED, signed=Digest.of(b"attestation"), predicate_type=f"https://example.test/{CANARY}"
    )
    made = asked([plain], {}, dataclasses.replace(VERIFIED, annotations=said), attested)
    assert CANARY not in json.dumps(made)
    evidence = made["evidence"]
    assert isinstance(evidence, dict)
    assert isinstance(evidence["verified"], list)
    first, second = evidence["verified"]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    masked = "[masked: github-token]"
    assert first["annotations"] == {
        "a": masked, "ok": "yes", "n": 7, "b": True, "none": None, masked: masked, f"{masked} 2": masked,
    }  # fmt: skip
    assert second["predicate_type"] == masked
    assert [places(subject) for subject in subjects(made)] == [set()]
