"""Two signers are asked for, and one of them has the key: what is no second signature must not pass for one."""

from pathlib import Path
from typing import Final

import pytest

from gateway.admission.values import Admitted
from tests.support.admission import KEY, OTHER_KEY, House, house, run
from tests.support.admission_stories import codes
from tests.support.evidence import Evidence, attested_bundle, attested_classic, signed_bundle, signed_classic
from tests.support.images import image

APP: Final = image("two signers")
FILES: Final = {"key.pub": KEY.pem.encode(), "other.pub": OTHER_KEY.pem.encode()}
SBOM: Final = "\n    attestations: [{name: bom, predicateType: slsaprovenance1}]"


def policy(*keys: str, mode: str = "enforce", extra: str = "") -> bytes:
    authorities = "".join(f"\n  - name: {key}\n    key: {{path: {key}.pub}}\n    ctlog: none{extra}" for key in keys)
    return f"images: [{{glob: '**'}}]\nmode: {mode}\nauthorities:{authorities}\n".encode()


@pytest.mark.parametrize(
    ("policies", "second"),
    [
        pytest.param(
            {"r": policy("key"), "trial": policy("other", mode="warn")},
            attested_bundle(OTHER_KEY, "https://anything.example/at-all", subject=APP.digest),
            id="an-attestation-under-a-policy-in-warn-mode",
        ),
        pytest.param(
            {"r": policy("key"), "trial": policy("other", mode="warn")},
            signed_bundle(OTHER_KEY, subject=APP.digest),
            id="a-signature-under-a-policy-in-warn-mode",
        ),
        pytest.param(
            {"r": policy("key", "other")},
            attested_classic(OTHER_KEY, subject=APP.digest),
            id="an-attestation-by-a-key-that-may-sign",
        ),
        pytest.param(
            {"r": policy("key"), "bom": policy("other", extra=SBOM)},
            attested_bundle(OTHER_KEY, subject=APP.digest),
            id="an-attestation-that-is-wanted",
        ),
        pytest.param(
            {"r": policy("key"), "again": policy("key")},
            signed_bundle(KEY, subject=APP.digest, annotations={"again": "yes"}),
            id="the-same-key-again",
        ),
    ],
)
def test_what_is_no_second_signer(tmp_path: Path, policies: dict[str, bytes], second: Evidence) -> None:
    async def story(home: House) -> None:
        await home.trust({**FILES, **{f"{name}.yaml": text for name, text in policies.items()}})
        await home.level("SIG001", "enforce", minimum_signers=2)
        await home.push("alice", APP, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=APP.digest))
        await home.attach("alice", second)
        assert codes(await home.push("alice", APP, "v1")) == {"SIG001"}
        assert await home.target("v1") is None

    with house(tmp_path) as home:
        run(story(home))


def test_who_is_trusted_to_attest_is_no_signer_by_a_signature_beside_anothers(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        attester = f"\n  - name: other\n    key: {{path: other.pub}}\n    ctlog: none{SBOM}\n".encode()
        await home.trust({**FILES, "r.yaml": policy("key").rstrip() + attester})
        await home.level("SIG001", "enforce", minimum_signers=2)
        await home.push("alice", APP, "v1")
        await home.attach("alice", attested_bundle(OTHER_KEY, subject=APP.digest))
        await home.attach("alice", signed_classic(KEY, OTHER_KEY, subject=APP.digest))
        assert codes(await home.push("alice", APP, "v1")) == {"SIG001"}

    with house(tmp_path) as home:
        run(story(home))


def test_two_signers_and_what_is_attested_alone(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.trust({**FILES, "r.yaml": policy("key", "other")})
        await home.level("SIG001", "enforce", minimum_signers=2)
        await home.push("alice", APP, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=APP.digest))
        assert isinstance(await home.attach("alice", signed_bundle(OTHER_KEY, subject=APP.digest)), Admitted)
        assert await home.target("v1") == APP.digest
        # A trust policy that asks for an attestation alone is met by it, and the rule asks for no more than that.
        await home.trust({**FILES, "bom.yaml": policy("key", extra=SBOM)})
        await home.level("SIG001", "enforce")
        other = image("attested")
        await home.push("alice", other, "v2")
        assert isinstance(await home.attach("alice", attested_bundle(KEY, subject=other.digest)), Admitted)

    with house(tmp_path) as home:
        run(story(home))
