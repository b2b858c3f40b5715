"""What BuildKit pushes: indexes with attestation children, part by part, and both shapes of its cache."""

from collections.abc import Callable

import pytest

from tests.clients.conftest import People
from tests.support.clients import Signer
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact, cache_image, cache_index, image, index, write_layout


def two_platforms(seed: str) -> Artifact:
    """An index over two platforms, each with its `unknown/unknown` attestation."""
    images = [image(f"{seed} {each}", architecture=each) for each in ("amd64", "arm64")]
    return index(*images, attested=True)


def test_an_index_arrives_child_by_child(people: People, signer: Signer, repository: str) -> None:
    made = two_platforms("child by child")
    writer, reader = people.writer, people.reader
    for child in made.children:
        for blob in child.blobs:
            writer.push_blob(repository, blob).ok()
        writer.push_manifest(repository, child.digest, child.manifest).ok()
        assert writer.sees(f"{repository}@{child.digest}")
        assert not reader.sees(f"{repository}@{child.digest}")
    writer.push_manifest(repository, "v1", made.manifest).ok().tells("held")
    assert not reader.sees(f"{repository}:v1")
    signer.sign(writer, f"{repository}@{made.digest}").ok()
    # One signature, on the index: its children are seen through it, the attestations among them.
    for part in made.walk():
        assert reader.sees(f"{repository}@{part.digest}")
    reader.run("crane", "pull", "--format", "oci", f"{repository}:v1", "child-by-child").ok()


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_platform_of_an_admitted_index_is_pulled(
    people: People, signer: Signer, repository: str, architecture: str
) -> None:
    made = two_platforms(f"platform {architecture}")
    folder = write_layout(people.writer.home / repository.rpartition("/")[2], {"v1": made})
    people.writer.oras("cp", "--from-oci-layout", f"{folder}:v1", f"{repository}:v1").ok()
    signer.sign(people.writer, f"{repository}:v1").ok()
    pull = ("crane", "pull", "--platform", f"linux/{architecture}", f"{repository}:v1", "platform.tar")
    people.reader.run(*pull).ok()


def test_an_index_whose_child_is_missing_waits_for_it(
    people: People, signer: Signer, gateway: GatewayProcess, repository: str
) -> None:
    made = two_platforms("late child")
    writer, reader = people.writer, people.reader
    *early, late = made.children
    for child in early:
        writer.push_parts(repository, child)
        writer.push_manifest(repository, child.digest, child.manifest).ok()
    writer.push_manifest(repository, "v1", made.manifest).ok().tells("held")
    signer.sign(writer, f"{repository}@{made.digest}").ok()
    assert not reader.sees(f"{repository}:v1")
    writer.push_parts(repository, late)
    writer.push_manifest(repository, late.digest, late.manifest).ok()
    # The parent is judged again after the child's answer, not before it: this is how a script waits for that.
    gateway.cli("image", "wait", f"{repository}:v1", "--timeout", "30").ok()
    assert reader.sees(f"{repository}:v1")


def test_skopeo_copies_all_of_an_index(people: People, signer: Signer, repository: str) -> None:
    made = index(image("skopeo all amd64"), image("skopeo all arm64", architecture="arm64"))
    folder = write_layout(people.writer.home / repository.rpartition("/")[2], {"v1": made})
    words = ("copy", "--all", "--dest-cert-dir", people.writer.certificates, f"oci:{folder}:v1")
    people.writer.skopeo(*words, f"docker://{repository}:v1", newer=True).ok()
    signer.sign(people.writer, f"{repository}@{made.digest}").ok()
    assert people.reader.sees(f"{repository}:v1")


@pytest.mark.parametrize("shape", [cache_index, cache_image])
@pytest.mark.parametrize("project", ["acme", "strict"])
def test_a_build_cache_is_kept_for_the_builder_and_for_nobody_else(
    people: People, signer: Signer, repository: str, shape: Callable[[str], Artifact], project: str
) -> None:
    where = repository.replace("/acme/", f"/{project}/")
    cache = shape(f"{shape.__name__} {project}")
    people.writer.push_parts(where, cache)
    people.writer.push_manifest(where, "cache", cache.manifest).ok().tells("held")
    # BuildKit's next run reads it by its tag, the layers too.
    assert people.writer.digest(f"{where}:cache").ok().out.strip() == cache.digest
    for blob in cache.blobs:
        people.writer.run("crane", "blob", f"{where}@{blob.digest}").ok()
        people.reader.run("crane", "blob", f"{where}@{blob.digest}").failed("BLOB_UNKNOWN")
    assert not people.reader.sees(f"{where}:cache")
    signer.sign(people.writer, f"{where}@{cache.digest}").ok()
    assert not people.reader.sees(f"{where}:cache")
