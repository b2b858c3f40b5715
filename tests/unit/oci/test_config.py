"""Image configs."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ManifestInvalid
from gateway.oci import media_types
from gateway.oci.config import ImageConfig, is_attestation_child
from gateway.oci.manifest import Manifest
from tests.support.oci import LAYER_TYPE, PROPERTY, Json, descriptor, encode, image

FULL: Json = {
    "os": "linux",
    "architecture": "arm64",
    "variant": "v8",
    "created": "2026-01-02T03:04:05Z",
    "rootfs": {"type": "layers", "diff_ids": []},
    "container_config": {"Env": ["unread"]},
    "config": {
        "User": "1000:1000",
        "Env": ["PATH=/bin", "TOKEN=canary"],
        "Labels": {"a": "b"},
        "Entrypoint": ["/bin/app"],
        "Cmd": ["--help"],
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "WorkingDir": "/",
    },
    "history": [
        {"created_by": "COPY . .", "comment": "buildkit", "empty_layer": False},
        {"created_by": "", "comment": None},
        {"created_by": "RUN make"},
    ],
}


def test_everything_that_is_judged_is_read() -> None:
    assert ImageConfig.parse(encode(FULL)) == ImageConfig(
        os="linux",
        architecture="arm64",
        variant="v8",
        created="2026-01-02T03:04:05Z",
        user="1000:1000",
        env=("PATH=/bin", "TOKEN=canary"),
        labels={"a": "b"},
        entrypoint=("/bin/app",),
        cmd=("--help",),
        exposed_ports=("80/tcp", "53/udp"),
        history=("COPY . .", "buildkit", "RUN make"),
        rest={
            "rootfs": {"type": "layers", "diff_ids": []},
            "container_config": {"Env": ["unread"]},
            "config": {"WorkingDir": "/"},
            "history": [{"empty_layer": False}, {}, {}],
        },
    )


def test_what_nobody_reads_is_kept_whole() -> None:
    document: Json = {
        "author": "a",
        "config": {"User": "1", "Healthcheck": {"Test": ["CMD", "x"]}, "ExposedPorts": {"80/tcp": {"x": "y"}}},
        "history": [{"created_by": "RUN x", "author": "b"}],
        "own": [{"deep": ["c", 1, None]}],
    }
    assert ImageConfig.parse(encode(document)).rest == {
        "author": "a",
        "config": {"Healthcheck": {"Test": ["CMD", "x"]}, "ExposedPorts": [{"x": "y"}]},
        "history": [{"author": "b"}],
        "own": [{"deep": ["c", 1, None]}],
    }


def test_a_secret_is_not_printed() -> None:
    assert "canary" not in repr(ImageConfig.parse(encode(FULL)))
    assert "unread" not in repr(ImageConfig.parse(encode(FULL)))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="empty"),
        pytest.param({"config": None, "history": None}, id="null"),
        pytest.param({"config": {"Env": None, "Labels": None, "Cmd": None, "ExposedPorts": None}}, id="null-inside"),
        pytest.param({"config": {}, "history": [], "os": None}, id="empty-inside"),
    ],
)
def test_a_config_may_say_nothing(document: Json) -> None:
    config = ImageConfig.parse(encode(document))
    assert config == ImageConfig(None, None, None, None, "", (), {}, (), (), (), ())


@pytest.mark.parametrize(
    ("raw", "field", "reason"),
    [
        pytest.param(b"", "image config", "malformed", id="empty"),
        pytest.param(b"[]", "image config", "not an object", id="list"),
        pytest.param(b'{"os": "a", "os": "b"}', "image config", "a member name occurs twice", id="duplicate"),
        pytest.param(encode({"os": 1}), "image config.os", "must be a string", id="os-number"),
        pytest.param(encode({"OS": "x"}), "image config.OS", "some clients read 'OS' as 'os'", id="os-in-disguise"),
        pytest.param(encode({"config": []}), "image config.config", "must be an object", id="config-list"),
        pytest.param(
            encode({"config": {"user": "0"}}),
            "image config.config.user",
            "some clients read 'user' as 'User'",
            id="user-in-disguise",
        ),
        pytest.param(encode({"config": {"User": 0}}), "image config.config.User", "must be a string", id="user-number"),
        pytest.param(encode({"config": {"Env": "A=b"}}), "image config.config.Env", "must be a list", id="env-text"),
        pytest.param(
            encode({"config": {"Env": [1]}}), "image config.config.Env[0]", "must be a string", id="env-number"
        ),
        pytest.param(
            encode({"config": {"Labels": {"a": 1}}}),
            "image config.config.Labels[0]",
            "must be a string",
            id="label-number",
        ),
        pytest.param(
            encode({"config": {"ExposedPorts": [80]}}),
            "image config.config.ExposedPorts",
            "must be an object",
            id="ports-list",
        ),
        pytest.param(encode({"history": {}}), "image config.history", "must be a list", id="history-object"),
        pytest.param(encode({"history": ["x"]}), "image config.history[0]", "must be an object", id="history-text"),
        pytest.param(
            encode({"history": [{"created_by": 1}]}),
            "image config.history[0].created_by",
            "must be a string",
            id="created-by-number",
        ),
        pytest.param(
            encode({"history": [{"Created_By": "x"}]}),
            "image config.history[0].Created_By",
            "some clients read 'Created_By' as 'created_by'",
            id="created-by-in-disguise",
        ),
    ],
)
def test_parse_refuses(raw: bytes, field: str, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        ImageConfig.parse(raw)
    assert (caught.value.field, caught.value.reason) == (field, reason)


def test_a_config_over_the_limit_is_not_looked_at() -> None:
    with pytest.raises(ManifestInvalid) as caught:
        ImageConfig.parse(b"{" + b" " * 10, max_bytes=10)
    assert caught.value.reason == "larger than 10 bytes"


SCALARS = st.sampled_from([None, True, 0, 1.5, "", "x"])
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)


@PROPERTY
@given(st.dictionaries(st.sampled_from([*FULL, "x"]), VALUES, max_size=4))
def test_any_object_is_read_or_refused(document: Any) -> None:
    with suppress(ManifestInvalid):
        ImageConfig.parse(encode(document))


@pytest.mark.parametrize(
    ("platform", "layer_types", "expected"),
    [
        pytest.param({"os": "unknown", "architecture": "unknown"}, [media_types.IN_TOTO] * 2, True, id="buildkit"),
        pytest.param({"os": "unknown", "architecture": "unknown"}, [], False, id="no-layers"),
        pytest.param(
            {"os": "unknown", "architecture": "unknown"}, [media_types.IN_TOTO, LAYER_TYPE], False, id="one-real-layer"
        ),
        pytest.param({"os": "linux", "architecture": "unknown"}, [media_types.IN_TOTO], False, id="an-os"),
        pytest.param({"os": "unknown", "architecture": "amd64"}, [media_types.IN_TOTO], False, id="an-architecture"),
        pytest.param({}, [media_types.IN_TOTO], False, id="no-platform"),
    ],
)
def test_an_attestation_child_is_known_by_its_content(platform: Json, layer_types: list[str], expected: bool) -> None:
    layers = [descriptor(b"%d" % number, media_type=name) for number, name in enumerate(layer_types)]
    manifest = Manifest.parse(encode(image(layers=layers)), content_type=media_types.OCI_MANIFEST)
    assert is_attestation_child(manifest, ImageConfig.parse(encode(platform))) is expected
