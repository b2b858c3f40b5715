"""A secret that begins in a name and ends in its value is in neither afterwards, nor in the place that is told."""

from dataclasses import asdict
from typing import Final

import pytest

from gateway.policy import detectors
from gateway.policy.secret_shapes import SHAPES
from gateway.policy.secrets import Masked, mask

TEXT: Final = "q7Rk2Vw9Zx4Lm8Tp3Ns6Hd5Jb1Yc0Gf7Qa2We9Uo"
SECRETS: Final[dict[str, tuple[str, str]]] = {
    "private-key": ("-----BEGIN RSA PRIVATE KEY-----", ""),
    "aws-access-key": ("AKIAQ7RK2VW9ZX4LM8TP", ""),
    "aws-secret-key": (f"aws_secret_access_key={TEXT}", TEXT),
    "github-token": (f"ghp_{TEXT}", ""),
    "gitlab-token": (f"glpat-{TEXT}", ""),
    "slack-token": (f"xoxb-{TEXT}", ""),
    "slack-webhook": (f"hooks.slack.com/services/T0/B0/{TEXT}", ""),
    "google-api-key": (f"AIza{TEXT[:35]}", ""),
    "stripe-key": (f"sk_live_{TEXT}", ""),
    "npm-token": (f"npm_{TEXT[:36]}", ""),
    "pypi-token": (f"pypi-AgE{TEXT}", ""),
    "docker-token": (f"dckr_pat_{TEXT}", ""),
    "jwt": (f"eyJ{TEXT}.eyJ{TEXT[5:]}.{TEXT[9:]}", ""),
    "authorization-header": (f"Authorization: Bearer {TEXT}", TEXT),
    "docker-auth": ('{"auths":{"r":{"auth":"aGVsbG86d29ybGQxMjM="}}}', "aGVsbG86d29ybGQxMjM="),
    detectors.URL_CREDENTIALS: (f"https://u:{TEXT}@host/x", TEXT),
    detectors.BASIC_CREDENTIALS: (f"curl -u bob:{TEXT} https://host/", TEXT),
    detectors.PASSWORD: (f"./run --password={TEXT}", TEXT),
    detectors.HIGH_ENTROPY: (f"./run --api-token={TEXT}", TEXT),
}
"""Detector -> a text that it finds, and what of it is secret where that is not all."""

PIECE: Final = 8


def survives(secret: str, masked: Masked) -> list[str]:
    told = str(asdict(masked))
    pieces = {secret[at : at + PIECE] for at in range(len(secret) - PIECE + 1)}
    return sorted(piece for piece in pieces if piece in told)


def masks(name: str, value: str) -> dict[str, Masked]:
    pair = {name: value}
    return {
        "env": mask(env=[f"{name}={value}"]),
        "labels": mask(labels=pair),
        "annotations": mask(annotations=pair),
        "descriptors": mask(descriptors={"layers[0]": pair}),
        "rest": mask(rest={"config": {**pair}}),
    }


def test_every_detector_has_a_secret() -> None:
    assert SECRETS.keys() == SHAPES.keys() | set(detectors.CREDENTIALS) | {detectors.PASSWORD, detectors.HIGH_ENTROPY}


@pytest.mark.parametrize("detector", SECRETS)
def test_no_piece_of_a_secret_survives_wherever_it_is_cut(detector: str) -> None:
    text, secret = SECRETS[detector]
    leaks = {
        (place, at): pieces
        for at in range(len(text) + 1)
        for place, masked in masks(text[:at], text[at:]).items()
        if (pieces := survives(secret or text, masked))
    }
    assert leaks == {}


@pytest.mark.parametrize("detector", SECRETS)
def test_every_cut_is_found(detector: str) -> None:
    text, _ = SECRETS[detector]
    missed = [
        (place, at)
        for at in range(len(text) + 1)
        for place, masked in masks(text[:at], text[at:]).items()
        if not masked.findings
    ]
    assert missed == []


def test_both_halves_are_masked_and_the_place_is_not_the_secret() -> None:
    masked = mask(env=['{"auths":{"r":{"auth":"aGVsbG86d29ybGQ="}}}'], labels={"https://u:hunter2": "@host/x"})
    assert masked.env == ("[masked: docker-auth]=[masked: docker-auth]",)
    assert masked.labels == {"[masked: url-credentials]": "[masked: url-credentials]"}
    assert {finding.where for finding in masked.findings} == {
        "env", "env:[masked: docker-auth]", "label", "label:[masked: url-credentials]",
    }  # fmt: skip


def test_a_place_in_the_rest_does_not_hold_what_begins_in_its_name() -> None:
    masked = mask(rest={"config": {"https://u:hunter2": "@host/x"}})
    assert [finding.where for finding in masked.findings] == ["config", "config.#0"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("DB_PASSWORD", "hunter2", id="a-password"),
        pytest.param("Authorization", "Bearer abcdefgh1234", id="a-header"),
        pytest.param("AWS_SECRET_ACCESS_KEY", TEXT, id="an-aws-secret"),
        pytest.param("db url (main)", "postgres://u:p4ss@h/", id="a-url"),
        pytest.param("run: x y", f"a ghp_{TEXT}", id="a-token"),
        pytest.param("token", ":q7Rk2Vw9Zx4Lm8Tp3Ns6Hd5", id="a-separator-in-the-value"),
    ],
)
def test_a_name_that_holds_nothing_of_the_secret_is_shown(name: str, value: str) -> None:
    masked = mask(env=[f"{name}={value}"], labels={name: value})
    assert masked.env[0].startswith(f"{name}=[masked: ")
    assert list(masked.labels) == [name]
    assert [finding.where for finding in masked.findings] == [f"env:{name}", f"label:{name}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("registry", "host:5000/x@sha256:abc", id="a-reference"),
        pytest.param("https://example.test", ":8080", id="a-url-and-a-port"),
        pytest.param("token", ":latest", id="a-tag"),
        pytest.param("https://u:${PASS}", "@host/x", id="a-placeholder"),
    ],
)
def test_what_only_reads_like_one_together_is_none(name: str, value: str) -> None:
    assert mask(labels={name: value}).findings == ()
