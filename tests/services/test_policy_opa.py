"""The contract of the policy engine on a real OPA server, and what only a server can do wrong.

Needs the `opa` of `tests/tools/install opa`. Servers listen on a Unix socket, or on 127.0.0.1 with TLS.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid
from gateway.policy.engine import PolicyEngine
from gateway.policy.opa_engine import OpaEngine
from gateway.policy.pack import shipped_revision
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyOutcome, PolicyUnavailable
from tests.support.policy import OpaServer, admissible, opa_program, opa_server, strict_revision
from tests.support.policy_contract import PolicyEngineContract, Serving
from tests.support.programs import free_port

Answers = list[PolicyOutcome]


@pytest.fixture(scope="session")
def program() -> Path:
    found = opa_program()
    assert found is not None, "opa is missing: tests/tools/install opa"
    return found


class TestOpaEngine(PolicyEngineContract):
    @pytest.fixture
    def serving(self, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Serving:
        @contextmanager
        def serve(revision: PolicyRevision) -> Iterator[PolicyEngine]:
            with opa_server(program, tmp_path_factory.mktemp("opa"), revision) as server:
                yield OpaEngine(address=server.address)

        return serve


def ask(engine: OpaEngine, revision: PolicyRevision, *, times: int = 1, seconds: float = 30.0) -> Answers:
    async def run() -> Answers:
        try:
            await engine.activate(revision)
            return [await engine.evaluate(admissible(), deadline_seconds=seconds) for _ in range(times)]
        finally:
            await engine.close()

    return asyncio.run(run())


def broken_files(rego: str) -> dict[str, bytes]:
    """Return the strict revision's bundle with one rule's module replaced."""
    return {**strict_revision().opa_files(), "registry/rules/no_root.rego": rego.encode()}


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    (outcome,) = ask(OpaEngine(address=f"unix://{tmp_path}/nobody.sock"), strict_revision())
    assert isinstance(outcome, PolicyUnavailable)
    assert "cannot be reached" in outcome.reason


def test_a_server_without_any_policy(program: Path, tmp_path: Path) -> None:
    with opa_server(program, tmp_path, None) as server:
        (outcome,) = ask(OpaEngine(address=server.address), strict_revision())
    assert isinstance(outcome, PolicyUnavailable)
    assert "active policy revision" in outcome.reason


def test_a_server_with_the_same_rules_and_other_data(program: Path, tmp_path: Path) -> None:
    with opa_server(program, tmp_path, shipped_revision()) as server:
        (outcome,) = ask(OpaEngine(address=server.address), strict_revision())
    assert outcome == PolicyUnavailable("the engine does not show the active policy revision")


def test_a_server_killed_and_back_with_the_same_revision(program: Path, tmp_path: Path) -> None:
    revision = strict_revision()

    async def run(server: OpaServer) -> Answers:
        engine = OpaEngine(address=server.address)
        answers: Answers = []
        try:
            await engine.activate(revision)
            answers.append(await engine.evaluate(admissible(), deadline_seconds=30))
            os.kill(server.running.pid, signal.SIGKILL)
            await asyncio.to_thread(server.stop)
            answers.append(await engine.evaluate(admissible(), deadline_seconds=30))
            await asyncio.to_thread(server.start, {})
            answers.append(await engine.evaluate(admissible(), deadline_seconds=30))
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start, revision.opa_files())
            answers.append(await engine.evaluate(admissible(), deadline_seconds=30))
        finally:
            await engine.close()
        return answers

    with opa_server(program, tmp_path, revision) as server:
        answers = asyncio.run(run(server))
    assert [type(answer) for answer in answers] == [PolicyAllowed, PolicyUnavailable, PolicyUnavailable, PolicyAllowed]


def test_a_server_killed_in_mid_evaluation(program: Path, tmp_path: Path) -> None:
    revision = strict_revision()
    loop = broken_files(
        "package registry.rules.no_root\n\n"
        "findings contains 1 if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n"
        "\ta * b == -1\n}\n"
    )

    async def run(server: OpaServer) -> PolicyOutcome:
        engine = OpaEngine(address=server.address)
        try:
            await engine.activate(revision)
            asking = asyncio.ensure_future(engine.evaluate(admissible(), deadline_seconds=60))
            # It cannot end by itself, so whenever it dies, the question is open: unsent, sent or being evaluated.
            await asyncio.to_thread(server.burn)
            os.kill(server.running.pid, signal.SIGKILL)
            return await asking
        finally:
            await engine.close()

    with opa_server(program, tmp_path, None) as server:
        server.stop()
        server.start(loop)
        outcome = asyncio.run(run(server))
    assert isinstance(outcome, PolicyUnavailable)


def test_a_policy_that_does_not_end_is_a_time_out(program: Path, tmp_path: Path) -> None:
    loop = (
        "package registry.rules.no_root\n\n"
        "findings contains 1 if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n"
        "\ta * b == -1\n}\n"
    )
    with opa_server(program, tmp_path, None) as server:
        server.stop()
        server.start(broken_files(loop))
        (outcome,) = ask(OpaEngine(address=server.address), strict_revision(), seconds=0.3)
    assert outcome == PolicyUnavailable("the policy engine took too long")


@pytest.mark.parametrize(
    ("rego", "reason"),
    [
        pytest.param(
            'package registry.rules.no_root\n\nfindings contains trim_prefix(input.where, "a")\n',
            "eval_type_error",
            id="builtin-error",
        ),
        pytest.param(
            "package registry.rules.no_root\n\nf := 1 if input\n\nf := 2 if input\n\nfindings contains f\n",
            "eval_conflict_error",
            id="conflict",
        ),
        pytest.param("package registry.rules.no_root\n\nx := 1\n", "says nothing", id="rule-without-findings"),
        pytest.param(
            'package registry.rules.no_root\n\nfindings contains {"rule": "no_root"}\n', "no subject", id="wrong-shape"
        ),
    ],
)
def test_a_policy_that_errs_under_the_active_revision(program: Path, tmp_path: Path, rego: str, reason: str) -> None:
    with opa_server(program, tmp_path, None) as server:
        server.stop()
        server.start(broken_files(rego))
        (outcome,) = ask(OpaEngine(address=server.address), strict_revision())
    assert isinstance(outcome, PolicyBroken)
    assert outcome.revision == strict_revision().id
    assert reason in outcome.reason


def test_an_undefined_decision_under_the_active_revision(program: Path, tmp_path: Path) -> None:
    files = strict_revision().opa_files()
    path = "registry/admission/decision.rego"
    files[path] = files[path].replace(b"decision := {", b"decision := {} if input.no_such\n\nunused := {")
    with opa_server(program, tmp_path, None) as server:
        server.stop()
        server.start(files)
        (outcome,) = ask(OpaEngine(address=server.address), strict_revision())
    assert isinstance(outcome, PolicyBroken)
    assert "undefined" in outcome.reason


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Return a self-signed certificate for 127.0.0.1 and its key, made by openssl."""
    certificate, key = folder / "tls.pem", folder / "tls.key"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=opa", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_tcp_with_tls_a_private_ca_and_a_token(program: Path, tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    revision, port = strict_revision(), free_port()
    files = revision.opa_files()
    # Without the token nothing is answered; OPA's own policy for its API says so.
    files["authz.rego"] = b'package system.authz\n\ndefault allow := false\n\nallow if input.identity == "s3cret"\n'
    files[".manifest"] = files[".manifest"].replace(b'["registry"]', b'["registry","system"]')
    address = f"https://127.0.0.1:{port}"
    server = OpaServer(program, tmp_path)
    try:
        server.start(
            files,
            *("--addr", f"127.0.0.1:{port}", "--tls-cert-file", str(certificate), "--tls-private-key-file", str(key)),
            *("--authentication", "token", "--authorization", "basic"),
        )
        server.running.wait_until(
            lambda: isinstance(
                ask(OpaEngine(address=address, ca=certificate, token="s3cret"), revision)[0], PolicyAllowed
            )
        )
        for engine in (
            OpaEngine(address=address, ca=certificate, token="wrong"),
            OpaEngine(address=address, ca=certificate),
            OpaEngine(address=address, token="s3cret"),
        ):
            (outcome,) = ask(engine, revision)
            assert isinstance(outcome, PolicyUnavailable)
    finally:
        server.stop()


@pytest.mark.parametrize(
    "address",
    [
        "http://opa.example.com:8181",
        "unix://host/path",
        "https://u:p@h:1",
        "https://h/v1",
        "https://h:x",
        "ftp://h",
        "",
    ],
)
def test_an_address_that_is_none_or_in_the_clear(address: str) -> None:
    with pytest.raises(ConfigInvalid):
        OpaEngine(address=address)
