"""A policies directory, read once: modules, tests, data, and the schema of the data.

    registry/**/*.rego      what is compiled
    tests/**/*_test.rego    what must pass before it is
    data/*.json             parameters; compliance people edit only these
    schemas/config.json     what may be in them
    schemas/admission.json, capabilities.json   the gateway's own, copied for editors and for `opa`; never believed

Never runs anything and never follows a link out of the directory.

I/O: reads files, blocking.
Source: DESIGN 7 (Policy), "The directories are input".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.errors import DocumentInvalid, PolicyInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.revision import COMPILED_MODULE

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 2000


@dataclass(frozen=True, slots=True)
class PolicySources:
    """What a policies directory holds. Keys are paths inside it, with ``/``."""

    modules: dict[str, str]
    tests: dict[str, str]
    data: JsonObject
    config_schema: JsonObject
    admission_schema: JsonObject
    capabilities: JsonObject


def read(directory: Path) -> PolicySources:
    """Return what ``directory`` holds. Raises `PolicyInvalid`, naming the file, where it is not a policies directory."""
    if not directory.is_dir():
        raise PolicyInvalid(f"{directory} is not a directory")
    modules = {path: _text(file) for path, file in _files(directory, "registry", ".rego")}
    if not modules:
        raise PolicyInvalid(f"{directory / 'registry'} holds no Rego module")
    for path in modules:
        if path.endswith("_test.rego"):
            raise PolicyInvalid(f"{path}: tests belong into tests/, or they would be compiled")
        if path == COMPILED_MODULE:
            raise PolicyInvalid(f"{path}: that file is generated; remove it")
    data: JsonObject = {}
    for path, file in _files(directory, "data", ".json"):
        _merge(data, _object(file), path)
    return PolicySources(
        modules=modules,
        tests={path: _text(file) for path, file in _files(directory, "tests", ".rego")},
        data=data,
        config_schema=_object(directory / "schemas" / "config.json"),
        admission_schema=_object(directory / "schemas" / "admission.json"),
        capabilities=_object(directory / "capabilities.json"),
    )


def _files(directory: Path, below: str, suffix: str) -> list[tuple[str, Path]]:
    found = []
    for file in sorted((directory / below).rglob("*")):
        path = file.relative_to(directory).as_posix()
        if file.is_symlink():
            raise PolicyInvalid(f"{path} is a link: what is activated must be what lies in the directory")
        if file.is_dir() or any(part.startswith(".") for part in path.split("/")):
            continue
        if file.suffix != suffix:
            # Not ignored: a policy saved as .reg0, or data as .yaml, would silently not count.
            raise PolicyInvalid(f"{path}: only *{suffix} files belong into {below}/")
        found.append((path, file))
    if len(found) > MAX_FILES:
        raise PolicyInvalid(f"more than {MAX_FILES} files in {below}/")
    return found


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PolicyInvalid(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise PolicyInvalid(f"{file} is larger than {MAX_FILE_BYTES} bytes")
    return content


def _text(file: Path) -> str:
    try:
        return _bytes(file).decode("utf-8")
    except UnicodeDecodeError:
        raise PolicyInvalid(f"{file} is not UTF-8") from None


def _object(file: Path) -> JsonObject:
    try:
        # The operator's own data, which may be a list of a hundred thousand names: its size is the bound.
        return strict_json.parse_object(_bytes(file), max_bytes=MAX_FILE_BYTES, max_nodes=MAX_FILE_BYTES)
    except DocumentInvalid as error:
        raise PolicyInvalid(f"{file}: {error}") from None


def _merge(into: JsonObject, part: JsonObject, path: str, where: str = "") -> None:
    """Add ``part`` to ``into``. Two files that say something about one place are refused: the order must not matter."""
    for name, value in part.items():
        place = f"{where}/{name}"
        present: JsonValue = into.get(name)
        if name not in into:
            into[name] = value
        elif isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value, path, place)
        else:
            raise PolicyInvalid(f"{path}: another file in data/ already says what {place[1:]} is")
