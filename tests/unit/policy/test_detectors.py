"""What is a secret, and what only looks like one."""

import pytest

from gateway.policy import detectors
from gateway.policy.detectors import detect_named, detect_text

RANDOM = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.mark.parametrize(
    ("text", "detector"),
    [
        pytest.param("AKIAIOSFODNN7EXAMPLE", "aws-access-key", id="aws-access-key"),
        pytest.param("id=ASIAIOSFODNN7EXAMPLE;", "aws-access-key", id="aws-session-key"),
        pytest.param(
            "aws_secret_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws-secret-key", id="aws-secret"
        ),
        pytest.param("-----BEGIN PRIVATE KEY-----\nMIIE", "private-key", id="pkcs8"),
        pytest.param("x -----BEGIN OPENSSH PRIVATE KEY-----", "private-key", id="openssh"),
        pytest.param("-----BEGIN PGP PRIVATE KEY BLOCK-----", "private-key", id="pgp"),
        pytest.param("ghp_" + "a1" * 18, "github-token", id="github-classic"),
        pytest.param("github_pat_" + "a1" * 20, "github-token", id="github-fine-grained"),
        pytest.param("glpat-" + "a1_" * 7, "gitlab-token", id="gitlab"),
        pytest.param("xoxb-" + "1" * 12 + "-abc", "slack-token", id="slack"),
        pytest.param("https://hooks.slack.com/services/T0/B0/abc", "slack-webhook", id="slack-webhook"),
        pytest.param("AIza" + "a" * 35, "google-api-key", id="google"),
        pytest.param("sk_live_" + "a" * 24, "stripe-key", id="stripe"),
        pytest.param("npm_" + "a" * 36, "npm-token", id="npm"),
        pytest.param("pypi-AgE" + "a" * 60, "pypi-token", id="pypi"),
        pytest.param("dckr_pat_" + "a" * 27, "docker-token", id="docker"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "jwt", id="jwt"),
        pytest.param("curl -H 'Authorization: Bearer abcdefgh1234'", "authorization-header", id="bearer"),
        pytest.param('{"auths":{"r":{"auth":"dXNlcjpwYXNz"}}}', "docker-auth", id="docker-config"),
        pytest.param("postgres://app:s3cr3t@db/x", detectors.URL_CREDENTIALS, id="url"),
        pytest.param("https://:tok@host/", detectors.URL_CREDENTIALS, id="url-without-user"),
        pytest.param("RUN curl -u bob:pw https://x", detectors.BASIC_CREDENTIALS, id="curl"),
        pytest.param("./x --password=hunter2", detectors.PASSWORD, id="flag"),
        pytest.param("./x --password hunter2", detectors.PASSWORD, id="flag-and-space"),
        pytest.param('{"password": "a b"}', detectors.PASSWORD, id="json"),
        pytest.param("db_password: 'x y'", detectors.PASSWORD, id="yaml"),
        pytest.param("|1 DB_PASSWORD=x /bin/sh -c make", detectors.PASSWORD, id="build-argument"),
        pytest.param(f"RUN deploy --api-key={RANDOM}", detectors.HIGH_ENTROPY, id="key-flag"),
        pytest.param("postgres://app:s3c/r3t@db/x", detectors.URL_CREDENTIALS, id="url-with-a-slash"),
        pytest.param("db_password:      x", detectors.PASSWORD, id="aligned"),
        pytest.param('password="hunter2', detectors.PASSWORD, id="quotation-mark-not-closed"),
        pytest.param("<db.password type='x'>hunter2</db.password>", detectors.PASSWORD, id="element"),
        pytest.param('{"a":"{\\"password\\":\\"x\\"}"}', detectors.PASSWORD, id="json-in-json"),
        pytest.param("--password=/hunter2", detectors.PASSWORD, id="like-a-path"),
        pytest.param("--password=/a/9f8e7d6C5b4a392817069f8e", detectors.PASSWORD, id="a-step-that-looks-drawn"),
        pytest.param("--password=/a/x-9f8e7d6C5b4a392817069f8e", detectors.PASSWORD, id="a-piece-that-looks-drawn"),
        pytest.param("|2 A= DB_PASSWORD=x /bin/sh -c make", detectors.PASSWORD, id="behind-an-empty-argument"),
        pytest.param("|2 DB_PASSWORD= C_PASSWORD=x /bin/sh", detectors.PASSWORD, id="the-second-of-two-arguments"),
        pytest.param(
            '|2 DB_PASSWORD= C_PASSWORD="x y" /bin/sh', detectors.PASSWORD, id="a-second-one-in-quotation-marks"
        ),
        pytest.param("ssh://me:hunter2@git.example.org/x", detectors.URL_CREDENTIALS, id="ssh"),
        pytest.param(
            "https://me:hun/ter2@git.example.org/x.git@v1", detectors.URL_CREDENTIALS, id="a-repository-by-https"
        ),
        pytest.param("git+https://me:hun/ter2@git.example.org/x", detectors.URL_CREDENTIALS, id="a-repository-for-pip"),
        pytest.param("<password>.*hunter2</password>", detectors.PASSWORD, id="more-than-a-pattern"),
        pytest.param("token=a " * 300, detectors.UNREADABLE, id="too-many-candidates"),
        pytest.param("\ud800", detectors.NOT_TEXT, id="lone-surrogate"),
    ],
)
def test_a_secret_in_a_text(text: str, detector: str) -> None:
    assert detect_text(text) == detector


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PATH=/usr/local/sbin:/usr/bin",
        '/bin/sh -c #(nop)  CMD ["python3"]',
        "/bin/sh -c set -eux; apt-get install -y ca-certificates",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "PYTHON_SHA256=ae665bc678abd9ab6a6e1573d2481625a53719bc517e9a634ed2b9fefae3817f",
        "GOLANG_VERSION=1.26.0",
        "https://github.com/x/y@v1.2.3",
        "postgres://app:${DB_PASSWORD}@db/x",
        "POSTGRES_PASSWORD_FILE=/run/secrets/db",
        "MYSQL_ALLOW_EMPTY_PASSWORD=yes",
        "--password=$PASSWORD",
        "--password=<password>",
        "docker pull http://registry:5000/x/y@sha256:abc",
        "DB_PASSWORD=/run/secrets/db",
        "export DB_PASSWORD=$(cat /run/secrets/db)",
        "--password=${{ secrets.PASSWORD }}",
        "url=https://$USER:$PASSWORD@host/x",
        "<password>${PASSWORD}</password>",
        "=" + "a1" * 20,
        " ".join(["0123456789abcdef0123456789abcdef01234567"] * 400),
        "password=****",
        "the password is in the vault",
        "TOKENIZERS_PARALLELISM=false",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "maintainer: Anna <anna@example.com>",
        "sha256:" + "a" * 64,
        "AKIA1234",
        "SUPERAKIAIOSFODNN7EXAMPLE",
    ],
)
def test_no_secret_in_a_text(text: str) -> None:
    assert detect_text(text) is None


