"""oras: artifacts, charts, referrers, and the Warning that it shows."""

from pathlib import Path

from tests.clients.conftest import People
from tests.support.clients import Client, Signer
from tests.support.images import HELM_CHART, HELM_CONFIG, Artifact, chart, image, write_layout
from tests.support.programs import Ran

SBOM = "application/vnd.example.sbom"


def copy_in(client: Client, reference: str, artifact: Artifact) -> Ran:
    folder = write_layout(client.home / artifact.digest[7:19], {"v1": artifact})
    return client.oras("cp", "--from-oci-layout", f"{folder}:v1", reference)


def file(client: Client, name: str, content: bytes) -> str:
    (client.home / name).write_bytes(content)
    return name


def test_an_artifact_is_pushed_signed_and_pulled(people: People, signer: Signer, repository: str) -> None:
    writer, reader = people.writer, people.reader
    payload = file(writer, "report.txt", b"all is well\n")
    pushed = writer.oras("push", f"{repository}:v1", "--artifact-type", "application/x-report", payload).ok()
    digest = writer.digest(f"{repository}:v1").ok().out.strip()
    pushed.tells("held", "cosign sign --key cosign.key ", f" {repository}@{digest}")
    reader.oras("pull", f"{repository}:v1", "--output", "before").failed("not found")
    signer.sign(writer, f"{repository}@{digest}").ok()
    reader.oras("pull", f"{repository}:v1", "--output", "after").ok()
    assert (reader.home / "after" / payload).read_bytes() == b"all is well\n"


def test_a_chart_of_helms_shape(people: People, signer: Signer, repository: str) -> None:
    made = chart("app")
    config, content = made.blobs
    writer, reader = people.writer, people.reader
    layer = f"{file(writer, 'app-1.0.0.tgz', content.content)}:{HELM_CHART}"
    about = f"{file(writer, 'Chart.json', config.content)}:{HELM_CONFIG}"
    writer.oras("push", f"{repository}:1.0.0", "--config", about, layer).ok().tells("held")
    reader.oras("pull", f"{repository}:1.0.0", "--output", "chart").failed("not found")
    signer.sign(writer, f"{repository}:1.0.0").ok()
    reader.oras("pull", f"{repository}:1.0.0", "--output", "chart").ok()
    assert (reader.home / "chart" / "app-1.0.0.tgz").read_bytes() == content.content


def test_an_unsigned_referrer_waits_and_its_image_does_not(people: People, signer: Signer, repository: str) -> None:
    artifact = image("oras attach")
    writer, reader = people.writer, people.reader
    copy_in(writer, f"{repository}:v1", artifact).ok().tells("held")
    signer.sign(writer, f"{repository}@{artifact.digest}").ok()
    sbom = file(writer, "sbom.json", b'{"packages": []}')
    attach = ("attach", "--artifact-type", SBOM, f"{repository}@{artifact.digest}", f"{sbom}:application/json")
    writer.oras(*attach).ok().tells("held")
    discover = ("discover", "--format", "json", f"{repository}:v1")
    assert SBOM in writer.oras(*discover).ok().out
    assert SBOM not in reader.oras(*discover).ok().out
    assert reader.sees(f"{repository}:v1")


def test_the_signature_itself_is_a_referrer_for_everybody(people: People, signer: Signer, repository: str) -> None:
    artifact = image("oras discover")
    copy_in(people.writer, f"{repository}:v1", artifact).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    said = people.reader.oras("discover", "--format", "json", f"{repository}:v1").ok()
    said.tells("application/vnd.dev.sigstore.bundle.v0.3+json")


def test_a_pull_to_a_layout_is_the_same_bytes(people: People, signer: Signer, repository: str) -> None:
    artifact = image("oras layout")
    copy_in(people.writer, f"{repository}:v1", artifact).ok()
    signer.sign(people.writer, f"{repository}@{artifact.digest}").ok()
    people.reader.oras("cp", f"{repository}:v1", "--to-oci-layout", "layout:v1").ok()
    blobs = people.reader.home / "layout" / "blobs"
    for blob in (artifact.manifest, *artifact.blobs):
        assert (blobs / Path(blob.digest.replace(":", "/"))).read_bytes() == blob.content
