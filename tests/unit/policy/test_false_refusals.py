"""Honest texts: what images that keep their secrets elsewhere say, and what must deny none of them.

A refusal that is wrong teaches people to turn the rule off. A text goes in here when it was refused once.
"""

import pytest

from gateway.policy.detectors import detect_pair, detect_text
from gateway.policy.secrets import mask


@pytest.mark.parametrize(
    "entry",
    [
        # Where a secret is mounted.
        "GOOGLE_APPLICATION_CREDENTIALS=/secrets/acme-prod-274512-8f2b1c9d0e1a.json",
        "GOOGLE_APPLICATION_CREDENTIALS=/secrets/my-project-123456-0a1b2c3d4e5f.json",
        "GOOGLE_APPLICATION_CREDENTIALS=/app/service-account-key-1.json",
        "GOOGLE_APPLICATION_CREDENTIALS=/var/secrets/google/acme-prod-274512-8f2b1c9d0e1a",
        "TLS_PRIVATE_KEY=/etc/letsencrypt/live/api2.example.com/privkey.pem",
        "TLS_PRIVATE_KEY=/etc/letsencrypt/live/API2.staging-eu1.example.com/privkey",
        "TLS_PRIVATE_KEY=/etc/pki/tls/private/wildcard-2025.key",
        "PRIVATE_KEY=/etc/pki/tls/private/localhost-2024.key",
        "PRIVATE_KEY=./keys/2024-09-01-key.pem",
        "JWT_PRIVATE_KEY=/config/jwtRS256PrivateKey.pem",
        "JWT_PRIVATE_KEY=/config/PrivateKeyProduction",
        "SSL_PRIVATE_KEY=/etc/ssl/private/server-0123456789abcdef.key",
        "SIGNING_KEY=${HOME}/keys/signing-key-2025-01.asc",
        "SECRET_KEY=file:///run/secrets/key-2024",
        "ACCESS_KEY=C:\\secrets\\Access-Key-2025.txt",
        "DB_PASSWORD=/run/secrets/db",
        "DB_PASSWORD=/run/secrets/acme-Prod-2025-db-password",
        "AWS_WEB_IDENTITY_TOKEN=/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
        # What stands for one.
        "DB_PASSWORD=${A:-${B}}",
        "DB_PASSWORD=${DB_PW}!",
        "API_TOKEN=${VAULT_TOKEN}suffix",
        "DB_PASSWORD=$(< /run/secrets/pw)",
    ],
)
def test_an_entry_of_an_environment(entry: str) -> None:
    name, _, value = entry.partition("=")
    assert detect_pair(name, value) == (None, None)
    assert mask(env=[entry], rest={"Env": [entry]}).findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "RUN |2 DB_PASSWORD= VERSION=1.0 /bin/sh -c make install # buildkit",
        "RUN |2 NPM_TOKEN= VCS_REF=0123456789abcdef0123456789abcdef01234567 /bin/sh -c npm ci # buildkit",
        "RUN |2 GITHUB_TOKEN= BUILD_DATE=2026-01-02T03:04:05Z /bin/sh -c npm ci # buildkit",
        "RUN |3 DB_PASSWORD= NPM_TOKEN= VERSION=1.0 /bin/sh -c make # buildkit",
        "|1 DB_PASSWORD= /bin/sh -c make",
        "pip install git+ssh://git.example.org:team/repo.git@v1.0",
        "pip install git+https://git.example.org:team/repo.git@v1.0",
        "ssh://gitlab.example.org:group/project.git@main",
        "ssh://host:group/project@main",
        "RUN npm i http://nexus:8081/repository/@acme/x.tgz",
        "CMD curl -f http://localhost:${PORT}/users/@me || exit 1",
        "HEALTHCHECK CMD wget -qO- http://127.0.0.1:$PORT/@health",
        "docker-image://alpine:3.19@sha256:" + "ab" * 32,
        "RUN sed -i 's#<password>.*</password>#<password></password>#' /etc/x.xml",
        "RUN sed -i 's#<password>[^<]*</password>#<password>${DB}</password>#' /etc/x.xml",
        "RUN export PASSWORD=$(< /run/secrets/pw) && make",
        "RUN export PASSWORD=$(</run/secrets/pw) && make",
        "RUN export PASSWORD=\"$(cat /run/secrets/pw | tr -d '\\n')\"",
        "RUN --mount=type=secret,id=token TOKEN=$(cat /run/secrets/token) make",
        "RUN pip config set global.index-url https://user:${PIP_TOKEN}@host/simple",
        "password: ${DB_PASSWORD:-${PGPASSWORD}}",
        "password: ${DB_PASSWORD:?missing}",
        "DB_PASSWORD=${A:-${B}} make",
        "--api-token=${VAULT_TOKEN}suffix",
        "--private-key=/etc/pki/tls/private/localhost-2024.key",
        "--token-file=/run/x --secret=/run/secrets/y",
    ],
)
def test_a_text(text: str) -> None:
    assert detect_text(text) is None
    assert mask(history=[text], rest={"history": [{"created_by": text}]}).findings == ()
