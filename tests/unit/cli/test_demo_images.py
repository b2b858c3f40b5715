"""What the demo pushes is what real clients push: the readers and verifiers of the gateway take it."""

import gzip
import io
import tarfile
from typing import Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.cli import demo_images
from gateway.cli.demo import SECRET
from gateway.cli.demo_images import Made
from gateway.evidence.classify import classify
from gateway.evidence.content import parse_content
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import COSIGN_SIGN, EvidenceFormat, EvidenceObject, EvidenceReport
from gateway.evidence.verify import verify_all
from gateway.oci.config import ImageConfig
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName

KEY: Final = ec.derive_private_key(7, ec.SECP256R1())
OTHER: Final = ec.derive_private_key(8, ec.SECP256R1())
IMAGE: Final = demo_images.image("hello\n", env=("A=b",))


def trust(key: ec.EllipticCurvePrivateKey) -> TrustPolicy:
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    policy = b'images: [{glob: "demo/**"}]\nauthorities: [{name: k, key: {path: k.pub}, ctlog: none}]\n'
    return TrustPolicy.load({"demo.yaml": policy, "k.pub": public})


def verified(signed: Made, subject: Made, key: ec.EllipticCurvePrivateKey) -> EvidenceReport:
    manifest = Manifest.parse(signed.manifest, content_type=signed.media_type)
    claim = classify(manifest, None)
    assert claim is not None
    contents = {Digest.of(blob): blob for blob in signed.blobs}
    evidence = EvidenceObject(manifest, claim, contents, 1)
    parse_content(evidence)
    return verify_all(
        subject.digest, RepositoryName.parse("demo/hello"), [evidence], trust(key), registry_hosts=frozenset(), now=1
    )


def test_the_image_is_whole() -> None:
    manifest = Manifest.parse(IMAGE.manifest, content_type=IMAGE.media_type)
    named = {blob.digest: blob.size for blob in manifest.referenced_blobs}
    assert named == {Digest.of(blob): len(blob) for blob in IMAGE.blobs}
    layer, config = IMAGE.blobs
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
        assert archive.getnames() == ["greeting.txt"]
    parsed = ImageConfig.parse(config)
    assert parsed.user == "65534:65534"
    assert parsed.env == ("A=b",)


def test_the_same_words_are_the_same_image() -> None:
    assert demo_images.image("hello\n", env=("A=b",)) == IMAGE
    assert demo_images.image("hello\n", env=(SECRET,)).digest != IMAGE.digest


def test_the_signature_verifies_and_is_a_signature() -> None:
    report = verified(demo_images.signature(IMAGE, KEY), IMAGE, KEY)
    assert not report.rejected
    (found,) = report.verified
    assert found.format is EvidenceFormat.SIGSTORE_BUNDLE
    assert found.predicate_type == COSIGN_SIGN == demo_images.SIGN
    assert found.is_signature


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        pytest.param(IMAGE, OTHER, id="another-key"),
        pytest.param(demo_images.image("other\n"), KEY, id="another-image"),
    ],
)
def test_the_signature_is_of_this_image_by_this_key(subject: Made, key: ec.EllipticCurvePrivateKey) -> None:
    assert verified(demo_images.signature(IMAGE, KEY), subject, key).verified == ()
