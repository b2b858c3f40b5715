"""`config check`, `doctor`, `stats`, `upgrade`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.server.tls import LEAF_DAYS, issue_self_signed
from tests.support.command_line import Home
from tests.support.evidence import signer, trust_files


class TestConfigCheck:
    def test_shows_what_is_in_force(self, made: Home) -> None:
        shown = made.data("config", "check")
        assert shown["server"]["listen"] == "127.0.0.1:5443"
        assert shown["server"]["limits"]["held_seconds"] == 604800
        assert shown["directory"] == str(made.folder)

    def test_a_mistake_ends_with_2(self, home: Home) -> None:
        text = home.config_file.read_text(encoding="utf-8")
        home.config_file.write_text(text.replace("listen =", "lisen ="), encoding="utf-8")
        ran = home.run("config", "check")
        assert ran.status == 2
        assert "server.lisen: unknown key, did you mean listen?" in ran.err
        assert ran.out == ""


class TestDoctor:
    def test_of_a_new_folder_is_content(self, made: Home) -> None:
        rows = made.data("doctor")
        assert {row["check"] for row in rows} == {
            "certificate",
            "private files",
            "disk space",
            "catalog schema",
            "policy",
            "trust",
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
        assert self.failed(home) == {
            "private files": f"others can read {home.folder / place}: chmod go= {home.folder / place}"
        }

    def test_finds_a_token_key_that_others_can_read(self, home: Home) -> None:
        (key,) = (home.folder / "keys" / "token").iterdir()
        key.chmod(0o644)
        assert str(key) in self.failed(home)["private files"]

    def test_finds_a_certificate_that_is_none(self, home: Home) -> None:
        (home.folder / "keys" / "tls" / "certificate.pem").write_text("nothing", encoding="ascii")
        assert "cannot be read as a certificate" in self.failed(home)["certificate"]

    @pytest.mark.parametrize(
        ("days", "said"),
        [
            pytest.param(LEAF_DAYS - 20, "valid for", id="about-to-end"),
            pytest.param(LEAF_DAYS + 1, "has expired: renew it", id="expired"),
        ],
    )
    def test_finds_a_certificate_that_ends(self, home: Home, days: int, said: str) -> None:
        made = datetime.now(tz=UTC) - timedelta(days=days)
        issued = issue_self_signed(["localhost"], now=made)
        (home.folder / "keys" / "tls" / "certificate.pem").write_bytes(issued.chain)
        assert said in self.failed(home)["certificate"]

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


def test_stats_counts(home: Home) -> None:
    home.done("project", "create", "team")
    counts = home.data("stats")
    assert counts["projects"] == 1
    assert counts["manifests_held"] == 0
    assert counts["blob_bytes"] == 0


class TestUpgrade:
    def test_of_what_is_up_to_date_changes_nothing(self, home: Home) -> None:
        done = home.data("upgrade")
        assert done["from"] == done["to"]
        assert home.run("doctor").status == 0

    def test_of_what_is_no_catalog_is_refused(self, home: Home) -> None:
        catalog = home.folder / "data" / "catalog.sqlite"
        catalog.write_bytes(b"not a database, but long enough to be looked at as one " * 100)
        ran = home.run("upgrade")
        assert ran.status in (2, 3)
        assert ran.out == ""
        assert ran.err.startswith("registry-gateway: ")
        assert Path(catalog).read_bytes().startswith(b"not a database")
