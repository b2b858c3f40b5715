"""Directories of policies and trust, read as the revisions are made of them.

I/O: reads files.
"""

from pathlib import Path
from typing import Final

from gateway.errors import TrustPolicyInvalid

MAX_FILES: Final = 1000


def trust_files(place: Path) -> dict[str, bytes]:
    """Return the files of a trust directory, or the one file, by path relative to it.

    Symbolic links are refused: what is applied must be what was reviewed. Raises `TrustPolicyInvalid`.
    """
    if place.is_file():
        return {place.name: place.read_bytes()}
    if not place.is_dir():
        raise TrustPolicyInvalid(str(place), "is not a file or a directory")
    files: dict[str, bytes] = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.is_symlink():
            raise TrustPolicyInvalid(name, "is a symbolic link: put the file itself there")
        if path.is_file():
            files[name] = path.read_bytes()
        if len(files) > MAX_FILES:
            raise TrustPolicyInvalid(str(place), f"more than {MAX_FILES} files")
    return files
