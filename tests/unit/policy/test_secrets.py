"""What a detector matched is nowhere afterwards; everything else is untouched."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.secrets import MAX_FINDINGS, TOO_MANY, Masked, SecretFinding, mask

CANARY = "ghp_" + "C4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n4ry"


def found(masked: Masked) -> list[tuple[str, str]]:
    return [(finding.detector, finding.where) for finding in masked.findings]


def test_what_is_no_secret_is_untouched() -> None:
    masked = mask(
        env=["PATH=/bin", "EMPTY=", "NOTHING", ""],
        labels={"a": "b"},
        annotations={"c": "d", "": ""},
        history=["RUN true", "RUN true"],
        entrypoint=["/app"],
        cmd=["--flag", "value"],
        texts={"user": "10001"},
    )
    assert masked.env == ("PATH=/bin", "EMPTY=", "NOTHING", "")
    assert (masked.labels, masked.annotations) == ({"a": "b"}, {"c": "d", "": ""})
    assert masked.history == ("RUN true", "RUN true")
    assert (masked.entrypoint, masked.cmd, masked.texts) == (("/app",), ("--flag", "value"), {"user": "10001"})
    assert masked.findings == ()


def test_the_place_is_named_and_the_name_kept() -> None:
    masked = mask(
        env=["A=1", f"DEPLOY={CANARY}"], labels={"x": CANARY}, annotations={"y": CANARY}, history=["", CANARY]
    )
    assert masked.env == ("A=1", "DEPLOY=[masked: github-token]")
    assert masked.labels == {"x": "[masked: github-token]"}
    assert found(masked) == [
        ("github-token", "env:DEPLOY"),
        ("github-token", "label:x"),
        ("github-token", "annotation:y"),
        ("github-token", "history:1"),
    ]


def test_the_whole_value_goes_not_only_the_match() -> None:
    masked = mask(env=[f"X=user {CANARY} otherhalf"])
    assert masked.env == ("X=[masked: github-token]",)


def test_a_secret_in_a_name_goes_too() -> None:
    masked = mask(env=[f"{CANARY}=1", CANARY], labels={CANARY: "1", CANARY + "x": "2"})
    assert CANARY not in str(asdict(masked))
    assert len(masked.labels) == 2


def test_a_flag_and_its_value_are_read_together() -> None:
    masked = mask(cmd=["serve", "--password", "hunter2", "--port", "80"])
    assert masked.cmd == ("serve", "--password", "[masked: password]", "--port", "80")
    assert found(masked) == [("password", "cmd:2")]


def test_a_secret_is_found_in_every_place_that_it_is_in() -> None:
    token = "ghp_" + "A1" * 18
    masked = mask(cmd=(token, "x", token), texts={"user": token})
    assert [finding.where for finding in masked.findings] == ["cmd:0", "cmd:2", "user"]
    assert token not in repr(masked)


def test_a_named_value_with_spaces() -> None:
    assert mask(env=["DB_PASSWORD=correct horse battery"]).env == ("DB_PASSWORD=[masked: password]",)


def test_there_is_a_last_finding() -> None:
    masked = mask(env=[f"DB{number}_PASSWORD=x{number}" for number in range(MAX_FINDINGS + 5)])
    assert len(masked.findings) == MAX_FINDINGS
    assert masked.findings[-1] == SecretFinding(TOO_MANY, f"{MAX_FINDINGS + 5} places")
    assert all(entry.endswith("[masked: password]") for entry in masked.env)


def test_a_long_name_is_cut_in_the_finding() -> None:
    (finding,) = mask(labels={"k" * 5000: CANARY}).findings
    assert len(finding.where) < 300


def test_a_secret_behind_megabytes_of_noise_is_found() -> None:
    noise = "".join(chr(32 + (number * number + number // 7) % 94) for number in range(1_000_000))
    assert mask(history=[noise + " " + CANARY]).history == ("[masked: github-token]",)


PLACES = ["env", "labels", "annotations", "history", "entrypoint", "cmd", "texts"]
SURROUNDINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize("place", PLACES)
@given(before=SURROUNDINGS, after=SURROUNDINGS, in_name=st.booleans())
def test_the_canary_never_survives(place: str, before: str, after: str, in_name: bool) -> None:
    secret = f"{before} {CANARY} {after}"
    pair = {secret: "x"} if in_name and place != "texts" else {"name": secret}
    given_texts = {
        "env": {"env": [f"{name}={value}" for name, value in pair.items()]},
        "labels": {"labels": pair},
        "annotations": {"annotations": pair},
        "texts": {"texts": pair},
    }.get(place, {place: ["x", secret, "y"]})
    masked = mask(**given_texts)  # type: ignore[arg-type]  # One of seven keywords, each with its own type.
    assert CANARY not in str(asdict(masked))
    assert masked.findings
