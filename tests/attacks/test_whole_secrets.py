"""A canary in every place where a client can put a secret, and a search of everything that is kept or told: row 114.

Through the whole gateway: what is searched are the files of the catalog as they lie on the disk, the log and the metrics.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.cli.initial import ADMINISTRATOR, initialise
from gateway.cli.secrets import new_robot_secret
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName
from tests.support.api import basic
from tests.support.images import OCI_CONFIG, OCI_MANIFEST, Artifact, Blob, canonical, image
from tests.support.whole import HOST, OPERATOR, PASSWORD, Whole, furnished, run, whole

CANARY = "canary5f2c9a1eB7d0"
TOKEN = f"ghp_{CANARY}{'q9' * 12}"
FORMS = (
    pytest.param({"env": ["PATH=/bin", f"DB_PASSWORD={CANARY}"]}, id="environment"),
    pytest.param({"env": ["PATH=/bin", f"X={TOKEN}"]}, id="token-in-the-environment"),
    pytest.param({"env": ["PATH=/bin", f"URL=https://app:{CANARY}@db.example.test/x"]}, id="address"),
    pytest.param({"labels": {"com.example.api-key": TOKEN}}, id="label"),
    pytest.param({"history": f"RUN curl -u deploy:{CANARY} https://example.test"}, id="history"),
    pytest.param({"command": ["/bin/app", f"--password={CANARY}"]}, id="command"),
    pytest.param({"command": ["curl", "-u", f"deploy:{CANARY}", "https://example.test"]}, id="words-of-a-command"),
    pytest.param(
        {"run": {"Healthcheck": {"Test": ["CMD", "curl", "-u", f"app:{CANARY}", "http://localhost/"]}}},
        id="health-check",
    ),
    pytest.param({"run": {"OnBuild": [f"ENV DB_PASSWORD={CANARY}"]}}, id="on-build"),
    pytest.param({"run": {"Shell": ["sh", "-c", f"DB_PASSWORD={CANARY}"]}}, id="shell"),
    pytest.param({"run": {"WorkingDir": f"/{TOKEN}"}}, id="working-directory"),
    pytest.param({"outside": {"container_config": {"Env": [f"DB_PASSWORD={CANARY}"]}}}, id="container-config"),
    pytest.param({"outside": {"author": f"DB_PASSWORD={CANARY}"}}, id="author"),
    pytest.param({"outside": {"history": [{"author": TOKEN, "created_by": "x"}]}}, id="author-in-the-history"),
    pytest.param({"outside": {"x-own": {TOKEN: [{"b": 1}]}}}, id="name-that-nobody-knows"),
    pytest.param({"outside": {"x-own": {"password": {CANARY: {"password": "hunter2xx"}}}}}, id="name-in-a-place"),
    pytest.param({"labels": {"j": f'{{"c":"{{\\\\"password\\\\":\\\\"{CANARY}\\\\"}}"}}'}}, id="json-in-json"),
    pytest.param({"labels": {"j": f'{{"pass\\\\u0077ord":"{CANARY}"}}'}}, id="escape"),
    pytest.param({"labels": {"j": f'{{"password"     :     "{CANARY}"}}'}}, id="many-blanks"),
    pytest.param({"labels": {"j": f"password\u00a0= {CANARY}"}}, id="another-blank"),
    pytest.param({"labels": {"j": f"password\uff1d{CANARY}"}}, id="another-equals-sign"),
    pytest.param({"labels": {"j": f'password="{CANARY}'}}, id="quotation-mark-that-is-not-closed"),
    pytest.param({"labels": {"j": f"<password>{CANARY}</password>"}}, id="element"),
    pytest.param({"command": ["env", "DB_PASSWORD=", CANARY]}, id="word-that-ends-in-the-separator"),
    pytest.param({"command": ["app", "--password=", CANARY]}, id="flag-that-ends-in-the-separator"),
    pytest.param({"env": [f"DB_PASSWORD=/{CANARY}"]}, id="password-like-a-path"),
    pytest.param({"env": [f"DB_PASSWORD=${CANARY}!x"]}, id="password-like-a-variable"),
    pytest.param({"env": [f"DB_PASS\u200bWORD={CANARY}"]}, id="name-with-a-character-that-is-not-seen"),
    pytest.param({"env": [f"URL=postgres://u:{CANARY}/x@db"]}, id="address-with-a-slash"),
    pytest.param({"env": ["A=-----BEGIN PRIVATE KEY-----", f"B={CANARY}", "C=-----END PRIVATE KEY-----"]}, id="pem"),
    pytest.param({"outside": {"x-own": {"password": ["x", CANARY]}}}, id="list-under-a-telling-name"),
)
"""Where a config has room for a secret: it is kept as a blob, among the content."""
ANNOTATION = pytest.param({"annotations": {"com.example.token": TOKEN}}, id="annotation")
"""In the manifest itself, whose bytes the catalog keeps: once it is stored, its canary is there to be found."""
UNREADABLE = (
    pytest.param({"labels": {TOKEN: 1}}, id="label-that-is-no-text"),
    pytest.param({"run": {"Labels": {"a": "b", TOKEN: ["x"]}}}, id="label-that-is-a-list"),
    pytest.param({"annotations": {TOKEN: 1}}, id="annotation-that-is-no-text"),
    pytest.param({"run": {"Env": {TOKEN: 1}}}, id="environment-that-is-an-object"),
    pytest.param({"run": {"ExposedPorts": TOKEN}}, id="ports-that-are-a-text"),
    pytest.param({"run": {"Env": [[TOKEN]]}}, id="entry-that-is-a-list"),
)
"""Forms that are refused before a rule is asked: what they say is nowhere either."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("secrets") / "state") as made:
        yield furnished(made)
        assert made.failures == []


