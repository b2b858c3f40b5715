"""What an image says of itself, written so that nobody can judge it: through the whole gateway.

What a detector masks hides nothing from a rule, what is past a budget is refused whatever SEC001's level, and one writer's
long texts keep no thread from another's signature.
"""

import json
import random
from collections.abc import Iterator, Mapping

import pytest

from gateway.admission.parts import MAX_CONFIGS_BYTES
from gateway.oci.strict_json import JsonObject
from tests.support.api import Reply
from tests.support.images import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Artifact, Blob, Json, canonical, image
from tests.support.whole import Whole, furnished, whole

SECRETS = (
    pytest.param({"level": "enforce"}, id="enforced"),
    pytest.param({"level": "warn"}, id="warns"),
    pytest.param({"level": "off"}, id="off"),
    pytest.param(
        {"level": "enforce", "ignored_detectors": ["high-entropy-value", "password", "too-many-candidates"]},
        id="ignored",
    ),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("descriptions") / "state") as made:
        yield furnished(made)
        assert made.failures == []


def rewritten(name: str, *, user: str = "10001", more: Mapping[str, Json] | None = None) -> Artifact:
    """Return an image whose config says this user, and ``more``."""
    clean = image(name, user=user)
    config = json.loads(clean.blobs[0].content) | dict(more or {})
    blob = Blob(OCI_CONFIG, canonical(config))
    document = json.loads(clean.manifest.content)
    document["config"] = blob.descriptor()
    return Artifact(Blob(OCI_MANIFEST, canonical(document)), (blob, clean.blobs[1]))


def reasons(reply: Reply) -> set[str]:
    assert reply.status == 403, reply.body
    return {reason["code"] for reason in reply.json()["errors"][0]["detail"]["reasons"]}


def judging(built: Whole, secrets: JsonObject) -> None:
    built.rules({"registry": {"config": {"rules": {"SEC001": secrets, "CFG001": {"level": "enforce"}}}}})


@pytest.mark.parametrize("secrets", SECRETS)
@pytest.mark.parametrize(
    "user",
    [
        "root", "0:wheel", "0:token=A1b2C3d4E5f6G7h8J9k0", "0:password=x", f"0:{'token=a ' * 300}",
        "0:ghp_" + "a1" * 18,
    ],
)  # fmt: skip
def test_what_masks_a_user_does_not_hide_root(built: Whole, secrets: JsonObject, user: str) -> None:
    judging(built, secrets)
    assert "CFG001" in reasons(built.push("pusher", rewritten(f"user {user} {secrets}", user=user), "root"))


@pytest.mark.parametrize("secrets", SECRETS)
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"y": [{f"n{number}": "v"} for number in range(45_000)]}, id="texts"),
        pytest.param({"y": [f"a{number}_token={'$a' * 300}" for number in range(6_000)]}, id="candidates"),
        pytest.param({"y": {"\\/" + f"{number}x" * 400_000: "v" for number in range(4)}}, id="characters"),
    ],
)
def test_a_budget_that_is_spent_is_a_refusal_whatever_the_level(
    built: Whole, secrets: JsonObject, more: Mapping[str, Json], request: pytest.FixtureRequest
) -> None:
    judging(built, secrets)
    artifact = rewritten(request.node.callspec.id, user="0", more=more)
    assert reasons(built.push("pusher", artifact, "spent")) == {"CONTENT_LIMIT"}


def test_the_configs_of_an_index_have_a_limit_together(built: Whole) -> None:
    """Before they are read: a config of 4 MiB is 19 MB of values."""
    judging(built, {"level": "warn"})
    size = 3 << 20
    children = []
    for number in range(MAX_CONFIGS_BYTES // size + 1):
        artifact = rewritten(f"child {number}", more={"x": {"padding": f"{number:07} " * (size // 8)}})
        built.push("pusher", artifact)
        children.append(artifact)
    listed = canonical(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child.manifest.descriptor() for child in children]}
    )
    reply = built.put("pusher", Artifact(Blob(OCI_INDEX, listed)), "many")
    assert reasons(reply) == {"CONTENT_LIMIT"}
    assert "configs" in reply.json()["errors"][0]["detail"]["reasons"][0]["message"]


def test_a_text_that_was_made_for_the_pattern_of_a_key_costs_what_others_cost(built: Whole) -> None:
    judging(built, {"level": "enforce"})
    random_ = random.Random(3)
    text = "".join(random_.choice(["aws", "secret", "a", "s", "x"]) for _ in range(600_000))
    assert built.push("pusher", rewritten("pattern", more={"x": text}), "pattern").status == 201
