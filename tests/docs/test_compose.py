"""`compose/` against the tree: what it copies is there, what it names is what the program and its configuration say.

Nothing is built or started here. `tests/unit/compose` runs the health check.
"""

import importlib.util
import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from gateway.config.reading import load
from gateway.config.sections import Config, Limits, Server
from gateway.policy.opa_tool import HOW_TO_GET_OPA
from tests.support.command_line import command
from tests.support.containerfile import Stage, stages
from tests.support.documentation import ROOT, code_blocks, commands, help_of

FOLDER: Final = ROOT / "compose"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
STAGES: Final = stages((FOLDER / "Containerfile").read_text(encoding="utf-8"))
IMAGE: Final = STAGES[-1]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE: Final = (FOLDER / "README.md").read_text(encoding="utf-8")
OURS: Final = f"registry-gateway:{PROJECT['version']}"
WHEEL: Final = f"dist/registry_gateway-{PROJECT['version']}-py3-none-any.whl"
"""What `make wheel` makes."""

EVERY = pytest.mark.parametrize("name", list(SERVICES))


def filled(text: str, **given: str) -> str:
    """Fill in ``${NAME:-default}`` as compose does."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: given.get(found[1], found[2]), text)


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Return the volume at each place of a service."""
    pairs = [
        (each["target"], each["source"]) if isinstance(each, dict) else each.split(":")[1::-1]
        for each in service["volumes"]
    ]
    return dict(pairs)


def exists(words: list[str]) -> None:
    """Assert that words after `registry-gateway` are a command, with options that it has."""
    named: tuple[str, ...] = ()
    known = set(commands())
    for word in words:
        if (*named, word) not in known:
            break
        named = (*named, word)
    assert named, f"no such command: {words}"
    assert not any(each[: len(named)] == named for each in known - {named}), f"a group alone is no command: {words}"
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in help_of(named)


