"""The parts that are judged: what is an image for some client is one for the rules, or is refused."""

import json
from pathlib import Path

import pytest

from gateway.admission.parts import Part, parts
from gateway.admission.values import Held, Refused
from gateway.errors import ManifestInvalid
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from tests.support.admission import House, house, run
from tests.support.images import Artifact, Blob, cache_image, chart, image
from tests.support.oci import LAYER_TYPE, descriptor, encode
from tests.support.oci import image as document

OTHER = "application/vnd.other+json"
RUNS = b'{"os":"linux","architecture":"amd64","config":{"User":"root"}}'
TAR = "application/vnd.oci.image.layer.v1.tar"


def judged(config: bytes, config_type: str, *layer_types: str) -> Part:
    """Return the one part of a manifest with this config and these layers."""
    made = document(
        config=descriptor(config, media_type=config_type),
        layers=[descriptor(b"layer", media_type=layer_type) for layer_type in layer_types],
    )
    manifest = Manifest.parse(encode(made), content_type=media_types.OCI_MANIFEST)
    (part,) = parts([manifest], {Digest.of(config): config})
    return part


@pytest.mark.parametrize(
    ("config_type", "layer_type"),
    [
        pytest.param(OTHER, TAR, id="tar"),
        pytest.param(OTHER, LAYER_TYPE, id="gzip"),
        pytest.param(OTHER, TAR + "+zstd", id="zstd"),
        pytest.param(OTHER, TAR + "+of-tomorrow", id="another-suffix"),
        pytest.param(OTHER, TAR.upper(), id="upper-case"),
        pytest.param(OTHER, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", id="nondistributable"),
        pytest.param(OTHER, "application/vnd.docker.image.rootfs.diff.tar.gzip", id="docker"),
        pytest.param(OTHER, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", id="docker-foreign"),
        pytest.param(OTHER, "application/vnd.erofs.layer.v1", id="erofs"),
        pytest.param(media_types.EMPTY, TAR, id="empty-type-that-is-not-empty"),
        pytest.param(media_types.BUILDKIT_CACHE_CONFIG, TAR, id="build-cache"),
        pytest.param("application/vnd.cncf.helm.config.v1+json", TAR, id="chart"),
        pytest.param("application/json", OTHER, id="docker-takes-json"),
        pytest.param("application/octet-stream", OTHER, id="docker-takes-octets"),
        pytest.param("text/html", OTHER, id="docker-takes-html"),
    ],
)
def test_an_image_whose_config_says_that_it_is_something_else_is_refused(config_type: str, layer_type: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        judged(RUNS, config_type, OTHER, layer_type)
    assert caught.value.field == "config.mediaType"


@pytest.mark.parametrize(
    ("config", "config_type", "layer_type", "kind"),
    [
        pytest.param(b"{}", media_types.EMPTY, TAR, "artifact", id="oras-push-of-a-file"),
        pytest.param(b"{}", media_types.EMPTY, LAYER_TYPE, "artifact", id="oras-push-of-a-folder"),
        pytest.param(b"{}", "application/vnd.unknown.config.v1+json", TAR, "artifact", id="oras-0"),
        pytest.param(RUNS, OTHER, "application/vnd.other.layer", "artifact", id="types-of-its-own"),
        pytest.param(RUNS, media_types.OCI_CONFIG, "application/vnd.other.layer", "image", id="strange-layers"),
        pytest.param(RUNS, media_types.DOCKER_CONFIG, TAR, "image", id="image"),
    ],
)
def test_what_is_judged_as_what_it_is(config: bytes, config_type: str, layer_type: str, kind: str) -> None:
    assert judged(config, config_type, layer_type).kind == kind


def disguised(app: Artifact, config_type: str) -> Artifact:
    """Return ``app`` with another type for its config, and nothing else changed."""
    config, *layers = app.blobs
    made = json.loads(app.manifest.content)
    made["config"]["mediaType"] = config_type
    return Artifact(Blob(app.manifest.media_type, encode(made)), (Blob(config_type, config.content), *layers))


@pytest.mark.parametrize("docker", [pytest.param(False, id="oci"), pytest.param(True, id="docker")])
def test_a_disguised_image_is_denied_at_the_gate(tmp_path: Path, docker: bool) -> None:
    async def story(home: House) -> None:
        app = disguised(image("one", user="root", docker=docker), OTHER)
        outcome = await home.push("alice", app, "v1")
        assert isinstance(outcome, Refused)
        assert {(reason.code, reason.severity) for reason in outcome.reasons} == {("CONTENT_MALFORMED", "deny")}
        assert await home.view(app.digest) is None

    with house(tmp_path) as home:
        run(story(home))


@pytest.mark.parametrize("made", [pytest.param(chart("c"), id="chart"), pytest.param(cache_image("c"), id="cache")])
def test_what_only_has_a_config_of_its_own_still_waits(tmp_path: Path, made: Artifact) -> None:
    async def story(home: House) -> None:
        assert isinstance(await home.push("alice", made, "v1"), Held)

    with house(tmp_path) as home:
        run(story(home))