@pytest.mark.parametrize(
    ("name", "value", "detector"),
    [
        ("DB_PASSWORD", "hunter2", detectors.PASSWORD),
        ("password", "a b c", detectors.PASSWORD),
        ("password", "${A}hunter2", detectors.PASSWORD),
        ("password", "${A}" + "x" * 9, detectors.PASSWORD),
        ("PGPASSWORD", "x", detectors.PASSWORD),
        ("API_TOKEN", RANDOM, detectors.HIGH_ENTROPY),
        ("SECRET_KEY_BASE", "aB3dE5fG7hI9jK1lM3nO5", detectors.HIGH_ENTROPY),
        ("AWS_SECRET_ACCESS_KEY", RANDOM, detectors.HIGH_ENTROPY),
        ("secret-key-1", RANDOM, detectors.HIGH_ENTROPY),
        ("API_TOKEN", "short", None),
        ("API_TOKEN", "a-readable-long-default-value", None),
        ("API_TOKEN", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa1", None),
        ("DB_PASSWORD", "", None),
        ("DB_PASSWORD", "${X}", None),
        ("DB_PASSWORD_FILE", "hunter2", None),
        ("GPG_KEY", RANDOM, None),
        ("PUBLIC_KEY", RANDOM, None),
        ("BUILD", RANDOM, None),
    ],
)
def test_a_named_value(name: str, value: str, detector: str | None) -> None:
    assert detect_named(name, value) == detector


def test_a_name_that_is_no_text() -> None:
    assert detect_named("PASSWORD\ud800", "x") == detectors.NOT_TEXT
