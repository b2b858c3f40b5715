"""Reading the configuration: one file and the environment, parsed once into one frozen value.

An unknown key is an error that names the nearest known one, since a misspelt limit is no limit. Environment variables
``REGISTRY_GATEWAY__SECTION__KEY`` win over the file. This is the one module that reads the environment (STYLE 5).

I/O: reads the file; nothing else.
Source: INTERFACE 4.
"""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from gateway.config.sections import Config
from gateway.errors import ConfigInvalid

ENVIRONMENT_PREFIX: Final = "REGISTRY_GATEWAY__"
DEFAULT_FILE: Final = "gateway.toml"
MAX_SECRET_BYTES: Final = 4096
"""Far below what the head of a request may have, in which it is sent."""
_LATER: Final = re.compile(
    r"audit|identity\.provider|mirror|policy\.shadow|projects|server\.trusted_proxies|storage\.(catalog|content)|upstream"
)
"""Of INTERFACE 4, with nothing behind them yet: whoever wrote one did not misspell it."""


def read_secret(file: Path, *, key: str) -> str:
    """Return the secret in ``file``: one word of printable ASCII, as it travels in a header.

    Raises `ConfigInvalid`, which names the setting ``key`` and shows nothing of the file. Empty is not "nobody" either.
    """
    try:
        text = _read_regular(file, key=key).decode("ascii").strip()
    except OSError as error:
        raise ConfigInvalid(f"{key}: {file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > MAX_SECRET_BYTES or not text.isprintable() or " " in text:
        raise ConfigInvalid(f"{key}: {file} must hold one secret, a line of printable ASCII without spaces") from None
    return text


def _read_regular(file: Path, *, key: str) -> bytes:
    """Return what a regular file holds, one byte over `MAX_SECRET_BYTES` at most, or raise `ConfigInvalid`.

    A link is followed, since that is how secrets are mounted. A pipe would be waited for, a device read without end.
    """
    opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise ConfigInvalid(f"{key}: {file} is not a regular file")
        return os.read(opened, MAX_SECRET_BYTES + 1)
    finally:
        os.close(opened)


def find_file(option: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the configuration file that the command line and the environment name."""
    return option or Path(environment.get("REGISTRY_GATEWAY_CONFIG", DEFAULT_FILE))


def process_environment() -> Mapping[str, str]:
    """Return the environment of this process: read here and nowhere else."""
    return os.environ


def load(file: Path, environment: Mapping[str, str]) -> Config:
    """Return the configuration in ``file`` with the environment's overrides. Raises `ConfigInvalid`."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigInvalid(f"{file}: {error.strerror}; `registry-gateway init DIR` writes one") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{file} is not UTF-8") from None
    return parse(text, environment, directory=file.resolve().parent, name=str(file))


def parse(text: str, environment: Mapping[str, str], *, directory: Path, name: str) -> Config:
    """Return the configuration that ``text`` (TOML) is, with the environment's overrides. Raises `ConfigInvalid`."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"{name}: not TOML: {error}") from None
    overridden = _override(document, environment)
    if "directory" in document:  # ours to set: believed from a file, it would move every relative path
        raise ConfigInvalid(f"{overridden.get(('directory',), name)}: {_unknown(['directory'])}")
    try:
        return Config.model_validate({**document, "directory": directory})
    except ValidationError as error:
        where, sentence = _first(error)
        raise ConfigInvalid(f"{overridden.get(where, name)}: {sentence}") from None


def _override(document: dict[str, Any], environment: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Put the environment's values into the document; return which variable set which key, for messages."""
    overridden: dict[tuple[str, ...], str] = {}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        *sections, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ConfigInvalid(f"{variable}: {section} is not a section")
        place[key] = environment[variable]
        overridden[*sections, key] = variable
    return overridden


def _first(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """Return where the first mistake is and one sentence about it."""
    detail = error.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in detail["loc"]]
    if detail["type"] == "extra_forbidden":
        return tuple(where), _unknown(where)
    return tuple(where), f"{'.'.join(where) or 'the file'}: {detail['msg'].removeprefix('Value error, ')}"


def _unknown(where: list[str]) -> str:
    """Return the sentence about an unknown key: that it is for later, or the nearest known name."""
    if _LATER.fullmatch(".".join(where)):
        return f"{'.'.join(where)}: is not there yet in this version; remove it"
    known = _known_keys(where[:-1])
    near = difflib.get_close_matches(where[-1], known, n=1)
    hint = f", did you mean {near[0]}?" if near else f", the known ones are {', '.join(known)}"
    return f"{'.'.join(where)}: unknown key{hint}"


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for name in section:
        if name.isdigit():
            continue  # the place in a list of tables, whose model was found by the list's name
        annotation = model.model_fields[name].annotation
        annotation = next(iter(get_args(annotation)), annotation)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return sorted(name for name in model.model_fields if name != "directory" or model is not Config)