class TestImage:
    def test_what_it_copies_is_in_the_tree_and_let_in(self) -> None:
        let_in = [
            line[1:]
            for line in (FOLDER / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
            if line.startswith("!")
        ]
        copied = [
            source
            for stage in STAGES
            for each in stage.all("COPY")
            if "from" not in each.flags
            for source in each.words[:-1]
        ]
        assert sorted(copied) == sorted(let_in)
        for source in copied:
            assert fnmatch(WHEEL, source) or (ROOT / source).is_file(), source
        assert any(fnmatch(WHEEL, source) for source in copied)

    def test_what_comes_from_another_stage_names_it(self) -> None:
        names = {stage.name for stage in STAGES}
        copied = [each for stage in STAGES for each in stage.all("COPY") if "from" in each.flags]
        assert {each.flags["from"] for each in copied} == names - {""}
        made = "".join(each.rest for each in _stage("build").all("RUN"))
        assert [each.words[0] for each in copied] == ["/opa", "/opt/registry-gateway"]
        assert "-m venv /opt/registry-gateway" in made

    def test_opa_is_the_version_that_is_tested_and_told(self) -> None:
        pins = (ROOT / "tests" / "tools" / "pins").read_text(encoding="utf-8")
        (version,) = re.findall(r"^opa .*open-policy-agent/opa@v([\d.]+) ", pins, re.MULTILINE)
        assert _stage("opa").base == SERVICES["opa"]["image"] == f"openpolicyagent/opa:{version}-static"
        assert f"open-policy-agent/opa@v{version}`" in HOW_TO_GET_OPA

    def test_python_is_the_one_that_the_pins_were_made_for(self) -> None:
        assert IMAGE.base == _stage("build").base
        (version,) = re.findall(r"^python:(\d+\.\d+)-slim", IMAGE.base)
        assert PROJECT["requires-python"] == f">={version}"
        assert f"--python-version {version} " in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    def test_it_starts_the_program_with_a_command_that_it_has(self) -> None:
        (program,) = IMAGE.one("ENTRYPOINT").words
        assert program in PROJECT["scripts"]
        exists(IMAGE.one("CMD").words)
        path = dict(each.partition("=")[::2] for each in shlex.split(IMAGE.one("ENV").rest))["PATH"]
        assert path.split(":")[0] == "/opt/registry-gateway/bin"

    def test_the_health_check_is_where_it_was_copied_to_and_ends_before_it_is_ended(self) -> None:
        check = IMAGE.one("HEALTHCHECK")
        (python, file) = shlex.split(check.rest.partition("CMD ")[2].replace(",", " ").strip("[]"))
        (target,) = [each.words[1] for each in IMAGE.all("COPY") if each.words[0] == "compose/healthcheck.py"]
        assert (python, file) == ("python", f"{target}healthcheck.py")
        spec = importlib.util.spec_from_file_location("healthcheck", FOLDER / "healthcheck.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert _seconds(check.flags["timeout"]) > 2 * module.TIMEOUT_SECONDS

    def test_state_configuration_and_user_are_one(self) -> None:
        (state,) = IMAGE.one("VOLUME").words
        environment = dict(each.partition("=")[::2] for each in shlex.split(IMAGE.one("ENV").rest))
        assert environment["REGISTRY_GATEWAY_CONFIG"] == f"{state}/gateway.toml"
        assert IMAGE.one("WORKDIR").rest == state
        made = " ".join(each.rest for each in IMAGE.all("RUN"))
        user, _, group = IMAGE.one("USER").rest.partition(":")
        assert f"groupadd --gid {group} gateway" in made
        assert f"useradd --uid {user} --gid gateway" in made
        owned = made.partition("install --directory --owner gateway --group gateway --mode 0700 ")[2].split()
        places = {place for name in ("gateway", "policy-bundle") for place in mounts(SERVICES[name])}
        assert set(owned) == places | {state}, "a volume takes over owner and mode of the folder that it covers"


class TestServices:
    @EVERY
    def test_is_confined(self, name: str) -> None:
        service = SERVICES[name]
        assert service["user"] == IMAGE.one("USER").rest
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service or all(each.startswith("127.0.0.1:") for each in service["ports"])

    @EVERY
    def test_names_what_there_is(self, name: str) -> None:
        service = SERVICES[name]
        assert set(mounts(service).values()) <= set(COMPOSE["volumes"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        if "build" in service:
            build = service["build"]
            assert service["image"] == OURS
            context = (FOLDER / build["context"]).resolve()
            assert (context / build["dockerfile"]).resolve() == FOLDER / "Containerfile"
            assert context == ROOT

    def test_every_volume_is_mounted(self) -> None:
        assert {each for service in SERVICES.values() for each in mounts(service).values()} == set(COMPOSE["volumes"])

    def test_the_state_is_where_the_image_has_it(self) -> None:
        (state,) = IMAGE.one("VOLUME").words
        for name in ("gateway", "init", "policy-bundle"):
            assert mounts(SERVICES[name])[state] == "state"

    def test_it_is_stopped_later_than_it_drains(self) -> None:
        assert _seconds(SERVICES["gateway"]["stop_grace_period"]) > Limits().drain_seconds
        assert IMAGE.one("STOPSIGNAL").rest == "SIGTERM"
        assert f"at most {Limits().drain_seconds:g} seconds" in PAGE

    def test_the_policy_is_written_where_opa_reads_it(self) -> None:
        service, opa = SERVICES["policy-bundle"], SERVICES["opa"]
        (line,) = service["command"]
        words = line.partition("exec registry-gateway ")[2].split()
        exists(words)
        place = words[-1]
        assert opa["command"][opa["command"].index("--bundle") + 1] == place
        folder = str(Path(place).parent)
        assert mounts(service)[folder] == mounts(opa)[folder] == "policy"
        assert opa["network_mode"] == service["network_mode"] == "none"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the service `init` makes: its command, with another folder in it."""
    folder = tmp_path_factory.mktemp("compose") / "state"
    verb, place, *options = [filled(word) for word in SERVICES["init"]["command"]]
    exists([verb, *options])
    assert [place] == IMAGE.one("VOLUME").words
    ran = command(verb, str(folder), *options)
    assert ran.status == 0, ran.err
    return folder


def in_force(made: Path, **given: str) -> Config:
    """Return what the service `gateway` serves with: the file, and compose's settings over it."""
    environment = {name: filled(value, **given) for name, value in SERVICES["gateway"]["environment"].items()}
    return load(made / "gateway.toml", environment)


class TestConfiguration:
    def test_one_port_is_listened_on_exposed_published_and_told(self, made: Path) -> None:
        config = in_force(made)
        host, port = config.server.address
        assert host == "0.0.0.0"
        assert IMAGE.one("EXPOSE").rest == str(port)
        (published,) = SERVICES["gateway"]["ports"]
        assert published == f"127.0.0.1:{port}:{port}"
        assert config.server.public_url == f"https://localhost:{port}"
        assert Server().listen.rpartition(":")[2] == str(port)
        assert f"docker login localhost:{port} " in PAGE

    def test_the_default_needs_nothing_beside_it(self, made: Path) -> None:
        assert in_force(made).policy.engine == "wasm"
        wanted = [name for name, service in SERVICES.items() if not service.get("profiles")]
        assert wanted == ["gateway"]

    def test_the_opa_that_is_asked_is_the_one_beside_it(self, made: Path) -> None:
        settings = dict(re.findall(r"\b([A-Z_]+)=(\w+)", PAGE.partition("printf")[2].partition(">")[0]))
        policy = in_force(made, **settings).policy
        assert policy.engine == "opa"
        assert f"--addr={policy.address}" in SERVICES["opa"]["command"]
        folder = str(Path(policy.address.removeprefix("unix://")).parent)
        assert mounts(SERVICES["gateway"])[folder] == mounts(SERVICES["opa"])[folder] == "opa-socket"
        assert settings["COMPOSE_PROFILES"] in SERVICES["opa"]["profiles"]

    def test_the_page_reads_files_that_init_made(self, made: Path) -> None:
        for shown in re.findall(r"exec gateway cat (\S+)", PAGE):
            assert (made / shown).is_file()
        (state,) = IMAGE.one("VOLUME").words
        for shown in re.findall(rf"gateway:{state}/(\w+)", PAGE):
            assert (made / shown).is_dir()


def test_the_commands_of_the_page_are_for_services_and_programs_that_there_are() -> None:
    seen: set[str] = set()
    for line in "\n".join(code_blocks(PAGE, "sh")).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        assert all(Path(word).is_relative_to("compose") for word in words if word.endswith(".yaml"))
        assert not any(word.startswith("registry-gateway:") and word != OURS for word in words)
        if words[:2] != ["docker", "compose"]:
            continue
        verb, *rest = words[4:]
        named = [word for word in rest if not word.startswith("--")]
        seen.add(verb)
        match verb:
            case "up" | "restart":
                assert set(named) <= set(SERVICES)
            case "run" | "exec":
                assert named[0] in SERVICES
                if named[1:2] == ["registry-gateway"]:
                    exists(rest[rest.index("registry-gateway") + 1 :])
                elif verb == "run" and len(named) > 1:
                    exists(named[1:])
            case "cp":
                assert [word.partition(":")[0] for word in named if ":" in word] == ["gateway"]
            case _:
                assert verb == "build"
    assert seen == {"build", "run", "up", "exec", "cp", "restart"}


def _stage(name: str) -> Stage:
    (found,) = [stage for stage in STAGES if stage.name == name]
    return found


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)s", text)
    assert found
    return float(found[1])