@pytest.fixture(scope="module")
def warning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """One whose rule about secrets only warns, so that an image with one is kept."""
    with whole(tmp_path_factory.mktemp("warning") / "state") as made:
        furnished(made).rules({"registry": {"config": {"rules": {"SEC001": {"level": "warn"}}}}})
        yield made
        assert made.failures == []


def with_secret(name: str, form: dict[str, object]) -> Artifact:
    """Return an image with a secret where ``form`` says."""
    clean = image(name)
    config = json.loads(clean.blobs[0].content)
    document = json.loads(clean.manifest.content)
    config["config"]["Env"] = form.get("env", config["config"]["Env"])
    config["config"]["Labels"] |= form.get("labels", {})
    config["config"]["Cmd"] = form.get("command", ["serve"])
    config["history"].append({"created_by": form.get("history", "RUN make")})
    config["config"] |= form.get("run", {})
    config |= form.get("outside", {})
    document["annotations"] |= form.get("annotations", {})
    blob = Blob(OCI_CONFIG, canonical(config))
    document["config"] = blob.descriptor()
    return Artifact(Blob(OCI_MANIFEST, canonical(document)), (blob, clean.blobs[1]))


def kept(made: Whole) -> bytes:
    """Return every byte that the catalog keeps, its log and indexes included, and everything told to the operator."""
    run(made.parts.audit.record_pulls(made.parts.pulls.take()))
    data = made.folder / "data"
    files = b"".join(path.read_bytes() for path in sorted(data.iterdir()) if path.is_file())
    told = json.dumps([made.records, [(what, repr(error)) for what, error in made.failures]])
    return files + told.encode() + made.metrics.render()


@pytest.mark.parametrize("form", [*FORMS, ANNOTATION])
def test_row_114_a_secret_in_an_image_is_denied_and_kept_nowhere(
    built: Whole, form: dict[str, object], request: pytest.FixtureRequest
) -> None:
    reply = built.push("pusher", with_secret(request.node.callspec.id, form), "secret")
    assert (reply.status, reply.code) == (403, "DENIED"), reply.body
    assert "SEC001" in {reason["code"] for reason in reply.json()["errors"][0]["detail"]["reasons"]}
    assert CANARY.encode() not in reply.body
    assert CANARY.encode() not in kept(built)


@pytest.mark.parametrize("form", UNREADABLE)
def test_row_114_a_secret_in_what_does_not_read_is_kept_nowhere(
    built: Whole, form: dict[str, object], request: pytest.FixtureRequest
) -> None:
    reply = built.push("pusher", with_secret(request.node.callspec.id, form), "secret")
    assert reply.status in (400, 403), reply.body
    assert CANARY.encode() not in reply.body
    assert CANARY.encode() not in kept(built)


@pytest.mark.parametrize("form", FORMS)
def test_row_114_a_secret_in_an_image_that_is_stored_is_in_no_record_of_it(
    warning: Whole, form: dict[str, object], request: pytest.FixtureRequest
) -> None:
    """Where the rule only warns, the image is kept and its secret with it, as a blob; no decision or event has it."""
    artifact = with_secret(f"kept {request.node.callspec.id}", form)
    reply = warning.push("pusher", artifact, "kept")
    assert reply.status == 201, reply.body
    assert CANARY.encode() not in repr(reply).encode()
    assert CANARY.encode() not in kept(warning)
    ((document,),) = warning.sql(
        "SELECT i.document FROM decision d JOIN decision_input i ON i.sha256 = json_extract(d.record, '$.input')"
        " WHERE d.digest = ? AND d.tag IS NULL",
        artifact.digest,
    )
    assert CANARY.encode() not in document


