"""The demo's folder and address: made anew where a demo made it, left alone where it did not. The story is `make demo`."""

import socket
from pathlib import Path

from gateway.cli.demo import MARKER
from tests.support.command_line import command


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    ran = command("demo", "--directory", str(tmp_path), "--listen", address)
    assert ran.status == 1
    assert "is not a demo's folder" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_an_address_in_use_is_told_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / MARKER).touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = command("demo", "--directory", str(folder), "--listen", address)
    assert ran.status == 1
    assert f"{address} cannot be listened on" in ran.err
    assert [path.name for path in folder.iterdir()] == [MARKER]
