"""What a manifest is under each tag, and which tags are put together."""

import pytest

from gateway.admission.classify import classify
from gateway.catalog.values import ManifestClass
from gateway.errors import Denied, ManifestInvalid
from gateway.oci.manifest import Manifest
from gateway.oci.media_types import BUILDKIT_CACHE_CONFIG
from gateway.oci.names import Tag
from tests.support.evidence import Evidence, classic_manifest, signed_bundle, signed_classic
from tests.support.images import Artifact, cache_image, cache_index, image, index

APP = image("one")
BUNDLE = signed_bundle(subject=APP.digest)
CLASSIC = signed_classic(subject=APP.digest)
BARE = APP.digest.replace(":", "-")
NOTHING = index()
SIGNED_CACHE = classic_manifest([(b"{}", {})], tag=f"{BARE}.sig", config_type=BUILDKIT_CACHE_CONFIG)


def parsed(what: Artifact | Evidence) -> Manifest:
    if isinstance(what, Evidence):
        return Manifest.parse(what.manifest, content_type=what.media_type)
    return Manifest.parse(what.manifest.content, content_type=what.manifest.media_type)


@pytest.mark.parametrize(
    ("what", "tags", "cls", "metadata"),
    [
        pytest.param(APP, (), ManifestClass.IMAGE, False, id="image-by-digest"),
        pytest.param(APP, ("latest",), ManifestClass.IMAGE, False, id="image"),
        pytest.param(APP, ("latest", "v1"), ManifestClass.IMAGE, False, id="two-tags"),
        pytest.param(APP, (f"{BARE}.sbom",), ManifestClass.IMAGE, False, id="sbom-is-judged"),
        pytest.param(BUNDLE, (), ManifestClass.EVIDENCE, False, id="bundle"),
        pytest.param(BUNDLE, ("latest",), ManifestClass.IMAGE, False, id="bundle-under-another-tag"),
        pytest.param(CLASSIC, (), ManifestClass.IMAGE, False, id="classic-by-digest"),
        pytest.param(CLASSIC, (f"{BARE}.sig",), ManifestClass.EVIDENCE, True, id="classic"),
        pytest.param(index(APP), (BARE,), ManifestClass.FALLBACK, True, id="fallback"),
        pytest.param(index(APP), ("latest",), ManifestClass.IMAGE, False, id="index"),
        pytest.param(cache_index("c"), ("cache",), ManifestClass.CACHE, False, id="cache-index"),
        pytest.param(cache_image("c"), ("cache",), ManifestClass.CACHE, False, id="cache-image"),
        pytest.param(NOTHING, (), ManifestClass.IMAGE, False, id="an-empty-index"),
        pytest.param(NOTHING, (BARE,), ManifestClass.FALLBACK, True, id="an-empty-fallback-index"),
        pytest.param(NOTHING, ("latest",), ManifestClass.IMAGE, False, id="an-empty-index-under-another-tag"),
        pytest.param(SIGNED_CACHE, (), ManifestClass.CACHE, False, id="a-cache-that-calls-itself-a-signature"),
    ],
)
def test_the_class_is_derived_anew_for_every_tag(
    what: Artifact | Evidence, tags: tuple[str, ...], cls: ManifestClass, metadata: bool
) -> None:
    names = tuple(Tag.parse(tag) for tag in tags)
    found = classify(parsed(what), names)
    assert found.cls is cls
    assert found.metadata_tags == (names if metadata else ())
    assert found.image_tags == (() if metadata else names)
    assert (found.claim is not None) is (cls is ManifestClass.EVIDENCE)


def test_the_subject_is_of_evidence_and_of_fallback_indexes() -> None:
    for what, tags in ((BUNDLE, ()), (CLASSIC, (Tag(f"{BARE}.sig"),)), (index(APP), (Tag(BARE),))):
        assert str(classify(parsed(what), tags).subject) == APP.digest
    assert classify(parsed(APP), ()).subject is None


@pytest.mark.parametrize(
    ("what", "tag"),
    [
        pytest.param(image("another"), BARE, id="image-under-the-fallback-tag-of-another"),
        pytest.param(APP, f"{BARE}.sig", id="image-under-a-signature-tag"),
        pytest.param(APP, f"{BARE}.att", id="image-under-an-attestation-tag"),
        pytest.param(BUNDLE, BARE, id="evidence-under-the-fallback-tag"),
        pytest.param(index(APP), f"{BARE}.sig", id="index-under-a-signature-tag"),
        pytest.param(cache_index("c"), BARE, id="cache-index-under-the-fallback-tag"),
        pytest.param(SIGNED_CACHE, f"{BARE}.sig", id="cache-under-a-signature-tag"),
    ],
)
def test_a_name_for_evidence_is_never_a_runnable_tag(what: Artifact | Evidence, tag: str) -> None:
    with pytest.raises(Denied) as caught:
        classify(parsed(what), (Tag.parse(tag),))
    assert [reason.code for reason in caught.value.reasons] == ["TAG_RESERVED"]


@pytest.mark.parametrize(
    ("what", "tags"),
    [
        pytest.param(CLASSIC, (f"{BARE}.sig", "latest"), id="signature-and-image"),
        pytest.param(index(APP), ("latest", BARE), id="image-and-fallback"),
        pytest.param(index(APP), (BARE, "sha256-" + "a" * 64), id="two-subjects"),
    ],
)
def test_tags_of_evidence_and_other_tags_are_never_put_together(
    what: Artifact | Evidence, tags: tuple[str, ...]
) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        classify(parsed(what), tuple(Tag.parse(tag) for tag in tags))
    assert caught.value.field == "tag"


@pytest.mark.parametrize(
    "made", [pytest.param(image("own"), id="image"), pytest.param(index(image("own")), id="index")]
)
def test_a_manifest_under_its_own_digest_is_judged_like_any_tag(made: Artifact) -> None:
    manifest = Manifest.parse(made.manifest.content, content_type=made.manifest.media_type)
    own = Tag.parse(f"sha256-{manifest.digest.hex}")
    classified = classify(manifest, (own,))
    assert (classified.cls, classified.metadata_tags, classified.image_tags) == (ManifestClass.IMAGE, (), (own,))