def test_row_114_a_secret_in_an_annotation_that_is_stored_is_in_the_manifest_alone(warning: Whole) -> None:
    """With a canary of its own, which is in the file from then on: the searches of the whole file are for the other one."""
    canary = CANARY[::-1]
    artifact = with_secret("kept annotation", {"annotations": {"com.example.token": TOKEN.replace(CANARY, canary)}})
    reply = warning.push("pusher", artifact, "kept-annotation")
    assert reply.status == 201, reply.body
    run(warning.parts.audit.record_pulls(warning.parts.pulls.take()))
    tables = [name for (name,) in warning.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    having = {name for name in tables if canary in repr(warning.sql(f'SELECT * FROM "{name}"'))}
    assert having == {"body"}
    assert canary not in repr((reply, warning.records, warning.failures, warning.metrics.render()))


def test_rows_114_115_credentials(built: Whole) -> None:
    """Right and wrong passwords, robot secrets, tokens, in every field that takes one."""
    encoded = base64.b64encode(f"pusher:{CANARY}".encode()).decode()
    sent = (
        ("/token", [basic("pusher", CANARY)]),
        ("/token", [basic(CANARY, "x")]),
        ("/token", [basic(f"robot+team+{CANARY}", CANARY)]),
        ("/token", [("authorization", f"Basic {CANARY}")]),
        (f"/token?scope=repository:{CANARY}:pull&service={HOST}", [basic("pusher", CANARY)]),
        ("/v2/", [("authorization", f"Bearer {CANARY}")]),
        ("/v2/", [("authorization", f"Basic {encoded}")]),
        ("/metrics", [("authorization", f"Bearer {CANARY}")]),
        ("/v2/team/app/tags/list", [("cookie", CANARY), ("x-api-key", CANARY), ("user-agent", CANARY)]),
    )
    for target, headers in sent:
        reply = built.client.send("GET", target, host=HOST, headers=headers)
        assert reply.status in (400, 401), (target, reply.body)
        assert CANARY not in repr(reply)
    everything = kept(built)
    assert CANARY.encode() not in everything
    assert encoded.encode() not in everything


def test_row_003_no_password_that_anybody_could_know_opens_a_new_gateway(tmp_path: Path) -> None:
    """`init` makes one account, with a password that no other gateway has; without it, no name and no word are let in."""
    passwords = [
        initialise(tmp_path / name, listen="127.0.0.1:5000", public_url=f"https://{HOST}", tls="self-signed").password
        for name in ("one", "two")
    ]
    assert passwords[0] != passwords[1]
    with whole(tmp_path / "one", made=True) as made:
        assert made.sql("SELECT count(*) FROM account") == [(1,)]

        def asked(name: str, password: str) -> int:
            return made.client.send("GET", "/token", host=HOST, headers=[basic(name, password)]).status

        assert asked(ADMINISTRATOR, passwords[0]) == 200
        for word in ("", ADMINISTRATOR, "password", "changeme", "Harbor12345", passwords[1]):
            assert asked(ADMINISTRATOR, word) == 401, word
        for name in ("root", "registry-gateway", "Admin", ""):
            assert asked(name, "password") == 401, name


def test_row_025_a_secret_is_kept_as_what_cannot_be_read_back(built: Whole) -> None:
    secret, digest = new_robot_secret()
    run(
        built.parts.principals.put_robot(
            Principal("r:ci", PrincipalKind.ROBOT, "robot+team+ci"),
            ProjectName.parse("team"),
            secret_sha256=digest,
            expires=built.now + 1000,
            quarantine_read=True,
            role=Role.WRITER,
            by=OPERATOR,
            now=built.now,
        )
    )
    for name, password in (("robot+team+ci", secret), ("pusher", PASSWORD)):
        reply = built.client.send("GET", "/token", host=HOST, headers=[basic(name, password)])
        assert reply.status == 200
        token = reply.json()["token"]
        assert built.client.send("GET", "/v2/", token=token, host=HOST).status == 200
        everything = kept(built)
        assert password.encode() not in everything
        assert token.encode() not in everything
    assert digest in kept(built)
