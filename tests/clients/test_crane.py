"""crane (go-containerregistry): push, pull, copy, list, delete, and the Warning that it shows."""

import re
import shlex

from tests.clients.conftest import People
from tests.support.clients import Client, Signer
from tests.support.images import Artifact, image, write_layout
from tests.support.programs import Ran


def push(client: Client, reference: str, artifact: Artifact) -> Ran:
    folder = write_layout(client.home / artifact.digest[7:19], {"v1": artifact})
    return client.run("crane", "push", folder, reference)


def test_the_warning_names_the_command_that_promotes(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane warning")
    said = push(people.writer, f"{repository}:v1", artifact).ok()
    said.tells("held")
    found = re.search(r"cosign sign --key cosign\.key .*@sha256:[0-9a-f]{64}", said.out + said.err)
    assert found is not None, said.err
    assert found[0].endswith(f"{repository}@{artifact.digest}")
    assert not people.reader.sees(f"{repository}:v1")
    words = [str(signer.key) if word == "cosign.key" else word for word in shlex.split(found[0])]
    people.writer.run(*words).ok()
    assert people.reader.sees(f"{repository}:v1")


def test_what_is_held_has_no_bytes_for_a_reader(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane blobs")
    push(people.writer, f"{repository}:v1", artifact).ok()
    for blob in artifact.blobs:
        people.writer.run("crane", "blob", f"{repository}@{blob.digest}").ok()
        people.reader.run("crane", "blob", f"{repository}@{blob.digest}").failed("BLOB_UNKNOWN")
    people.reader.run("crane", "manifest", f"{repository}@{artifact.digest}").failed("MANIFEST_UNKNOWN")
    assert people.reader.run("crane", "ls", repository).out == ""
    assert people.writer.run("crane", "ls", repository).ok().out.split() == ["v1"]
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    for blob in artifact.blobs:
        people.reader.run("crane", "blob", f"{repository}@{blob.digest}").ok()
    assert "v1" in people.reader.run("crane", "ls", repository).ok().out.split()


def test_the_bytes_come_back_as_they_were_pushed(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane bytes")
    push(people.writer, f"{repository}:v1", artifact).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    said = people.reader.run("crane", "manifest", f"{repository}:v1").ok()
    assert said.out.encode().rstrip(b"\n") == artifact.manifest.content
    people.reader.run("crane", "validate", "--remote", f"{repository}:v1").ok()


def test_a_docker_manifest_keeps_its_type_and_digest(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane docker", docker=True)
    people.writer.push_parts(repository, artifact)
    people.writer.push_manifest(repository, "v1", artifact.manifest).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    assert people.reader.digest(f"{repository}:v1").ok().out.strip() == artifact.digest
    people.reader.run("crane", "validate", "--remote", f"{repository}:v1").ok()


def test_another_tag_of_what_is_admitted_is_there_at_once(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane tag")
    push(people.writer, f"{repository}:v1", artifact).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    people.writer.run("crane", "tag", f"{repository}:v1", "v2").ok()
    assert people.reader.digest(f"{repository}:v2").ok().out.strip() == artifact.digest


def test_a_large_layer_goes_up_and_comes_down(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane large", layer_bytes=20 << 20)
    push(people.writer, f"{repository}:v1", artifact).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    people.reader.run("crane", "validate", "--remote", f"{repository}:v1").ok()


def test_nobody_without_an_account_sees_a_private_project(people: People, signer: Signer, repository: str) -> None:
    artifact = image("crane anonymous")
    push(people.writer, f"{repository}:v1", artifact).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    people.nobody.run("crane", "manifest", f"{repository}:v1").failed()
    people.outsider.run("crane", "manifest", f"{repository}:v1").failed()


def test_a_writer_cannot_delete(people: People, repository: str) -> None:
    push(people.writer, f"{repository}:v1", image("crane delete")).ok()
    people.writer.run("crane", "delete", f"{repository}:v1").failed()
    assert people.writer.sees(f"{repository}:v1")
