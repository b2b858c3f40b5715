"""What zot, a peer that whoever measures brings along, is started with; and that without one there is none."""

from pathlib import Path

import pytest

from bench.others import zot_config, zot_version
from bench.run import _parser


def test_the_configuration_is_that_of_a_peer_like_the_others() -> None:
    """What is written, not that zot takes it: there is none to ask. A name that it does not know would stop it."""
    assert zot_config(Path("/data"), Path("/tls"), 4711) == {
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": "/data", "commit": True, "gc": False},
        "http": {
            "address": "127.0.0.1",
            # A text, though a number: so zot has it.
            "port": "4711",
            "tls": {"cert": "/tls/certificate.pem", "key": "/tls/key.pem"},
        },
        "log": {"level": "info"},
    }


@pytest.mark.parametrize(
    ("said", "version"),
    [
        pytest.param(
            '{"level":"info","distribution-spec":"1.1.1","commit":"v2.1.2-0-g0123456","message":"version"}\n',
            "v2.1.2-0-g0123456",
            id="a-line-of-its-log",
        ),
        pytest.param('warning: x\n[1]\n{"commit":"v2.1.3"}\n', "v2.1.3", id="after-other-lines"),
        pytest.param("zot version 2\n", "of an unknown version", id="no-log"),
        pytest.param('{"commit":7}', "of an unknown version", id="no-text"),
        pytest.param("", "of an unknown version", id="nothing"),
    ],
)
def test_the_version_of_the_report(said: str, version: str) -> None:
    assert zot_version(said) == version


def test_zot_takes_part_where_a_program_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _parser().parse_args([]).zot is None
    program = tmp_path / "zot"
    program.write_bytes(b"")
    for named in (program, tmp_path / "nowhere", tmp_path):
        with pytest.raises(SystemExit) as left:
            _parser().parse_args(["--zot", str(named)])
        assert left.value.code == 2
        assert f"{named} is not a program" in capsys.readouterr().err
    program.chmod(0o755)
    assert _parser().parse_args(["--zot", str(program)]).zot == program
