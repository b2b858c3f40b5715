"""Manifests of a million values: what is small to send and long to read, before anybody is asked who sent it."""

import json
import time

import pytest

from gateway.errors import DocumentInvalid, ManifestInvalid
from gateway.oci import media_types, strict_json
from gateway.oci.manifest import MAX_INDEX_ENTRIES, MAX_LAYERS, MAX_MANIFEST_BYTES, Manifest
from tests.support.oci import LAYER_TYPE, Json, descriptor, encode, image, index

SECONDS = 0.4
"""Ten times what the slowest of them takes."""


def flood(item: bytes) -> bytes:
    """Return an object of 4 MiB, all of it ``item``."""
    opening, closing = b'{"x":[', b"0]}"
    return opening + item * ((MAX_MANIFEST_BYTES - len(opening) - len(closing)) // len(item)) + closing


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(b"[],", id="lists"),
        pytest.param(b"{},", id="objects"),
        pytest.param(b'{"a":1},', id="members"),
        pytest.param(b"1,", id="numbers"),
        pytest.param(b'"",', id="empty-strings"),
        pytest.param(b'",",', id="strings-of-commas"),
        pytest.param(b'"\\",",', id="strings-of-escapes"),
        pytest.param(b"[", id="openings"),
        pytest.param(b",", id="commas"),
    ],
)
def test_a_manifest_of_a_million_values_is_refused_before_it_is_read(item: bytes) -> None:
    raw = flood(item)
    started = time.process_time()
    with pytest.raises(DocumentInvalid) as caught:
        Manifest.parse(raw, content_type=media_types.OCI_MANIFEST)
    assert time.process_time() - started < SECONDS
    assert caught.value.reason == f"more than {strict_json.MAX_NODES} values"


@pytest.mark.parametrize("filler", [",", "[", "{", '"', "\\", '\\",['])
def test_what_a_string_is_made_of_counts_for_nothing(filler: str) -> None:
    text = filler * (10_000 // len(filler))
    count = 3_900_000 // len(json.dumps(text))
    raw = encode(image(annotations={f"a{number}": text for number in range(count)}))
    started = time.process_time()
    manifest = Manifest.parse(raw, content_type=media_types.OCI_MANIFEST)
    assert time.process_time() - started < 2 * SECONDS
    assert len(manifest.annotations) == count
    assert all(value == text for value in manifest.annotations.values())


def test_the_largest_index_with_everything_that_clients_write_passes() -> None:
    entries: list[Json] = [
        descriptor(
            b"%d" % number,
            media_type=media_types.OCI_MANIFEST,
            platform={"os": "windows", "architecture": "amd64", "os.version": "10.0.1", "os.features": ["win32k"]},
            annotations={f"org.example.{name}": "a, [b] {c}" for name in range(20)},
            urls=["https://mirror.example.test/a"],
        )
        for number in range(MAX_INDEX_ENTRIES)
    ]
    manifest = Manifest.parse(encode(index(*entries)), content_type=media_types.OCI_INDEX)
    assert len(manifest.manifests) == MAX_INDEX_ENTRIES


def test_an_image_of_more_than_a_thousand_layers_is_refused() -> None:
    layers = [descriptor(b"%d" % number, media_type=LAYER_TYPE) for number in range(MAX_LAYERS + 1)]
    manifest = Manifest.parse(encode(image(layers=layers[:-1])), content_type=media_types.OCI_MANIFEST)
    assert len(manifest.layers) == MAX_LAYERS
    with pytest.raises(ManifestInvalid) as caught:
        Manifest.parse(encode(image(layers=layers)), content_type=media_types.OCI_MANIFEST)
    assert caught.value.field == "layers"
