"""What a detector matched is nowhere afterwards; everything else is untouched."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oci.strict_json import JsonObject, JsonValue
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


@pytest.mark.parametrize(
    ("rest", "where"),
    [
        pytest.param({"author": "DB_PASSWORD=hunter2"}, "author", id="a-text"),
        pytest.param({"password": "hunter2"}, "#0", id="under-a-name-that-says-so"),
        pytest.param({"config": {"WorkingDir": f"/{CANARY}"}}, "config.WorkingDir", id="deeper"),
        pytest.param({"config": {"OnBuild": ["RUN x", "ENV DB_PASSWORD=x y"]}}, "config.OnBuild[1]", id="a-list"),
        pytest.param(
            {"config": {"Shell": ["sh", "--password", "hunter2"]}}, "config.Shell[2]", id="a-flag-and-its-value"
        ),
        pytest.param({"container_config": {"Env": ["DB_PASSWORD=,x"]}}, "container_config.Env[0]", id="an-entry"),
        pytest.param({"history": [{}, {"author": CANARY}]}, "history[1].author", id="in-a-list"),
        pytest.param({"a": [[["x", CANARY]]]}, "#0[0][0][1]", id="lists-in-lists"),
        pytest.param({"a": {CANARY: 1}}, "#0", id="a-name"),
        pytest.param({"": "DB_PASSWORD=hunter2"}, "#0", id="no-name-at-all"),
        pytest.param({"id": {"b": 1, "s3cr3t": {"password": "hunter2"}}}, "id.#1.#0", id="names-that-nobody-knows"),
        pytest.param({"a": {"password": ["x", {"b": 1}]}}, "#0.#0[0]", id="a-list-under-a-telling-name"),
        pytest.param({"config": {"Shell": ["env", "DB_PASSWORD=", "x"]}}, "config.Shell[2]", id="a-word-and-its-value"),
        pytest.param({CANARY: {"b": CANARY}}, "config", id="the-first-name"),
        pytest.param(
            {"config": {"Healthcheck": {"Test": ["CMD", "curl", "-u", "u:Sup3rS3cret", "http://x/"]}}},
            "config.Healthcheck.Test[3]",
            id="words-of-a-command",
        ),
    ],
)
def test_the_rest_of_a_config_is_searched(rest: JsonObject, where: str) -> None:
    masked = mask(rest=rest)
    assert where in [finding.where for finding in masked.findings]
    assert CANARY not in str(asdict(masked))


def test_what_is_no_secret_in_the_rest_is_none() -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    rest: JsonObject = {
        "rootfs": {"type": "layers", "diff_ids": [digest] * 3},
        "container": digest[7:],
        "docker_version": "20.10.7",
        "config": {
            "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost:8080/"], "Interval": 30_000_000_000},
            "Image": digest, "Shell": ["/bin/sh", "-c"], "StopSignal": "SIGTERM", "WorkingDir": "/app", "Tty": False,
            "Volumes": {"/var/lib/data": {}}, "OnBuild": None, "Hostname": "e2a1c9d8b7f6",
        },
        "container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) ", 'CMD ["nginx"]'], "Env": ["PATH=/bin", "TOKEN=${TOKEN}"]},
        "history": [{"created": "2026-01-02T03:04:05Z", "empty_layer": True, "author": "A. N. Other <a@example.test>"}],
        "moby.buildkit.buildinfo.v1": "eyJmcm9udGVuZCI6ImRvY2tlcmZpbGUudjAiLCJzb3VyY2VzIjpbXX0=",
        "os.features": ["win32k"],
    }  # fmt: skip
    assert mask(rest=rest).findings == ()


def test_a_place_in_the_rest_is_cut() -> None:
    deep: JsonValue = CANARY
    for _ in range(60):
        deep = {"k" * 100: deep}
    (finding,) = mask(rest={"a": deep}).findings
    assert len(finding.where) < 300


@pytest.mark.parametrize(
    ("words", "secrets"),
    [
        pytest.param(["curl", "-u", "u:p4ss", "http://x"], [2], id="curl"),
        pytest.param(["/usr/bin/curl", "-uu:p4ss"], [1], id="in-one-word"),
        pytest.param(["curl", "--user=u:p4ss"], [1], id="with-an-equals-sign"),
        pytest.param(["wget", "-H", "a;b|c&d\n", "--user", "a user:a 'pass' ;word"], [4], id="nothing-ends-a-word"),
        pytest.param(["curl", "\ud800", "-u", "u:p4ss"], [1, 3], id="beside-what-is-no-text"),
        pytest.param(["curl", "-u", "u:p4ss", "--next", "-u", "v:0ther"], [2, 5], id="two"),
        pytest.param(["curl", *["-u", "u:${PASS}"] * 3, "-u", "u:p4ss"], [8], id="behind-placeholders"),
        pytest.param(["curl", "-u", "u:${PASS}"], [], id="a-placeholder"),
        pytest.param(["app", "http://x/", "-u", "1000:1000"], [], id="a-url-is-no-program"),
        pytest.param(["su-exec", "-u", "1000:1000", "curl", "http://x"], [], id="another-program-s"),
        pytest.param(["sh", "-c", "curl http://x", "-u", "1000:1000"], [], id="a-script-s-argument"),
    ],
)
def test_a_credential_among_words(words: list[str], secrets: list[int]) -> None:
    for boundary in range(len(words) + 1):
        masked = mask(entrypoint=words[:boundary], cmd=words[boundary:])
        run = (*masked.entrypoint, *masked.cmd)
        assert [number for number, word in enumerate(run) if word.startswith("[masked: ")] == secrets
        assert all(word == words[number] for number, word in enumerate(run) if number not in secrets)
        assert len(masked.findings) == len(secrets)
