"""One process that serves: what it gives uvicorn, and where it listens."""

import socket
from pathlib import Path

import pytest

from gateway.config.reading import parse
from gateway.config.sections import Config
from gateway.errors import Unavailable
from gateway.server.run import listening_socket, whole_seconds


def listening_on(address: str, folder: Path) -> Config:
    text = f'[server]\nlisten = "{address}"\npublic_url = "https://localhost"\n'
    return parse(text, {}, directory=folder, name="gateway.toml")


@pytest.mark.parametrize(
    ("seconds", "whole"),
    [
        pytest.param(0.0, 0, id="none"),
        pytest.param(0.9, 1, id="a-part-of-a-second-is-not-none"),
        pytest.param(30.0, 30, id="whole"),
        pytest.param(30.1, 31, id="up"),
    ],
)
def test_the_time_to_drain_is_rounded_up(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole


@pytest.mark.parametrize("host", [pytest.param("127.0.0.1", id="ipv4"), pytest.param("[::1]", id="ipv6")])
def test_a_listener_takes_connections_until_it_is_closed(host: str, tmp_path: Path) -> None:
    family = socket.AF_INET6 if host == "[::1]" else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as probe:
        place = probe.getsockname()[:2]
    with listening_socket(listening_on(f"{host}:{place[1]}", tmp_path)) as listener:
        assert listener.getsockname()[:2] == place
        socket.create_connection(place).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place)


def test_an_address_that_is_taken_is_unavailable_and_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(Unavailable) as caught:
            listening_socket(listening_on(address, tmp_path))
    assert caught.value.message == (
        f"{address} cannot be listened on (Address already in use): end what uses it, or set another server.listen"
    )


def test_an_address_of_another_machine_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        listening_socket(listening_on("192.0.2.1:5000", tmp_path))
    assert caught.value.message.startswith("192.0.2.1:5000 cannot be listened on (Cannot assign requested address)")
