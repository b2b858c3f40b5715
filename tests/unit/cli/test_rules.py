"""`trust` and `policy`: checked, activated with a reason, compared with the folder."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import Home
from tests.support.evidence import signer, trust_files

KEY = signer("ecdsa-p256", 1)


def write(place: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


class TestTrust:
    def test_is_checked_applied_and_shown(self, home: Home, tmp_path: Path) -> None:
        place = write(tmp_path / "new", trust_files(KEY, globs=("team/**",)))
        checked = home.data("trust", "check", str(place))
        assert checked[0]["globs"] == ["team/**"]
        assert home.data("trust", "show") == []
        applied = home.data("trust", "apply", str(place), "--reason", "first keys")
        assert applied["generation"] == 2
        assert applied["reason"] == "first keys"
        assert home.data("trust", "show") == checked
        assert home.data("audit", "tail")[-1]["kind"] == "trust.applied"

    def test_check_warns_when_one_key_covers_several_projects(self, home: Home, tmp_path: Path) -> None:
        place = write(tmp_path / "wide", trust_files(KEY, globs=("team/**", "other/**")))
        for output in ("table", "json"):
            ran = home.run("--output", output, "trust", "check", str(place))
            assert ran.status == 0
            assert ran.err.startswith("warning: one key covers several projects (other, team): ")
            assert KEY.id in ran.err
            assert "warning" not in ran.out
        assert home.data("trust", "check", str(place))[0]["globs"] == ["team/**", "other/**"]
        narrow = write(tmp_path / "narrow", trust_files(KEY, globs=("team/**",)))
        assert home.run("trust", "check", str(narrow)).err == ""

    def test_check_warns_of_a_host_that_is_none_of_the_registry(self, home: Home, tmp_path: Path) -> None:
        place = write(tmp_path / "far", trust_files(KEY, globs=("other.example/team/**", "localhost:5443/team/**")))
        ran = home.run("trust", "check", str(place))
        assert ran.status == 0
        assert "names other.example/team/**, and other.example is no host of this registry" in ran.err
        assert ran.err.count("warning") == 1

    @pytest.mark.parametrize("glob", ["local*:5743/team/**", "**:5743/team/**", "LOCALHOST:5743/team/**", "team//app"])
    def test_a_glob_that_covers_nothing_is_refused(self, home: Home, tmp_path: Path, glob: str) -> None:
        place = write(tmp_path / "new", trust_files(KEY, globs=("team/app", glob)))
        for verb in ("check", "apply"):
            ran = home.run("trust", verb, str(place))
            assert ran.status == 1
            assert "images[1].glob" in ran.err
            assert "covers no repository" in ran.err

    def test_of_a_project_every_policy_is_shown_that_can_be_about_a_repository_of_it(self, home: Home) -> None:
        home.done("project", "create", "team")
        home.done("project", "create", "other")
        home.trust(trust_files(KEY, globs=("team/app", "localhost:5443/team/web")))
        assert [row["name"] for row in home.data("trust", "show", "team")] == ["policy"]
        assert home.data("trust", "show", "other") == []

    def test_a_folder_of_nothing_trusts_nobody(self, home: Home, tmp_path: Path) -> None:
        place = tmp_path / "empty"
        place.mkdir()
        home.done("trust", "apply", str(place))
        assert home.data("trust", "show") == []

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            pytest.param({"a.yaml": b"kind: [unclosed"}, "a.yaml", id="not-yaml"),
            pytest.param({"a.yaml": b"apiVersion: other/v1\nkind: TrustPolicy\n"}, "a.yaml", id="another-version"),
        ],
    )
    def test_what_does_not_load_is_not_applied(
        self, home: Home, tmp_path: Path, files: dict[str, bytes], said: str
    ) -> None:
        place = write(tmp_path / "new", files)
        for verb in ("check", "apply"):
            ran = home.run("trust", verb, str(place))
            assert ran.status == 1
            assert said in ran.err
        assert home.data("audit", "tail")[-1]["kind"] == "role.granted"

    def test_a_symbolic_link_is_refused(self, home: Home, tmp_path: Path) -> None:
        place = write(tmp_path / "new", trust_files(KEY))
        (place / "more.yaml").symlink_to(tmp_path / "elsewhere.yaml")
        ran = home.run("trust", "check", str(place))
        assert ran.status == 1
        assert "more.yaml: is a symbolic link" in ran.err


class TestPolicy:
    def test_the_shipped_one_is_active_and_the_folder_the_same(self, home: Home) -> None:
        status = home.data("policy", "status")
        assert status["directory_is_active"] is True
        assert status["reason"] == "shipped with the gateway"
        assert "SIG001" in status["rules"]
        checked = home.data("policy", "check", str(home.folder / "policies"))
        assert checked["revision"] == status["revision"]

    def test_tests_that_cannot_run_are_not_taken_for_passed(
        self, made: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        ran = made.run("policy", "test", str(made.folder / "policies"))
        assert ran.status == 3
        assert ran.out == ""
        assert "did not run: install opa" in ran.err.splitlines()[-1]
        assert made.data("policy", "check", str(made.folder / "policies"))["tested"] is False

    def test_rules_that_cannot_be_compiled_end_with_3_and_what_to_install(
        self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        policies = home.folder / "policies"
        rule = policies / "registry" / "rules" / "no_root.rego"
        rule.write_text(rule.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        for words in (("check", str(policies)), ("activate", str(policies), "--reason", "test")):
            ran = home.run("policy", *words)
            assert ran.status == 3
            assert ran.out == ""
            last = ran.err.splitlines()[-1]
            assert last.startswith(f"registry-gateway: the rules in {policies} are not the shipped ones")
            assert "must be compiled: install opa" in last

    def test_the_active_one_is_shown_whatever_lies_in_the_folder(
        self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        policies = home.folder / "policies"
        before = home.data("policy", "status")
        assert (before["directory_is_active"], before["directory_problem"]) == (True, None)
        rule = policies / "registry" / "rules" / "no_root.rego"
        schema = policies / "schemas" / "admission.json"
        for change, said in (
            (
                lambda: rule.write_text(rule.read_text("utf-8") + "\n# changed\n", "utf-8"),
                "must be compiled: install opa",
            ),
            (lambda: schema.write_text("{}", "ascii"), "schemas/admission.json is the gateway's"),
            (rule.unlink, "schemas/admission.json is the gateway's"),
            (schema.unlink, "cannot be read"),
            (lambda: policies.rename(home.folder / "elsewhere"), f"{policies} is not a directory"),
        ):
            change()
            status = home.data("policy", "status")
            problem = status["directory_problem"]
            assert said in problem
            assert status == {**before, "directory_is_active": None, "directory_problem": problem}
            assert f"directory problem    {problem}\n" in home.done("policy", "status").out

    @pytest.mark.parametrize("path", ["schemas/admission.json", "capabilities.json"])
    def test_a_file_of_another_version_is_refused_with_the_one_to_take(
        self, home: Home, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        policies = home.folder / "policies"
        (policies / path).write_text('{"type": "object"}', encoding="ascii")
        ran = home.run("policy", "check", str(policies))
        assert (ran.status, ran.out) == (1, "")
        said, _, present = ran.err.splitlines()[-1].partition(": replace it by ")
        assert said.startswith(f"registry-gateway: {path} is the gateway's and must not be changed")
        assert home.data("policy", "status")["directory_problem"] in ran.err
        (policies / path).write_bytes(Path(present).read_bytes())
        assert home.data("policy", "status")["directory_is_active"] is True

    @pytest.mark.parametrize(
        ("script", "status", "out", "err"),
        [
            pytest.param("echo PASS: 31/31", 0, "31 tests ran and passed\n", "testing the rules", id="passed"),
            pytest.param("echo FAIL: 1/31; exit 2", 1, "", "FAIL: 1/31", id="failed"),
            pytest.param("true", 1, "", "no test ran", id="nothing-said"),
            pytest.param("echo PASS: 0/0", 1, "", "no test ran", id="none-there"),
        ],
    )
    def test_the_tests_are_the_program_s_to_run(
        self, made: Home, tmp_path: Path, script: str, status: int, out: str, err: str
    ) -> None:
        opa = tmp_path / "opa"
        opa.write_text(f'#!/bin/sh\ntest "$1" = test || exit 0\n{script}\n', encoding="ascii")
        opa.chmod(0o755)
        ran = made.run("policy", "test", str(made.folder / "policies"), "--opa", str(opa))
        assert (ran.status, ran.out) == (status, out)
        assert err in ran.err
        if status == 0:
            shown = made.data("policy", "test", str(made.folder / "policies"), "--opa", str(opa))
            assert shown["tests"] == 31

    def test_long_work_says_what_it_does(self, home: Home) -> None:
        place = str(home.folder / "policies")
        assert home.done("policy", "check", place).err.startswith("checking, testing and compiling")
        steps = home.done("policy", "activate", place, "--reason", "again").err.splitlines()
        assert [step.split()[0] for step in steps] == ["checking,", "loading", "making"]
        assert home.run("--output", "json", "policy", "check", place).err == ""

    def test_parameters_change_without_the_opa_program(self, home: Home) -> None:
        before = home.data("policy", "status")
        _set(home, "CFG001", level="enforce")
        assert home.data("policy", "status")["directory_is_active"] is False
        activated = home.data("policy", "activate", str(home.folder / "policies"), "--reason", "nobody runs as root")
        assert activated["rules_digest"] == before["rules_digest"]
        assert activated["data_digest"] != before["data_digest"]
        status = home.data("policy", "status")
        assert status["directory_is_active"] is True
        assert status["generation"] == before["generation"] + 1
        event = home.data("audit", "tail")[-1]
        assert (event["kind"], event["data"]["reason"]) == ("policy.activated", "nobody runs as root")

    def test_the_active_one_is_written_for_an_opa_server(self, home: Home, tmp_path: Path) -> None:
        status = home.data("policy", "status")
        home.done("policy", "bundle", str(tmp_path / "bundle"))
        files = [path for path in (tmp_path / "bundle").rglob("*") if path.is_file()]
        assert any(path.suffix == ".rego" for path in files)
        assert any(status["rules_digest"] in path.read_text(encoding="utf-8") for path in files)
        again = home.run("policy", "bundle", str(tmp_path / "bundle"))
        assert again.status == 1

    def test_an_activation_says_why(self, home: Home) -> None:
        ran = home.run("policy", "activate", str(home.folder / "policies"))
        assert ran.status == 2
        assert "--reason" in ran.err

    def test_a_parameter_that_is_none_is_refused_and_changes_nothing(self, home: Home) -> None:
        before = home.data("policy", "status")
        _set(home, "CFG001", level="sometimes")
        for words in (("check",), ("activate", "--reason", "x")):
            ran = home.run("policy", words[0], str(home.folder / "policies"), *words[1:])
            assert ran.status == 1
            assert "level" in ran.err or "sometimes" in ran.err
        (home.folder / "policies" / "data" / "config.json").write_text("{}", encoding="utf-8")
        active = home.inside(lambda parts: parts.revisions.active("policy"))
        assert active is not None
        assert active.digest == before["revision"]

    def test_a_folder_that_is_not_there_is_refused(self, home: Home) -> None:
        ran = home.run("policy", "check", str(home.folder / "nothing"))
        assert ran.status == 1
        assert "is not a directory" in ran.err


def _set(home: Home, code: str, **parameters: object) -> None:
    file = home.folder / "policies" / "data" / "config.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["registry"]["config"]["rules"][code].update(parameters)
    file.write_text(json.dumps(document), encoding="utf-8")
