"""skopeo, both generations, and podman: the tools of the other container engine."""

import pytest

from tests.clients.conftest import People
from tests.support.clients import Client, Signer
from tests.support.images import image, write_docker_archive, write_layout
from tests.support.programs import Ran

BOTH = pytest.mark.parametrize("newer", [pytest.param(False, id="1.9"), pytest.param(True, id="newest")])


def skopeo_push(client: Client, source: str, reference: str, *, newer: bool) -> Ran:
    certificates = ("--dest-cert-dir", client.certificates)
    return client.skopeo("copy", *certificates, source, f"docker://{reference}", newer=newer)


def skopeo_pull(client: Client, reference: str, target: str, *, newer: bool) -> Ran:
    certificates = ("--src-cert-dir", client.certificates)
    return client.skopeo("copy", *certificates, f"docker://{reference}", target, newer=newer)


@BOTH
def test_skopeo_pushes_and_pulls(people: People, signer: Signer, repository: str, newer: bool) -> None:
    artifact = image(f"skopeo {newer}")
    folder = write_layout(people.writer.home / repository.rpartition("/")[2], {"v1": artifact})
    skopeo_push(people.writer, f"oci:{folder}:v1", f"{repository}:v1", newer=newer).ok()
    skopeo_pull(people.reader, f"{repository}:v1", f"oci:before-{newer}:v1", newer=newer).failed("manifest unknown")
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    skopeo_pull(people.reader, f"{repository}:v1", f"oci:after-{newer}:v1", newer=newer).ok()
    pulled = people.reader.home / f"after-{newer}" / "blobs" / artifact.digest.replace(":", "/")
    assert pulled.read_bytes() == artifact.manifest.content


@BOTH
def test_skopeo_inspects_and_lists(people: People, signer: Signer, repository: str, newer: bool) -> None:
    artifact = image(f"skopeo inspect {newer}")
    folder = write_layout(people.writer.home / repository.rpartition("/")[2], {"v1": artifact})
    skopeo_push(people.writer, f"oci:{folder}:v1", f"{repository}:v1", newer=newer).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    where = ("--cert-dir", people.reader.certificates, f"docker://{repository}")
    people.reader.skopeo("inspect", *where[:2], f"docker://{repository}:v1", newer=newer).ok().tells(artifact.digest)
    people.reader.skopeo("list-tags", *where, newer=newer).ok().tells('"v1"')


@BOTH
def test_skopeo_shows_why_a_strict_project_refuses(people: People, repository: str, newer: bool) -> None:
    strict = repository.replace("/acme/", "/strict/")
    folder = write_layout(people.writer.home / repository.rpartition("/")[2], {"v1": image(f"skopeo strict {newer}")})
    refused = skopeo_push(people.writer, f"oci:{folder}:v1", f"{strict}:v1", newer=newer)
    refused.failed("denied", "wants a signature by release, and there is none")


@BOTH
def test_a_wrong_password(people: People, repository: str, newer: bool) -> None:
    words = (
        "inspect",
        "--cert-dir",
        people.nobody.certificates,
        "--creds",
        "writer:wrong",
        f"docker://{repository}:v1",
    )
    people.nobody.skopeo(*words, newer=newer).failed("unauthorized")


def test_podman_pushes_and_pulls(people: People, signer: Signer, repository: str) -> None:
    tag = f"{repository}:v1"
    writer, reader = people.writer, people.reader
    archive = write_docker_archive(writer.home / "podman.tar", image("podman"), tag)
    writer.podman("load", "--input", archive).ok()
    writer.podman("push", "--cert-dir", writer.certificates, tag).ok()
    pull = ("pull", "--cert-dir", reader.certificates, tag)
    reader.podman(*pull).failed("manifest unknown")
    signer.sign(writer, tag).ok()
    reader.podman(*pull).ok()


def test_podman_logs_in_and_out(people: People, repository: str) -> None:
    writer = people.writer
    host = repository.partition("/")[0]
    file = writer.home / "podman-auth.json"
    login = ("login", "--authfile", file, "--cert-dir", writer.certificates, "--username", writer.name)
    writer.podman(*login, "--password", writer.password, host).ok().tells("Login Succeeded!")
    writer.podman("logout", "--authfile", file, host).ok().tells(f"Removed login credentials for {host}")
    wrong = writer.podman(*login, "--password", "wrong", host)
    wrong.failed("invalid username/password")
