"""cosign 2 and 3: an image is pushed, waits unseen, and is there for everybody once the right key has signed it."""

import pytest

from tests.clients.conftest import People
from tests.support.clients import WAYS, Client, Signer
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact, image, write_layout

BY = [pytest.param("@{digest}", id="by-digest"), pytest.param(":v1", id="by-tag")]


def push(client: Client, reference: str, artifact: Artifact) -> str:
    """Push a single image with crane, return its digest."""
    folder = write_layout(client.home / artifact.digest[7:19], {"v1": artifact})
    client.run("crane", "push", folder, reference).ok()
    return artifact.digest


@pytest.mark.parametrize("reference", BY)
@pytest.mark.parametrize("way", WAYS)
def test_signing_promotes_at_once(people: People, signer: Signer, repository: str, way: str, reference: str) -> None:
    digest = push(people.writer, f"{repository}:v1", image(f"{way} {reference}"))
    assert not people.reader.sees(f"{repository}:v1")
    assert not people.reader.sees(f"{repository}@{digest}")
    signer.sign(people.writer, repository + reference.format(digest=digest), way).ok()
    # No waiting in between: promotion is in the transaction of the signature.
    people.reader.run("crane", "pull", f"{repository}:v1", "pulled.tar").ok()
    assert people.reader.digest(f"{repository}:v1").ok().out.strip() == digest


@pytest.mark.parametrize("way", WAYS)
def test_the_reader_verifies_the_signature_himself(people: People, signer: Signer, repository: str, way: str) -> None:
    digest = push(people.writer, f"{repository}:v1", image(f"verify {way}"))
    signer.sign(people.writer, f"{repository}@{digest}", way).ok()
    options = ["--key", str(signer.public), "--insecure-ignore-tlog"]
    if way == "3-bundle":
        options += ["--trusted-root", str(signer.folder / "root.json")]
    people.reader.run(WAYS[way][0], "verify", *options, f"{repository}@{digest}").ok()


@pytest.mark.parametrize("way", WAYS)
def test_a_key_that_nobody_trusts_promotes_nothing(
    people: People, signer: Signer, impostor: Signer, repository: str, way: str
) -> None:
    digest = push(people.writer, f"{repository}:v1", image(f"impostor {way}"))
    # Stored, and said to count for nothing: a signature by a key that is trusted later must not have been lost.
    impostor.sign(people.writer, f"{repository}@{digest}", way).ok()
    assert not people.reader.sees(f"{repository}:v1")
    signer.sign(people.writer, f"{repository}@{digest}", way).ok()
    assert people.reader.sees(f"{repository}:v1")


def test_an_attestation_is_not_a_signature(people: People, signer: Signer, repository: str) -> None:
    digest = push(people.writer, f"{repository}:v1", image("attested"))
    predicate = people.writer.home / "predicate.json"
    predicate.write_text('{"built": "by hand"}')
    options = ("--signing-config", signer.folder / "services.json", "--trusted-root", signer.folder / "root.json")
    attest = ("cosign", "attest", "--key", signer.key, *options, "--type", "custom", "--predicate", predicate, "--yes")
    people.writer.run(*attest, f"{repository}@{digest}").ok()
    assert not people.reader.sees(f"{repository}:v1")


@pytest.mark.parametrize("way", ["3-classic", "2-classic"])
def test_a_strict_project_takes_a_signature_before_its_image(
    people: People, gateway: GatewayProcess, signer: Signer, name: str, way: str
) -> None:
    artifact = image(f"signature first {way}")
    repository = f"{gateway.host}/strict/{name}"
    signer.sign(people.writer, f"{repository}@{artifact.digest}", way).ok()
    push(people.writer, f"{repository}:v1", artifact)
    assert people.reader.sees(f"{repository}:v1")


def test_a_strict_project_takes_an_image_by_digest_and_its_tag_once_it_is_signed(
    people: People, gateway: GatewayProcess, signer: Signer, name: str
) -> None:
    artifact = image("digest first")
    repository = f"{gateway.host}/strict/{name}"
    folder = write_layout(people.writer.home / name, {"v1": artifact})
    tagged = people.writer.run("crane", "push", folder, f"{repository}:v1")
    tagged.failed("DENIED", "wants a signature by release, and there is none")
    push(people.writer, f"{repository}@{artifact.digest}", artifact)
    assert not people.reader.sees(f"{repository}@{artifact.digest}")
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    people.writer.run("crane", "push", folder, f"{repository}:v1").ok()
    assert people.reader.sees(f"{repository}:v1")


def test_a_scanner_signs_by_tag_what_another_pushed(people: People, signer: Signer, repository: str) -> None:
    push(people.robot, f"{repository}:v1", image("scanner"))
    assert not people.reader.sees(f"{repository}:v1")
    signer.sign(people.scanner, f"{repository}:v1").ok()
    assert people.reader.sees(f"{repository}:v1")


def test_another_writer_signs_by_digest(people: People, signer: Signer, repository: str) -> None:
    digest = push(people.robot, f"{repository}:v1", image("two writers"))
    signer.sign(people.writer, f"{repository}:v1").failed("MANIFEST_UNKNOWN")
    signer.sign(people.writer, f"{repository}@{digest}").ok()
    assert people.reader.sees(f"{repository}:v1")


def test_a_reader_cannot_sign(people: People, signer: Signer, repository: str) -> None:
    digest = push(people.writer, f"{repository}:v1", image("reader signs"))
    signer.sign(people.reader, f"{repository}@{digest}").failed()
    assert not people.reader.sees(f"{repository}:v1")


def test_the_newest_request_for_a_tag_wins(people: People, signer: Signer, repository: str) -> None:
    first = push(people.writer, f"{repository}:v1", image("first"))
    second = push(people.writer, f"{repository}:v1", image("second"))
    signer.sign(people.writer, f"{repository}@{second}").ok()
    signer.sign(people.writer, f"{repository}@{first}").ok()
    assert people.reader.digest(f"{repository}:v1").ok().out.strip() == second
    assert people.reader.sees(f"{repository}@{first}")
