"""Manifests: what is accepted, what is refused, and why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import DocumentInvalid, ManifestInvalid, ManifestTooLarge
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import MAX_INDEX_ENTRIES, MAX_MANIFEST_BYTES, Manifest, ManifestKind
from tests.support.oci import LAYER_TYPE, PROPERTY, Json, descriptor, encode, image, index

FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
NO_TYPE: Json = {"mediaType": None}


def parse(document: Any, *, content_type: str | None = None) -> Manifest:
    raw = document if isinstance(document, bytes) else encode(document)
    return Manifest.parse(raw, content_type=content_type or document["mediaType"], max_bytes=MAX_MANIFEST_BYTES)


def test_an_image_is_read() -> None:
    raw = encode(image(annotations={"a": "b"}, unknown=1))
    manifest = parse(raw, content_type=media_types.OCI_MANIFEST)
    assert (manifest.raw, manifest.digest) == (raw, Digest.of(raw))
    assert (manifest.kind, manifest.media_type) == (ManifestKind.IMAGE, media_types.OCI_MANIFEST)
    assert manifest.config is not None
    assert manifest.config.media_type == media_types.OCI_CONFIG
    assert [layer.media_type for layer in manifest.layers] == [LAYER_TYPE]
    assert (manifest.manifests, manifest.subject, manifest.artifact_type) == ((), None, None)
    assert manifest.annotations == {"a": "b"}
    assert manifest.declared_type == media_types.OCI_CONFIG
    assert "unknown" not in repr(manifest)
    assert hash(manifest) == hash(parse(raw, content_type=media_types.OCI_MANIFEST))


def test_an_index_is_read() -> None:
    entry = descriptor(b"child", media_type=media_types.OCI_MANIFEST, platform={"os": "linux", "architecture": "arm64"})
    manifest = parse(index(entry, subject=descriptor(media_type=media_types.OCI_MANIFEST)))
    assert (manifest.kind, manifest.config, manifest.layers) == (ManifestKind.INDEX, None, ())
    assert [child.digest for child in manifest.manifests] == [Digest.of(b"child")]
    assert manifest.subject is not None
    assert manifest.declared_type is None
    assert manifest.referenced_blobs == ()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(image(layers=[]), id="no-layers"),
        pytest.param(image(layers=None), id="null-layers"),
        pytest.param(index(), id="empty-index"),
        pytest.param(index(manifests=None), id="null-manifests"),
        pytest.param(index(descriptor(media_type=media_types.OCI_INDEX)), id="nested-index"),
        pytest.param(image(config=descriptor(), artifactType="application/x"), id="artifact"),
        pytest.param(image(config=descriptor()), id="artifact-without-artifact-type"),
        pytest.param(index(artifactType="application/x"), id="artifact-index"),
        pytest.param(image(config=descriptor(data="e30=")), id="data"),
        pytest.param(image(layers=[descriptor(media_type=FOREIGN, urls=["https://x"])]), id="foreign-layer"),
        pytest.param(image(layers=[descriptor(digest="sha512:" + "a" * 128)]), id="sha512"),
        pytest.param(image(layers=[descriptor(), descriptor()]), id="the-same-layer-twice"),
        pytest.param(image(subject=descriptor()), id="subject"),
        pytest.param(image(subject=None), id="null-subject"),
        pytest.param(image(**{"org.example.extra": {"a": [1]}}), id="unknown-member"),
        pytest.param(index(descriptor(media_type=LAYER_TYPE)), id="index-of-a-layer-as-buildkit-cache"),
        pytest.param(image(mediaType=media_types.DOCKER_MANIFEST), id="docker-schema-2"),
        pytest.param(index(mediaType=media_types.DOCKER_MANIFEST_LIST), id="docker-manifest-list"),
        pytest.param(image(annotations={f"k{n}": "v" * 10_000 for n in range(390)}), id="3.9-megabytes"),
        pytest.param(index(*[descriptor(b"%d" % n) for n in range(MAX_INDEX_ENTRIES)]), id="a-thousand-entries"),
    ],
)
def test_parse_accepts(document: Json) -> None:
    raw = encode(document)
    manifest = parse(document)
    assert manifest.raw == raw
    assert manifest.digest == Digest.of(raw)


@pytest.mark.parametrize("document", [pytest.param(image(), id="image"), pytest.param(index(), id="index")])
def test_oci_may_leave_the_media_type_out(document: Json) -> None:
    content_type = document.pop("mediaType")
    assert parse(document, content_type=content_type).media_type == content_type
    document["mediaType"] = None
    assert parse(document, content_type=content_type).media_type == content_type
    document["mediaType"] = content_type


@pytest.mark.parametrize(
    ("document", "content_type", "field", "reason"),
    [
        pytest.param(image(), "", "Content-Type", "with its media type", id="no-content-type"),
        pytest.param(
            image(), "application/json", "Content-Type", "is not the media type of a manifest", id="other-content-type"
        ),
        pytest.param(
            image(),
            media_types.OCI_MANIFEST + "; charset=utf-8",
            "Content-Type",
            "without parameters",
            id="content-type-parameter",
        ),
        pytest.param(image(), media_types.OCI_MANIFEST.upper(), "Content-Type", "exact", id="content-type-upper-case"),
        pytest.param(image(), media_types.OCI_INDEX, "mediaType", "is not the Content-Type", id="index-header"),
        pytest.param(image(), media_types.DOCKER_MANIFEST, "mediaType", "is not the Content-Type", id="docker-header"),
        pytest.param(index(), media_types.OCI_MANIFEST, "mediaType", "is not the Content-Type", id="image-header"),
        pytest.param(image(mediaType=1), media_types.OCI_MANIFEST, "mediaType", "must be a string", id="type-number"),
        pytest.param(image(**NO_TYPE), media_types.DOCKER_MANIFEST, "mediaType", "is missing", id="docker-needs-it"),
        pytest.param(index(**NO_TYPE), media_types.DOCKER_MANIFEST_LIST, "mediaType", "is missing", id="list-needs-it"),
        pytest.param(
            {"schemaVersion": 1, "fsLayers": []},
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "Content-Type",
            "Docker schema 1",
            id="schema-1-by-header",
        ),
        pytest.param(
            {"schemaVersion": 1}, media_types.OCI_MANIFEST, "Content-Type", "Docker schema 1", id="schema-1-by-version"
        ),
        pytest.param(image(fsLayers=[]), media_types.OCI_MANIFEST, "Content-Type", "Docker schema 1", id="fs-layers"),
        pytest.param(
            {"mediaType": media_types.OCI_ARTIFACT_MANIFEST},
            media_types.OCI_ARTIFACT_MANIFEST,
            "Content-Type",
            "withdrawn",
            id="oci-artifact-manifest",
        ),
        pytest.param(image(manifests=[]), media_types.OCI_MANIFEST, "manifests", "two readings", id="image-and-index"),
        pytest.param(image(manifests=None), media_types.OCI_MANIFEST, "manifests", "two readings", id="null-manifests"),
        pytest.param(image(blobs=[]), media_types.OCI_MANIFEST, "blobs", "two readings", id="image-and-artifact"),
        pytest.param(index(layers=[]), media_types.OCI_INDEX, "layers", "two readings", id="index-with-layers"),
        pytest.param(index(config={}), media_types.OCI_INDEX, "config", "two readings", id="index-with-config"),
        pytest.param(
            image(Manifests=[]), media_types.OCI_MANIFEST, "Manifests", "some clients read", id="manifests-in-disguise"
        ),
        pytest.param(
            {**image(), "layer\u017f": []}, media_types.OCI_MANIFEST, "layer\u017f", "some clients read", id="long-s"
        ),
        pytest.param(image(schemaVersion=3), media_types.OCI_MANIFEST, "schemaVersion", "the number 2", id="version-3"),
        pytest.param(
            image(schemaVersion="2"), media_types.OCI_MANIFEST, "schemaVersion", "number 2", id="version-text"
        ),
        pytest.param(
            image(schemaVersion=2.0), media_types.OCI_MANIFEST, "schemaVersion", "number 2", id="version-float"
        ),
        pytest.param(image(schemaVersion=None), media_types.OCI_MANIFEST, "schemaVersion", "number 2", id="no-version"),
        pytest.param(image(config=None), media_types.OCI_MANIFEST, "config", "must be an object", id="null-config"),
        pytest.param(image(layers={}), media_types.OCI_MANIFEST, "layers", "must be a list", id="layers-object"),
        pytest.param(image(layers=[1]), media_types.OCI_MANIFEST, "layers[0]", "must be an object", id="layer-number"),
        pytest.param(image(subject="x"), media_types.OCI_MANIFEST, "subject", "must be an object", id="subject-text"),
        pytest.param(
            image(artifactType="x"), media_types.OCI_MANIFEST, "artifactType", "is not a media type", id="artifact-type"
        ),
        pytest.param(
            image(annotations={"a": 1}),
            media_types.OCI_MANIFEST,
            "annotations[0]",
            "a string",
            id="annotation-number",
        ),
        pytest.param(
            image(layers=[descriptor(), descriptor(size=3)]), media_types.OCI_MANIFEST, "size", "two sizes", id="sizes"
        ),
        pytest.param(
            index(*[descriptor(b"%d" % n) for n in range(MAX_INDEX_ENTRIES + 1)]),
            media_types.OCI_INDEX,
            "manifests",
            "more than 1000 entries",
            id="index-too-long",
        ),
    ],
)
def test_parse_refuses(document: Json, content_type: str, field: str, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        Manifest.parse(encode(document), content_type=content_type)
    assert caught.value.field == field
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("document", "name"),
    [
        pytest.param(image(), "config", id="image-without-config"),
        pytest.param(image(), "layers", id="image-without-layers"),
        pytest.param(index(), "manifests", id="index-without-manifests"),
    ],
)
def test_what_makes_the_kind_is_required(document: Json, name: str) -> None:
    without = {key: value for key, value in document.items() if key != name}
    with pytest.raises(ManifestInvalid) as caught:
        parse(without)
    assert (caught.value.field, caught.value.reason) == (name, "is missing")


def test_a_missing_header_is_refused() -> None:
    with pytest.raises(ManifestInvalid) as caught:
        Manifest.parse(encode(image()), content_type=None)
    assert caught.value.field == "Content-Type"


def test_docker_documents_have_no_subject() -> None:
    manifest = parse(image(mediaType=media_types.DOCKER_MANIFEST, subject=descriptor(), artifactType="application/x"))
    assert (manifest.subject, manifest.artifact_type) == (None, None)
    assert manifest.declared_type == media_types.OCI_CONFIG


def test_the_declared_type_is_the_artifact_type_first() -> None:
    assert parse(image(artifactType="application/x")).declared_type == "application/x"
    assert parse(index(artifactType="application/x")).declared_type == "application/x"


def test_referenced_blobs_are_the_config_and_the_layers_that_must_be_here_once_each() -> None:
    first, foreign = descriptor(b"1"), descriptor(b"2", media_type=FOREIGN)
    manifest = parse(image(layers=[first, foreign, first, descriptor(b"3"), descriptor(b"{}")]))
    assert [blob.digest for blob in manifest.referenced_blobs] == [Digest.of(text) for text in (b"{}", b"1", b"3")]
    assert len(manifest.layers) == 5


def test_a_document_over_the_limit_is_not_looked_at() -> None:
    with pytest.raises(ManifestTooLarge) as caught:
        Manifest.parse(b"x" * 11, content_type=None, max_bytes=10)
    assert caught.value.limit_bytes == 10


SCALARS = st.sampled_from(
    [None, True, 0, 2, -1, 2**64, 1.5, "", "x", "a/b", str(Digest.of(b"")), media_types.OCI_INDEX]
)
MEMBERS = st.sampled_from(["mediaType", "digest", "size", "Size", "data", "urls", "platform", "x"])
JSON_VALUES = SCALARS | st.lists(SCALARS | st.dictionaries(MEMBERS, SCALARS, max_size=4), max_size=3)
NAMES = ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "artifactType", "annotations", "x"]


@PROPERTY
@given(st.sampled_from([image(), index()]), st.sampled_from(NAMES), JSON_VALUES)
def test_any_value_in_any_member_is_read_or_refused(document: Json, name: str, value: Any) -> None:
    raw = encode({**document, name: value})
    try:
        manifest = Manifest.parse(raw, content_type=document["mediaType"])
    except (ManifestInvalid, DocumentInvalid):
        return
    assert manifest.raw == raw
    assert manifest.media_type == document["mediaType"]
    assert (manifest.kind is ManifestKind.INDEX) == (manifest.config is None)


@PROPERTY
@given(st.text("aplictonvdm./+-; =*", max_size=40))
def test_no_other_content_type_is_a_manifest(content_type: str) -> None:
    with pytest.raises(ManifestInvalid):
        Manifest.parse(encode(image()), content_type=content_type)


def test_what_was_stored_is_read_whatever_the_limit_is_now() -> None:
    raw = encode(image())
    longer = raw[:-1] + b" " * (MAX_MANIFEST_BYTES - len(raw) + 1) + raw[-1:]
    with pytest.raises(ManifestTooLarge):
        parse(longer, content_type=media_types.OCI_MANIFEST)
    assert Manifest.parse_stored(longer, media_type=media_types.OCI_MANIFEST).raw == longer
