"""Copies of an image *with* its signatures, in one command, into a project that holds and one that refuses.

What a client can do follows from its order on the wire, which is not the gateway's to choose:
  oras cp -r       the image by digest, its referrers, then the tag; a classic signature is no referrer and stays behind
  cosign copy      the image as the tag ``sha256-<hex>`` and the classic signature, at the same time; then the tag; a
                   bundle stays behind
  skopeo copy      the tag, then the classic signature; a bundle stays behind
So a strict project takes copies from `oras cp -r` of bundles, or with the classic signature copied by itself first.
"""

from enum import Enum
from pathlib import Path
from typing import Final

import pytest

from tests.clients.conftest import People
from tests.support.clients import Client, Signer
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact, image, write_layout
from tests.support.programs import Ran


class Fate(Enum):
    """What becomes of a copy."""

    ADMITTED = "the command succeeds, and a reader sees it"
    HELD = "the command succeeds, and nobody sees it until it is signed"
    REFUSED = "the command fails and says why, and nothing is seen"
    EITHER = "ADMITTED or REFUSED whole: the client sends the image and its signature at once, see `ORDERS`"


HOLD, STRICT = "landing", "gate"

TABLE: Final = {
    ("oras", "3-bundle", HOLD): Fate.ADMITTED,
    ("oras", "3-bundle", STRICT): Fate.ADMITTED,
    ("oras", "3-classic", HOLD): Fate.HELD,
    ("oras", "3-classic", STRICT): Fate.REFUSED,
    ("cosign", "3-bundle", HOLD): Fate.HELD,
    ("cosign", "3-bundle", STRICT): Fate.REFUSED,
    ("cosign", "3-classic", HOLD): Fate.ADMITTED,
    ("cosign", "3-classic", STRICT): Fate.EITHER,
    ("cosign2", "3-bundle", HOLD): Fate.HELD,
    ("cosign2", "3-bundle", STRICT): Fate.REFUSED,
    ("cosign2", "3-classic", HOLD): Fate.ADMITTED,
    ("cosign2", "3-classic", STRICT): Fate.EITHER,
    ("skopeo", "3-bundle", HOLD): Fate.HELD,
    ("skopeo", "3-bundle", STRICT): Fate.REFUSED,
    ("skopeo", "3-classic", HOLD): Fate.ADMITTED,
    ("skopeo", "3-classic", STRICT): Fate.REFUSED,
    ("skopeo-new", "3-bundle", HOLD): Fate.HELD,
    ("skopeo-new", "3-bundle", STRICT): Fate.REFUSED,
    ("skopeo-new", "3-classic", HOLD): Fate.ADMITTED,
    ("skopeo-new", "3-classic", STRICT): Fate.REFUSED,
}
"""(tool, format of the signature, where to) to what becomes of it."""

ORDERS: Final = {
    ("signature", "image", "tag"): (True, True, True),
    ("image", "signature", "image", "tag"): (False, True, True, True),
}
"""The requests of `cosign copy` to a strict project in the orders in which they can arrive, those that a person repeats
included, to whether each is taken. What was refused has left nothing, and with the signature the next is taken."""

WHY: Final = "wants a signature by release, and there is none"


@pytest.fixture(scope="module")
def attachments(scratch: Path) -> Path:
    """skopeo copies signatures that are stored as images only where its `registries.d` says that there are any."""
    folder = scratch / "registries.d"
    folder.mkdir()
    (folder / "default.yaml").write_text("default-docker:\n  use-sigstore-attachments: true\n")
    return folder


def signed(client: Client, signer: Signer, repository: str, artifact: Artifact, way: str) -> None:
    folder = write_layout(client.home / artifact.digest[7:19], {"v1": artifact})
    client.run("crane", "push", folder, f"{repository}:v1").ok()
    signer.sign(client, f"{repository}@{artifact.digest}", way).ok()


def copy(client: Client, tool: str, source: str, target: str, attachments: Path) -> Ran:
    match tool:
        case "oras":
            return client.oras("cp", "--recursive", source, target)
        case "cosign" | "cosign2":
            return client.run(tool, "copy", source, target)
        case _:
            certificates = ("--src-cert-dir", client.certificates, "--dest-cert-dir", client.certificates)
            images = (f"docker://{source}", f"docker://{target}")
            newer = tool == "skopeo-new"
            return client.skopeo("--registries.d", attachments, "copy", *certificates, *images, newer=newer)


