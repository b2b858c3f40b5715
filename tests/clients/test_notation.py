"""notation: its signatures are of a format that this version does not verify, and so they are for nobody a reason to trust.

Each is kept as what it is to the gateway, a manifest with a `subject` that nobody admitted: whoever may see what is held
finds it among the referrers, and the image goes on waiting for a signature that counts. By default notation also writes
the tag ``sha256-<hex>``, a name that is for evidence only, and is refused it.

notation speaks plain HTTP to `localhost`, whatever it is told, and keeps no login in a file: hence 127.0.0.1 and the
environment.
"""

from pathlib import Path

import pytest

from tests.clients.conftest import People
from tests.support.clients import Client, Signer
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact, image, write_layout
from tests.support.programs import Ran

SIGNATURE = "application/vnd.cncf.notary.signature"
FORMATS = ["jws", "cose"]


@pytest.fixture(scope="module")
def key(people: People) -> str:
    """The name of a key and a certificate of the writer's, made for tests."""
    people.writer.run("notation", "cert", "generate-test", "tests").ok()
    return "tests"


def notation(client: Client, *words: str | Path) -> Ran:
    return client.run("notation", *words, env={"NOTATION_USERNAME": client.name, "NOTATION_PASSWORD": client.password})


def signed(client: Client, key: str, reference: str, form: str, *, tag: bool) -> Ran:
    """Sign ``reference``; ``tag``: with the tag of the referrers beside the signature, as notation does by default."""
    options = () if tag else ("--force-referrers-tag=false",)
    return notation(client, "sign", "--key", key, "--signature-format", form, *options, by_address(reference))


def by_address(reference: str) -> str:
    return reference.replace("localhost:", "127.0.0.1:")


def held(client: Client, repository: str, seed: str) -> Artifact:
    """Push an image that waits for its signature."""
    artifact = image(seed)
    folder = write_layout(client.home / artifact.digest[7:19], {"v1": artifact})
    client.run("crane", "push", folder, f"{repository}:v1").ok()
    return artifact


def signatures(client: Client, reference: str) -> list[str]:
    """Return the digests of the signatures that `notation list` shows of ``reference``."""
    listed = notation(client, "list", by_address(reference)).ok().out
    return [
        line.split()[-1] for line in listed.splitlines() if line.split()[-1:] and line.split()[-1].startswith("sha256:")
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_a_signature_of_notations_is_kept_unseen_and_admits_nothing(
    people: People, signer: Signer, gateway: GatewayProcess, repository: str, key: str, name: str, form: str
) -> None:
    artifact = held(people.writer, repository, f"notation {form}")
    reference = f"{repository}@{artifact.digest}"
    signed(people.writer, key, reference, form, tag=False).ok()
    (signature,) = signatures(people.writer, reference)
    # The image waits as before, and so does what was said of it; the operator is told both.
    for what in (artifact.digest, signature):
        assert not people.reader.sees(f"{repository}@{what}")
        why = gateway.cli("image", "why", f"acme/{name}@{what}").ok().out
        assert "is held: stored, and not visible to whoever only pulls" in why
        assert "waiting[SIG001]: not signed by a signer whom the project's trust policy trusts" in why
    assert not people.reader.sees(f"{repository}:v1")
    # A signature that counts is what it waited for, and brings the other one to nobody's eyes.
    signer.sign(people.writer, reference).ok()
    assert people.reader.sees(f"{repository}:v1")
    assert signatures(people.reader, reference) == []
    assert not people.reader.sees(f"{repository}@{signature}")


@pytest.mark.parametrize("form", FORMATS)
def test_the_tag_that_notation_writes_by_default_is_refused_in_words(
    people: People, signer: Signer, repository: str, key: str, form: str
) -> None:
    artifact = held(people.writer, repository, f"notation tag {form}")
    reference = f"{repository}@{artifact.digest}"
    signed(people.writer, key, reference, form, tag=True).failed(
        "FALLBACK_INVALID", "is not evidence of", "this tag lists evidence only"
    )
    assert people.writer.run("crane", "ls", repository).ok().out.split() == ["v1"]
    assert not people.reader.sees(f"{repository}:v1")
    # Nothing broke: the one that counts still does.
    signer.sign(people.writer, reference).ok()
    assert people.reader.sees(f"{repository}:v1")
