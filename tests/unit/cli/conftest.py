"""A folder made by `init`, once, and a copy of it for each test."""

from pathlib import Path

import pytest

from tests.support.command_line import Home, command


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The folder as `init` leaves it: not to be changed."""
    folder = tmp_path_factory.mktemp("init") / "registry"
    ran = command("init", str(folder), "--listen", "127.0.0.1:5443")
    assert ran.status == 0, ran.err
    return Home(folder)


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    """A folder of one's own, as `init` leaves it."""
    return made.copy(tmp_path / "registry")


@pytest.fixture(scope="session")
def peopled(made: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same with a project ``team`` and a writer ``alice`` in it: not to be changed. Hashing a password takes long."""
    home = made.copy(tmp_path_factory.mktemp("peopled") / "registry")
    home.project()
    return home


@pytest.fixture
def team(peopled: Home, tmp_path: Path) -> Home:
    """A folder of one's own with the project ``team`` and its writer ``alice``."""
    return peopled.copy(tmp_path / "registry")
