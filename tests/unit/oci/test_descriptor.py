"""Descriptors and platforms."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ManifestInvalid
from gateway.oci import media_types
from gateway.oci.descriptor import Descriptor, Platform
from gateway.oci.digest import Algorithm, Digest
from tests.support.oci import PROPERTY, Json, descriptor

DATA = base64.b64encode(b"{}").decode()


def parse(value: Any) -> Descriptor:
    return Descriptor.parse(value, field="here")


def test_every_member_is_read() -> None:
    parsed = parse(
        descriptor(
            annotations={"a": "b"},
            artifactType="application/x",
            urls=["https://example.com/x"],
            platform={"os": "windows", "architecture": "arm64", "variant": "v8", "os.version": "10.0", "x": 1},
            data=DATA,
            unknown={"kept": "in the bytes"},
        )
    )
    assert parsed == Descriptor(
        media_type=media_types.EMPTY,
        digest=Digest.of(b"{}"),
        size=2,
        annotations={"a": "b"},
        artifact_type="application/x",
        urls=("https://example.com/x",),
        platform=Platform(os="windows", architecture="arm64", variant="v8", os_version="10.0"),
        data=b"{}",
    )
    assert hash(parsed) == hash(parse(descriptor(**_as_members(parsed))))


def _as_members(parsed: Descriptor) -> Json:
    return {
        "artifactType": parsed.artifact_type,
        "urls": list(parsed.urls),
        "platform": {"os": "windows", "architecture": "arm64", "variant": "v8", "os.version": "10.0"},
        "data": DATA,
    }


@pytest.mark.parametrize("name", ["annotations", "artifactType", "urls", "platform", "data"])
def test_null_is_absent(name: str) -> None:
    parsed = parse({**descriptor(), name: None})
    assert parsed == parse(descriptor())
    assert (parsed.annotations, parsed.artifact_type, parsed.urls, parsed.platform, parsed.data) == (
        {},
        None,
        (),
        None,
        None,
    )


@pytest.mark.parametrize(
    ("more", "field", "reason"),
    [
        pytest.param({"mediaType": None}, "here.mediaType", "is missing", id="no-media-type"),
        pytest.param({"mediaType": 1}, "here.mediaType", "must be a string", id="media-type-number"),
        pytest.param({"mediaType": ""}, "here.mediaType", "is not a media type", id="media-type-empty"),
        pytest.param({"mediaType": "a/b; c=d"}, "here.mediaType", "is not a media type", id="media-type-parameter"),
        pytest.param({"MediaType": "a/b"}, "here.MediaType", "some clients read 'MediaType' as 'mediaType'", id="case"),
        pytest.param({"digest": None}, "here.digest", "is missing", id="no-digest"),
        pytest.param({"digest": ["x"]}, "here.digest", "must be a string", id="digest-list"),
        pytest.param({"digest": "sha256:" + "A" * 64}, "here.digest", "malformed hex", id="digest-upper-case"),
        pytest.param({"digest": "sha256:../../x"}, "here.digest", "wrong length", id="digest-traversal"),
        pytest.param({"digest": "sha1:" + "a" * 40}, "here.digest", "unsupported algorithm", id="digest-weak"),
        pytest.param({"size": None}, "here.size", "must be an integer", id="no-size"),
        pytest.param({"size": "2"}, "here.size", "must be an integer", id="size-text"),
        pytest.param({"size": 2.0}, "here.size", "must be an integer", id="size-float"),
        pytest.param({"size": True}, "here.size", "must be an integer", id="size-bool"),
        pytest.param({"size": -1}, "here.size", "must be from 0 to 2^63 - 1", id="size-negative"),
        pytest.param({"size": 2**63}, "here.size", "must be from 0 to 2^63 - 1", id="size-over-int64"),
        pytest.param({"annotations": []}, "here.annotations", "must be an object", id="annotations-list"),
        pytest.param({"annotations": {"a": 1}}, "here.annotations[0]", "must be a string", id="annotation-number"),
        pytest.param({"annotations": {"a": None}}, "here.annotations[0]", "must be a string", id="annotation-null"),
        pytest.param({"urls": "https://x"}, "here.urls", "must be a list", id="urls-text"),
        pytest.param({"urls": ["https://x", 1]}, "here.urls[1]", "must be a string", id="url-number"),
        pytest.param({"artifactType": "x"}, "here.artifactType", "is not a media type", id="artifact-type"),
        pytest.param({"platform": "linux"}, "here.platform", "must be an object", id="platform-text"),
        pytest.param({"platform": {"os": "linux"}}, "here.platform.architecture", "is missing", id="no-architecture"),
        pytest.param({"platform": {"architecture": "x"}}, "here.platform.os", "is missing", id="no-os"),
        pytest.param(
            {"platform": {"os": "a", "architecture": "b", "variant": 8}},
            "here.platform.variant",
            "must be a string",
            id="variant-number",
        ),
        pytest.param(
            {"platform": {"os": "a", "architecture": "b", "OS": "c"}},
            "here.platform.OS",
            "some clients read 'OS' as 'os'",
            id="platform-case",
        ),
        pytest.param({"data": 1}, "here.data", "must be a string", id="data-number"),
        pytest.param({"data": "e30"}, "here.data", "is not base64", id="data-unpadded"),
        pytest.param({"data": "e3\n0="}, "here.data", "is not base64", id="data-newline"),
        pytest.param({"data": "é30="}, "here.data", "is not base64", id="data-not-ascii"),
        pytest.param({"data": ""}, "here.data", "is not of the descriptor's size", id="data-empty"),
        pytest.param({"data": "e30K"}, "here.data", "is not of the descriptor's size", id="data-long"),
        pytest.param({"data": "W10="}, "here.data", "is not the content that the digest names", id="data-other"),
    ],
)
def test_parse_refuses(more: Json, field: str, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse(descriptor(**more))
    assert (caught.value.field, caught.value.reason) == (field, reason)


@pytest.mark.parametrize(
    "value", [pytest.param(None, id="null"), pytest.param([], id="list"), pytest.param("x", id="text")]
)
def test_parse_wants_an_object(value: Any) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse(value)
    assert (caught.value.field, caught.value.reason) == ("here", "must be an object")


@PROPERTY
@given(st.binary(max_size=64), st.sampled_from(["sha256", "sha512"]))
def test_embedded_content_is_what_the_digest_names(content: bytes, algorithm: Algorithm) -> None:
    value = descriptor(content, digest=str(Digest.of(content, algorithm=algorithm)))
    parsed = parse({**value, "data": base64.b64encode(content).decode()})
    assert parsed.data == content
    assert parsed.digest.algorithm == algorithm


@PROPERTY
@given(st.integers(0, 2**63 - 1))
def test_any_int64_is_a_size(size: int) -> None:
    assert parse(descriptor(size=size)).size == size


@pytest.mark.parametrize("media_type", sorted(media_types.FOREIGN_LAYERS))
def test_layers_that_live_elsewhere_are_foreign(media_type: str) -> None:
    assert parse(descriptor(media_type=media_type)).foreign
    assert not parse(descriptor()).foreign
