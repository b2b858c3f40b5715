"""Documents with two readings, and references that are paths: rows 52, 54, 55, 73, 83, 97, 99."""

import json

import pytest

from gateway.errors import DigestInvalid, DocumentInvalid, ManifestInvalid, ManifestTooLarge
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import MAX_MANIFEST_BYTES, Manifest
from tests.support.oci import Json, descriptor, encode, image, index

TYPES = sorted(media_types.MANIFESTS)


def refuse(raw: bytes, *, content_type: str = media_types.OCI_MANIFEST) -> str:
    """Return the reason for which ``raw`` is refused."""
    try:
        Manifest.parse(raw, content_type=content_type)
    except (ManifestInvalid, DocumentInvalid) as error:
        return error.reason
    pytest.fail("accepted")


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("declared", [None, *TYPES])
def test_row_52_a_document_that_is_an_image_and_an_index_is_refused_as_either(
    content_type: str, declared: str | None
) -> None:
    both = {**image(), **index(), "mediaType": declared}
    refuse(encode(both), content_type=content_type)


@pytest.mark.parametrize("declared", TYPES)
@pytest.mark.parametrize("sent", TYPES)
def test_row_52_the_header_and_the_body_name_one_type(declared: str, sent: str) -> None:
    make = index if declared in media_types.INDEXES else image
    raw = encode(make(mediaType=declared))
    if sent == declared:
        assert Manifest.parse(raw, content_type=sent).media_type == declared
    else:
        refuse(raw, content_type=sent)


@pytest.mark.parametrize(
    "disguised",
    [
        pytest.param("Config", id="case"),
        pytest.param("CONFIG", id="upper-case"),
        pytest.param("layer\u017f", id="long-s"),
        pytest.param("MANIFESTS", id="the-other-kind"),
        pytest.param("Subject", id="subject"),
        pytest.param("MediaType", id="media-type"),
    ],
)
def test_row_52_a_member_that_go_clients_read_under_another_name_is_refused(disguised: str) -> None:
    assert "some clients read" in refuse(encode(image(**{disguised: descriptor(b"evil")})))


@pytest.mark.parametrize("name", ["config", "layers", "mediaType", "schemaVersion", "unknown"])
def test_row_52_a_member_twice_is_refused_also_where_both_are_equal(name: str) -> None:
    document: Json = {**image(), "unknown": 1}
    text = json.dumps(document)
    member = f"{json.dumps(name)}: {json.dumps(document[name])}"
    assert member in text
    assert refuse(text.replace(member, f"{member}, {member}").encode()) == "a member name occurs twice"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"\xef\xbb\xbf" + encode(image()), "byte order mark", id="bom"),
        pytest.param(encode(image(extra=float("nan"))), "NaN is not JSON", id="nan"),
        pytest.param(encode(image()) + encode(image()), "malformed", id="two-documents"),
        pytest.param(encode(image()).decode().encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(encode(image(annotations={"a": "\ud800"})), "a lone surrogate", id="lone-surrogate"),
    ],
)
def test_row_52_bytes_that_parsers_disagree_on_are_refused(raw: bytes, reason: str) -> None:
    assert refuse(raw) == reason


def test_row_54_the_digest_is_computed_never_taken_over() -> None:
    raw = encode(image(digest=str(Digest.of(b"claimed"))))
    assert Manifest.parse(raw, content_type=media_types.OCI_MANIFEST).digest == Digest.of(raw)


BAD_DIGESTS = [
    pytest.param("sha256:" + "A" * 64, id="upper-case"),
    pytest.param("sha256:" + "a" * 63, id="short"),
    pytest.param("sha256:" + "a" * 65, id="long"),
    pytest.param("sha256:../../../../etc/passwd", id="traversal"),
    pytest.param("../" + "sha256:" + "a" * 64, id="traversal-before"),
    pytest.param("sha256:" + "a" * 62 + "/.", id="slash"),
    pytest.param("sha256:" + "a" * 63 + "\x00", id="nul"),
    pytest.param("sha256:" + "a" * 64 + "@evil", id="tail"),
    pytest.param("sha256-" + "a" * 64, id="dash"),
    pytest.param("", id="empty"),
]


@pytest.mark.parametrize("text", BAD_DIGESTS)
def test_row_55_a_digest_that_is_not_one_is_refused_wherever_a_manifest_has_one(text: str) -> None:
    bad = descriptor(digest=text)
    for document, field in (
        (image(config=bad), "config.digest"),
        (image(layers=[descriptor(), bad]), "layers[1].digest"),
        (image(subject=bad), "subject.digest"),
        (index(bad), "manifests[0].digest"),
        (index(subject=bad), "subject.digest"),
    ):
        with pytest.raises(ManifestInvalid) as caught:
            Manifest.parse(encode(document), content_type=document["mediaType"])
        assert caught.value.field == field
    with pytest.raises(DigestInvalid):
        Digest.parse(text)


def test_row_73_urls_are_carried_and_do_not_replace_a_blob() -> None:
    url = "http://169.254.169.254/latest"
    ordinary = descriptor(b"1", media_type="application/vnd.oci.image.layer.v1.tar", urls=[url])
    manifest = Manifest.parse(encode(image(layers=[ordinary])), content_type=media_types.OCI_MANIFEST)
    assert manifest.layers[0].urls == (url,)
    assert Digest.of(b"1") in [blob.digest for blob in manifest.referenced_blobs]


def test_row_83_one_byte_over_the_limit_is_refused_unread() -> None:
    raw = encode(image(annotations={"a": "x"}))
    padded = raw + b" " * (MAX_MANIFEST_BYTES - len(raw))
    assert Manifest.parse(padded, content_type=media_types.OCI_MANIFEST).raw == padded
    with pytest.raises(ManifestTooLarge) as caught:
        Manifest.parse(padded + b" ", content_type=media_types.OCI_MANIFEST)
    assert caught.value.limit_bytes == MAX_MANIFEST_BYTES


def test_row_97_an_index_over_a_thousand_entries_is_refused_before_they_are_read() -> None:
    document = index()
    document["manifests"] = ["not a descriptor"] * 1001
    with pytest.raises(ManifestInvalid) as caught:
        Manifest.parse(encode(document), content_type=media_types.OCI_INDEX)
    assert caught.value.field == "manifests"


@pytest.mark.parametrize("opening", [pytest.param(b"[", id="lists"), pytest.param(b'{"a":', id="objects")])
@pytest.mark.parametrize("closed", [pytest.param(True, id="closed"), pytest.param(False, id="unclosed")])
def test_row_99_a_hundred_thousand_levels_are_a_refusal_not_a_recursion(opening: bytes, closed: bool) -> None:
    for levels, reason in ((99_000, "nested deeper than 64"), (100_000, "more than 100000 values")):
        closing = (b"]" if opening == b"[" else b"}") * levels if closed else b""
        assert refuse(b'{"a":' + opening * levels + b"1" + closing + b"}") == reason