@pytest.mark.parametrize(("tool", "way", "project"), TABLE, ids=["-".join(row) for row in TABLE])
def test_a_copy_with_its_signature(
    people: People,
    signer: Signer,
    gateway: GatewayProcess,
    name: str,
    attachments: Path,
    tool: str,
    way: str,
    project: str,
) -> None:
    artifact = image(f"copy {tool} {way} {project}")
    source, target = f"{gateway.host}/acme/{name}", f"{gateway.host}/{project}/{name}"
    signed(people.writer, signer, source, artifact, way)
    done = copy(people.writer, tool, f"{source}:v1", f"{target}:v1", attachments)
    fate = TABLE[tool, way, project]
    either = fate is Fate.EITHER
    if either:
        # What the gateway shows says which it was, and what the client was told has to be that.
        fate = Fate.ADMITTED if people.reader.sees(f"{target}:v1") else Fate.REFUSED
    if fate is Fate.REFUSED:
        done.failed(WHY)
    else:
        done.ok()
    for reference in (f"{target}:v1", f"{target}@{artifact.digest}"):
        assert people.reader.sees(reference) is (fate is Fate.ADMITTED)
    if either and fate is Fate.REFUSED:
        # The same command is taken once the signature is there.
        signature = f"{artifact.digest.replace(':', '-')}.sig"
        people.writer.run("crane", "copy", f"{source}:{signature}", f"{target}:{signature}").ok()
        copy(people.writer, tool, f"{source}:v1", f"{target}:v1", attachments).ok()
        assert people.reader.sees(f"{target}:v1")
    if fate is Fate.HELD:
        # The image is there, and one command away.
        signer.sign(people.writer, f"{target}@{artifact.digest}", "3-bundle").ok()
        assert people.reader.sees(f"{target}:v1")


@pytest.mark.parametrize(("order", "taken"), ORDERS.items(), ids=["-".join(order) for order in ORDERS])
def test_each_order_of_what_cosign_copy_sends_at_once(
    people: People,
    signer: Signer,
    gateway: GatewayProcess,
    name: str,
    order: tuple[str, ...],
    taken: tuple[bool, ...],
) -> None:
    artifact = image(f"order {order}")
    source, target = f"{gateway.host}/acme/{name}", f"{gateway.host}/{STRICT}/{name}"
    signed(people.writer, signer, source, artifact, "3-classic")
    own = artifact.digest.replace(":", "-")
    parts = {
        "signature": (f":{own}.sig", f":{own}.sig"),
        "image": (f"@{artifact.digest}", f":{own}"),
        "tag": (":v1", ":v1"),
    }
    for part, is_taken in zip(order, taken, strict=True):
        there, here = parts[part]
        done = people.writer.run("crane", "copy", source + there, target + here)
        if is_taken:
            done.ok()
        else:
            done.failed("DENIED", WHY)
        if part != "signature":
            assert people.reader.sees(target + here) is is_taken
            assert people.reader.sees(f"{target}@{artifact.digest}") is is_taken


@pytest.mark.parametrize("project", [HOLD, STRICT])
def test_a_classic_signature_first_and_then_its_image(
    people: People, signer: Signer, gateway: GatewayProcess, name: str, project: str
) -> None:
    artifact = image(f"signature first {project}")
    source, target = f"{gateway.host}/acme/{name}", f"{gateway.host}/{project}/{name}"
    signed(people.writer, signer, source, artifact, "3-classic")
    signature = f"{artifact.digest.replace(':', '-')}.sig"
    people.writer.run("crane", "copy", f"{source}:{signature}", f"{target}:{signature}").ok()
    people.writer.run("crane", "copy", f"{source}:v1", f"{target}:v1").ok()
    assert people.reader.sees(f"{target}:v1")


def test_a_classic_signature_is_good_for_its_own_repository_only(
    people: People, signer: Signer, gateway: GatewayProcess, name: str
) -> None:
    """`strict` takes nothing over: what `acme`'s signature says about `acme` says nothing there."""
    artifact = image("replayed")
    source, target = f"{gateway.host}/acme/{name}", f"{gateway.host}/strict/{name}"
    signed(people.writer, signer, source, artifact, "3-classic")
    signature = f"{artifact.digest.replace(':', '-')}.sig"
    people.writer.run("crane", "copy", f"{source}:{signature}", f"{target}:{signature}").ok()
    refused = people.writer.run("crane", "copy", f"{source}:v1", f"{target}:v1")
    refused.failed("DENIED", "wants a signature by release")
    assert not people.reader.sees(f"{target}:v1")
