"""`config check`, `doctor`, `stats`, `upgrade`."""

import re
import socket
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.app import Parts, unix_now
from gateway.cli import diagnosis
from gateway.server import gateway
from gateway.server.tls import LEAF_DAYS, issue_self_signed
from tests.support import images
from tests.support.command_line import Home
from tests.support.evidence import signer, trust_files
from tests.support.gateway_process import PROGRAM

FEW_FILES = "this process may open 287 files: give it at least 288 (ulimit -Hn)"
OPA = {"POLICY__ENGINE": "opa", "POLICY__ADDRESS": "unix:///nonexistent/opa.sock"}


class TestConfigCheck:
    def test_shows_what_is_in_force(self, made: Home) -> None:
        shown = made.data("config", "check")
        assert shown["server"]["listen"] == "127.0.0.1:5443"
        assert shown["server"]["limits"]["held_seconds"] == 604800
        assert shown["directory"] == str(made.folder)

    def test_a_table_names_each_key_as_the_file_does(self, made: Home) -> None:
        lines = [line.split() for line in made.done("config", "check").out.splitlines()]
        assert ["server.listen", "127.0.0.1:5443"] in lines
        assert ["server.limits.held_seconds", "604800"] in lines
        assert not any("{" in word for line in lines for word in line)

    def test_a_mistake_ends_with_2(self, home: Home) -> None:
        text = home.config_file.read_text(encoding="utf-8")
        home.config_file.write_text(text.replace("listen =", "lisen ="), encoding="utf-8")
        ran = home.run("config", "check")
        assert ran.status == 2
        assert "server.lisen: unknown key, did you mean listen?" in ran.err
        assert ran.out == ""

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            pytest.param({"METRICS__TOKEN_FILE": "none"}, "metrics.token_file: ", id="no-metrics-secret"),
            pytest.param({"METRICS__TOKEN_FILE": "empty"}, "metrics.token_file: ", id="an-empty-metrics-secret"),
            pytest.param({"METRICS__TOKEN_FILE": "keys"}, "is not a regular file", id="a-folder-as-metrics-secret"),
            pytest.param({**OPA, "POLICY__TOKEN_FILE": "empty"}, "policy.token_file: ", id="an-empty-opa-token"),
            pytest.param({**OPA, "POLICY__CA": "none"}, "policy.ca: ", id="no-opa-ca"),
            pytest.param({**OPA, "POLICY__CA": "empty"}, "policy.ca: ", id="an-opa-ca-that-is-none"),
            pytest.param(
                {**OPA, "POLICY__ADDRESS": "http://opa.example.test:8181"},
                "must be reached with https",
                id="opa-in-clear",
            ),
            pytest.param({**OPA, "POLICY__ADDRESS": "https://opa/v1"}, "is not unix:///PATH", id="opa-with-a-path"),
            pytest.param({"SERVER__TLS__KEY": "none"}, "are not a certificate and its key", id="no-tls-key"),
            pytest.param({"IDENTITY__KEY_DIRECTORY": "trust/keys"}, "there is no signing key", id="no-token-key"),
        ],
    )
    def test_says_of_a_setting_what_serve_says(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
    ) -> None:
        (home.folder / "empty").touch()
        monkeypatch.setattr(gateway, "listening_socket", lambda _: pytest.fail("it would serve"))
        for name, value in settings.items():
            monkeypatch.setenv(f"REGISTRY_GATEWAY__{name}", value)
        checked, served = home.run("config", "check"), home.run("serve")
        assert checked.status == served.status == 2
        assert said in checked.err
        assert checked.err == served.err
        assert checked.out == ""

    def test_asks_nothing_of_files_that_are_not_used(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("POLICY__TOKEN_FILE", "POLICY__CA"):
            monkeypatch.setenv(f"REGISTRY_GATEWAY__{name}", "none")
        home.done("config", "check")

    def test_says_of_a_limit_of_open_files_what_serve_says(self, home: Home) -> None:
        for command in ("config check", "serve"):
            ran = with_few_files(home, *command.split())
            assert (ran.returncode, ran.stdout) == (2, "")
            assert ran.stderr == f"registry-gateway: {FEW_FILES}\n"


def with_few_files(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process that may open too few files to serve."""
    command: list[str | Path] = ["prlimit", "--nofile=100:287", PROGRAM, "--config", home.config_file, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class TestDoctor:
    def test_of_a_new_folder_is_content(self, made: Home) -> None:
        rows = made.data("doctor")
        assert {row["check"] for row in rows} == {
            "certificate",
            "token keys",
            "secret files",
            "open files",
            "private files",
            "disk space",
            "catalog schema",
            "policy",
            "policy engine",
            "trust",
            "robots",
        }
        assert {row["result"] for row in rows} == {"ok"}

    def failed(self, home: Home) -> dict[str, str]:
        """Run it, and return the advice of each check that failed."""
        ran = home.run("--output", "json", "doctor")
        assert ran.status == 1
        found = {row["check"]: row["advice"] for row in ran.data if row["result"] == "FAILED"}
        assert all(check in ran.err for check in found)
        return found

    @pytest.mark.parametrize("place", ["data", "keys/token", "keys/tls/key.pem"])
    def test_finds_secrets_that_others_can_read(self, home: Home, place: str) -> None:
        (home.folder / place).chmod(0o755)
        said = f"others can read {home.folder / place}: chmod go= {home.folder / place}"
        assert self.failed(home) == {"private files": said}

    def test_finds_a_token_key_that_others_can_read(self, home: Home) -> None:
        (key,) = (home.folder / "keys" / "token").iterdir()
        key.chmod(0o644)
        assert str(key) in self.failed(home)["private files"]

    def test_finds_a_certificate_that_is_none(self, home: Home) -> None:
        (home.folder / "keys" / "tls" / "certificate.pem").write_text("nothing", encoding="ascii")
        assert "are not a certificate and its key" in self.failed(home)["certificate"]

    def test_finds_a_certificate_whose_key_is_another(self, home: Home) -> None:
        issued = issue_self_signed(["localhost"], now=datetime.now(tz=UTC))
        (home.folder / "keys" / "tls" / "key.pem").write_bytes(issued.key)
        assert "are not a certificate and its key" in self.failed(home)["certificate"]

    def reissue(self, home: Home, *, days: int) -> None:
        """Put a certificate and its key there that were made so many days ago."""
        issued = issue_self_signed(["localhost"], now=datetime.now(tz=UTC) - timedelta(days=days))
        (home.folder / "keys" / "tls" / "certificate.pem").write_bytes(issued.chain)
        (home.folder / "keys" / "tls" / "key.pem").write_bytes(issued.key)

    def test_finds_a_certificate_that_has_ended(self, home: Home) -> None:
        self.reissue(home, days=LEAF_DAYS + 1)
        assert "has expired: renew it" in self.failed(home)["certificate"]

    def test_finds_a_certificate_that_is_not_valid_yet(self, home: Home) -> None:
        self.reissue(home, days=-2)
        assert "is not valid before" in self.failed(home)["certificate"]

    def test_warns_of_a_certificate_that_is_about_to_end(self, home: Home) -> None:
        self.reissue(home, days=LEAF_DAYS - 20)
        row = next(row for row in home.data("doctor") if row["check"] == "certificate")
        assert row["result"] == "warning"
        assert re.fullmatch(r"valid for \d+ days: renew .*certificate\.pem, and restart the gateway", row["advice"])

    def test_finds_that_no_key_signs_tokens(self, home: Home) -> None:
        (key,) = (home.folder / "keys" / "token").iterdir()
        key.unlink()
        assert "there is no signing key" in self.failed(home)["token keys"]

    def test_finds_that_the_only_token_key_is_of_later(self, home: Home) -> None:
        (key,) = (home.folder / "keys" / "token").iterdir()
        key.rename(key.with_name("signing-99999999999.pem"))
        assert "no key that could sign" in self.failed(home)["token keys"]

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            pytest.param({"METRICS__TOKEN_FILE": "none"}, "metrics.token_file", id="metrics"),
            pytest.param({**OPA, "POLICY__TOKEN_FILE": "none"}, "policy.token_file", id="opa"),
            pytest.param({**OPA, "POLICY__CA": "none"}, "policy.ca", id="opa-s-ca"),
            pytest.param({**OPA, "POLICY__CA": "gateway.toml"}, "policy.ca", id="opa-s-ca-that-is-none"),
        ],
    )
    def test_finds_a_secret_that_is_not_there(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
    ) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"REGISTRY_GATEWAY__{name}", value)
        found = self.failed(home)
        assert set(found) == {"secret files"}
        assert f"{said}: " in found["secret files"]

    def test_finds_an_opa_server_that_is_not_there(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in OPA.items():
            monkeypatch.setenv(f"REGISTRY_GATEWAY__{name}", value)
        found = self.failed(home)
        assert set(found) == {"policy engine"}
        assert "cannot be reached" in found["policy engine"]

    def test_finds_that_too_few_files_may_be_open(self, home: Home) -> None:
        ran = with_few_files(home, "doctor")
        assert ran.returncode == 1
        assert "1 of 11 checks failed: open files" in ran.stderr
        assert FEW_FILES in ran.stdout

    def test_finds_that_there_is_little_space(self, made: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(diagnosis, "MIN_FREE_BYTES", 2**63)
        assert "make space, pushes are refused with 507" in self.failed(made)["disk space"]

    def test_warns_of_a_pushing_robot_that_pulls_from_a_second_address(self, team: Home) -> None:
        team.done("robot", "create", "team", "ci", "--role", "writer")
        (robot,) = team.data("robot", "list")
        image = images.image("one")
        team.push(image, "v1")
        now = unix_now()

        async def meanwhile(parts: Parts) -> None:
            """What was pushed was the robot's; and it pulled from two addresses."""
            await parts.database.write(
                lambda connection: connection.execute("UPDATE manifest SET who = ?", (robot["id"],)).rowcount
            )
            for address in ("192.0.2.1", "192.0.2.2"):
                key = (robot["id"], "team/app", image.digest, address, "pulled", now // 60)
                await parts.audit.record_pulls({key: (now, now, 1)})

        team.inside(meanwhile)
        row = next(row for row in team.data("doctor") if row["check"] == "robots")
        assert row["result"] == "warning"
        assert "robot+team+ci from 2" in row["advice"]

    def test_finds_rules_that_are_not_the_active_ones(self, home: Home) -> None:
        file = home.folder / "policies" / "data" / "config.json"
        file.write_text(file.read_text(encoding="utf-8").replace('"warn"', '"enforce"', 1), encoding="utf-8")
        assert "is not what is active" in self.failed(home)["policy"]

    def test_finds_a_trust_policy_that_is_not_the_active_one(self, home: Home) -> None:
        for name, content in trust_files(signer("ecdsa-p256", 1)).items():
            (home.folder / "trust" / name).parent.mkdir(parents=True, exist_ok=True)
            (home.folder / "trust" / name).write_bytes(content)
        assert "`registry-gateway trust apply" in self.failed(home)["trust"]
        home.done("trust", "apply", str(home.folder / "trust"))
        assert home.run("doctor").status == 0

    def test_finds_that_there_is_no_catalog_and_says_so_without_the_rest(self, home: Home) -> None:
        (home.folder / "data" / "catalog.sqlite").unlink()
        assert "catalog schema" in self.failed(home)

    def test_finds_tables_that_another_build_made(self, home: Home) -> None:
        other_tables(home)
        assert f"({OTHER_TABLES})" in self.failed(home)["catalog schema"]


OTHER_TABLES = "there is no table holder, project has no column cache_bytes"


def other_tables(home: Home) -> None:
    """Make the catalog one of an earlier build, which said the same revision of itself."""
    connection = sqlite3.connect(home.folder / "data" / "catalog.sqlite")
    connection.executescript("DROP TABLE holder; ALTER TABLE project DROP COLUMN cache_bytes")
    connection.close()


def test_nothing_is_served_from_tables_that_another_build_made(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "listening_socket", lambda _: socket.socket())
    monkeypatch.setattr(gateway, "serve_application", lambda *_, **__: pytest.fail("it would serve"))
    other_tables(home)
    for words in (("serve",), ("project", "list"), ("upgrade",)):
        ran = home.run(*words)
        assert (ran.status, ran.out) == (2, "")
        assert f"({OTHER_TABLES})" in ran.err.splitlines()[-1]


def test_stats_counts(home: Home) -> None:
    home.done("project", "create", "team")
    counts = home.data("stats")
    assert counts["projects"] == 1
    assert counts["manifests_held"] == 0
    assert counts["blob_bytes"] == 0


class TestUpgrade:
    def test_of_what_is_up_to_date_changes_nothing(self, home: Home) -> None:
        ran = home.run("--output", "json", "upgrade")
        done = ran.data
        assert ran.err == ""
        assert "bringing the schema of" in home.done("upgrade").err
        assert done["from"] == done["to"]
        assert home.run("doctor").status == 0

    def test_of_what_is_no_catalog_is_refused(self, home: Home) -> None:
        catalog = home.folder / "data" / "catalog.sqlite"
        catalog.write_bytes(b"not a database, but long enough to be looked at as one " * 100)
        ran = home.run("upgrade")
        assert ran.status in (2, 3)
        assert ran.out == ""
        assert ran.err.splitlines()[-1].startswith("registry-gateway: ")
        assert Path(catalog).read_bytes().startswith(b"not a database")
