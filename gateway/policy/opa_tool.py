"""The `opa` command: check, format, test, inspect, compile.

Runs on a copy of the sources in a directory of its own, with the gateway's own schema and capabilities, with an empty
environment, and never on anything but what it is given. `opa check` is where a forbidden builtin is refused: the server
has no such option.

I/O: subprocesses and temporary files, blocking.
Source: OPA 1.22 command line.
"""

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from gateway.errors import PolicyInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import canonical

ENTRYPOINT: Final = "registry/admission/decision"
HOW_TO_GET_OPA: Final = (
    "install opa (one static binary, https://www.openpolicyagent.org/docs/#1-download-opa, or `go install "
    "github.com/open-policy-agent/opa@v1.22.2`), and have it in PATH or name it with --opa"
)
_PASSED: Final = re.compile(r"^PASS: (?P<ran>[0-9]{1,9})/", re.MULTILINE)
_MAX_OUTPUT_CHARACTERS: Final = 20_000
_MAX_WASM_BYTES: Final = 16 * 1024 * 1024
_MAX_INSPECT_BYTES: Final = 8 * 1024 * 1024


def find(program: Path | None) -> Path | None:
    """Return the `opa` to run: ``program`` where it is given, else the one in PATH, else None.

    Raises `PolicyInvalid` where ``program`` is given and cannot be run: a named tool is never silently replaced.
    """
    if program is not None:
        if not os.access(program, os.X_OK) or program.is_dir():
            raise PolicyInvalid(f"{program} is not a program that can be run; {HOW_TO_GET_OPA}")
        return program
    found = shutil.which("opa")
    return None if found is None else Path(found)


class OpaTool:
    """The `opa` command over one copy of the sources."""

    def __init__(self, program: Path, root: Path, *, timeout_seconds: float) -> None:
        self._program = program.absolute()
        self._root = root
        self._timeout_seconds = timeout_seconds

    @classmethod
    @contextmanager
    def over(
        cls,
        program: Path,
        *,
        modules: Mapping[str, str],
        tests: Mapping[str, str],
        data: JsonObject,
        schemas: Mapping[str, JsonObject],
        capabilities: JsonObject,
        timeout_seconds: float = 120.0,
    ) -> Iterator[Self]:
        """Give the tool over a fresh directory with these files, removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="policy-") as name:
            root = Path(name)
            for path, text in {**modules, **tests}.items():
                _write(root / path, text.encode())
            for schema, document in schemas.items():
                _write(root / "schemas" / f"{schema}.json", canonical.encode(document))
            _write(root / "data" / "data.json", canonical.encode(data))
            _write(root / "capabilities.json", canonical.encode(capabilities))
            (root / "tests").mkdir(exist_ok=True)
            yield cls(program, root, timeout_seconds=timeout_seconds)

    def check(self) -> None:
        """Raise `PolicyInvalid` with opa's own text where a module does not compile, or reads what the input has not."""
        arguments = ["--strict", "--schema", "schemas", "--capabilities", "capabilities.json"]
        self._run("check", *arguments, "registry", "tests", "data")

    def check_format(self) -> None:
        """Raise `PolicyInvalid` naming the modules that `opa fmt` would change."""
        self._run("fmt", "--fail", "--list", "registry", "tests", says="not formatted; run `opa fmt --write`:\n")

    def test(self) -> int:
        """Return how many tests ran. Raises `PolicyInvalid` with opa's own report where one fails, or there is none."""
        report = self._run("test", "--capabilities", "capabilities.json", "registry", "tests", "data").decode(
            errors="replace"
        )
        passed = _PASSED.search(report)
        if passed is None or int(passed["ran"]) == 0:
            raise PolicyInvalid("no test ran: rules without a test are not activated")
        return int(passed["ran"])

    def inspect(self) -> JsonObject:
        """Return the namespaces and annotations of the modules."""
        # What the tool on this machine says of the operator's own sources: its size is the bound.
        return strict_json.parse_object(
            self._run("inspect", "-a", "-f", "json", "registry"),
            max_bytes=_MAX_INSPECT_BYTES,
            max_nodes=_MAX_INSPECT_BYTES,
        )

    def compile_wasm(self) -> bytes:
        """Return the compiled module, its one entry point being `ENTRYPOINT`. Data is not in it: it is set later."""
        self._run(
            "build",
            *("--target", "wasm", "--entrypoint", ENTRYPOINT),
            *("--capabilities", "capabilities.json", "--output", "bundle.tar.gz", "registry"),
        )
        return _member(self._root / "bundle.tar.gz", "policy.wasm")

    def version(self) -> str:
        """Return the version of this opa, as it names itself."""
        first = self._run("version").decode(errors="replace").partition("\n")[0]
        return first.removeprefix("Version: ").strip()

    def _run(self, command: str, *arguments: str, says: str = "") -> bytes:
        try:
            done = subprocess.run(  # noqa: S603  fixed arguments over files we wrote
                [str(self._program), command, *arguments],
                cwd=self._root,
                env={"HOME": str(self._root), "PATH": "/nonexistent"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PolicyInvalid(f"opa {command} did not end within {self._timeout_seconds:.0f} s") from None
        except OSError as error:
            raise PolicyInvalid(f"opa cannot be run: {error.strerror}") from None
        if done.returncode != 0:
            text = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise PolicyInvalid(f"opa {command} refuses this policy: {says}{text[:_MAX_OUTPUT_CHARACTERS]}")
        return done.stdout


def packages(inspected: JsonObject) -> dict[str, list[str]]:
    """Return the packages in ``inspected``, as ``data.registry...``, each with the files that have it."""
    namespaces = inspected.get("namespaces")
    if not isinstance(namespaces, dict):
        return {}
    return {name: [str(file) for file in files] for name, files in namespaces.items() if isinstance(files, list)}


def package_metadata(inspected: JsonObject) -> dict[str, JsonObject]:
    """Return package -> METADATA of scope package in ``inspected``."""
    found: dict[str, JsonObject] = {}
    entries = inspected.get("annotations")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        annotations, path = entry.get("annotations"), entry.get("path")
        if isinstance(annotations, dict) and annotations.get("scope") == "package" and isinstance(path, list):
            found[".".join(_part(part) for part in path)] = annotations
    return found


def _part(part: JsonValue) -> str:
    value = part.get("value") if isinstance(part, dict) else None
    return value if isinstance(value, str) else "?"


def _member(bundle: Path, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(bundle.read_bytes()), mode="r:gz") as archive:
        for member in archive:
            if member.name.lstrip("/") == name and member.isfile() and member.size <= _MAX_WASM_BYTES:
                stream = archive.extractfile(member)
                if stream is not None:
                    return stream.read()
    raise PolicyInvalid(f"opa build made no {name}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
