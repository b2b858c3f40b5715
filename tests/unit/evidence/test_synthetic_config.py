"""The config of evidence says nothing but which layers are in the manifest, and when it was made."""

import json
from typing import Any, Final

import pytest

from gateway.evidence import synthetic_config
from gateway.evidence.limits import MAX_EVIDENCE_CONFIG_BYTES
from gateway.evidence.values import Refused, RejectionCode
from tests.support import evidence as made
from tests.support.images import image

SIGNATURE: Final = made.signed_classic(made.signer(), made.signer(seed=1))
MANIFEST: Final = SIGNATURE.object().manifest
LAYERS: Final = [str(layer.digest) for layer in MANIFEST.layers]
COSIGN: Final = json.loads(SIGNATURE.blobs[json.loads(SIGNATURE.manifest)["config"]["digest"]])
SKOPEO: Final = {"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": LAYERS}}


def changed(**more: Any) -> bytes:
    return made.go_json({**COSIGN, **more})


def rootfs(*layers: Any, **more: Any) -> bytes:
    return changed(rootfs={"type": "layers", "diff_ids": layers, **more})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"{}", id="empty"),
        pytest.param(made.go_json(COSIGN), id="cosign"),
        pytest.param(made.go_json(SKOPEO), id="skopeo"),
        pytest.param(changed(created="2026-01-02T03:04:05Z"), id="cosign-record-creation-timestamp"),
        pytest.param(changed(created="2026-01-02T03:04:05.123456789+01:00"), id="nanoseconds"),
        pytest.param(rootfs(LAYERS[0]), id="added-to-an-empty-one"),
        pytest.param(rootfs(LAYERS[0], type=""), id="added-to-an-empty-one-by-skopeo"),
    ],
)
def test_check_takes(content: bytes) -> None:
    synthetic_config.check(content, MANIFEST)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(image("app").blobs[0].content, "other members|one of an image", id="of-an-image"),
        pytest.param(b"\x1f\x8b\x08", "not UTF-8", id="gzip"),
        pytest.param(b"[]", "the config", id="array"),
        pytest.param(changed(author="me"), "other members", id="author"),
        pytest.param(changed(architecture="amd64"), "one of an image", id="architecture"),
        pytest.param(changed(os="linux"), "one of an image", id="os"),
        pytest.param(changed(config={"Env": ["PASSWORD=x"]}), "one of an image", id="config"),
        pytest.param(changed(config=None), "one of an image", id="null-config"),
        pytest.param(changed(rootfs=None), "rootfs is not an object", id="no-rootfs"),
        pytest.param(rootfs(LAYERS[0], more=1), "rootfs has other members", id="more-in-rootfs"),
        pytest.param(rootfs(LAYERS[0], type="tar"), "rootfs names something else", id="type"),
        pytest.param(rootfs(made.OTHER_SUBJECT), "rootfs names something else", id="another-layer"),
        pytest.param(rootfs([LAYERS[0]]), "rootfs names something else", id="no-text"),
        pytest.param(rootfs(*LAYERS * 51), "diff_ids has more", id="many-layers"),
        pytest.param(changed(created="secret"), "created is not a time", id="created"),
        pytest.param(changed(created="2026-01-02T03:04:05Z\n"), "created is not a time", id="created-newline"),
        pytest.param(changed(created="2" * 41), "created is longer", id="created-long"),
        pytest.param(changed(history=[{"created": "x"}]), "created is not a time", id="history-created"),
        pytest.param(changed(history=[{"comment": "x"}]), "an entry of history has other", id="history-comment"),
        pytest.param(changed(history=[{}] * 101), "history has more", id="long-history"),
        pytest.param(b" " * (MAX_EVIDENCE_CONFIG_BYTES + 1), "larger than", id="large"),
    ],
)
def test_check_refuses(content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        synthetic_config.check(content, MANIFEST)
    assert caught.value.code in (RejectionCode.PAYLOAD_MALFORMED, RejectionCode.LIMIT_EXCEEDED)
