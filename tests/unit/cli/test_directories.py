"""A trust directory is read as it was reviewed: files by their path, no links, not without end."""

from pathlib import Path

import pytest

from gateway.cli import directories
from gateway.cli.directories import MAX_FILES, trust_files
from gateway.errors import TrustPolicyInvalid


def test_files_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a.pub").write_bytes(b"key")
    (tmp_path / "a.yaml").write_bytes(b"policy")
    assert trust_files(tmp_path) == {"a.yaml": b"policy", "keys/a.pub": b"key"}
    assert trust_files(tmp_path / "a.yaml") == {"a.yaml": b"policy"}


@pytest.mark.parametrize("target", ["elsewhere", "."])
def test_a_link_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(TrustPolicyInvalid) as caught:
        trust_files(tmp_path)
    assert caught.value.where == "link"


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        trust_files(tmp_path / "none")
    assert caught.value.reason == "is not a file or a directory"


def test_there_is_an_end(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").touch()
    with pytest.raises(TrustPolicyInvalid) as caught:
        trust_files(tmp_path)
    assert str(directories.MAX_FILES) in caught.value.reason
