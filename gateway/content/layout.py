"""Where things are under the root of a filesystem store, and whether a folder is one.

    format                              what the folder is, and of which version
    uploads/<session>                   bytes on their way
    blobs/<algorithm>/<2 hex>/<hex>     bytes that have a name; written once

A path is made of parts that have been checked, never of text that a client sent: a `Digest` is hexadecimal, a session
name has no dot and no slash.

I/O: `prepare` blocks; it runs before anything is served.
Source: DESIGN 4.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.content import files
from gateway.content.files import FileSystem
from gateway.errors import ConfigInvalid, Unavailable, UploadUnknown
from gateway.oci.digest import Digest

FORMAT: Final = b"registry-gateway content store, version 1\n"

_SESSION: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
# `lost+found` is what mkfs puts into a file system of its own; `format.*` is a marker that another process is writing.
_EXPECTED: Final = re.compile(r"format(\.[0-9a-f]+)?|uploads|blobs|lost\+found")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a store under ``root``."""

    root: Path

    @property
    def uploads(self) -> Path:
        """The directory of sessions."""
        return self.root / "uploads"

    @property
    def blobs(self) -> Path:
        """The directory of blobs."""
        return self.root / "blobs"

    def blob(self, digest: Digest) -> Path:
        """Return where the blob is, or would be."""
        # One construction, not four: this is on the pull path.
        return Path(f"{self.root}/blobs/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}")

    def upload(self, session: str) -> Path:
        """Return where the session is, or would be. Raises `UploadUnknown` for a name that no session has."""
        if not is_session(session):
            raise UploadUnknown(session[:140])
        return self.uploads / session


def is_session(name: str) -> bool:
    """Return whether ``name`` can be a session's. Files with other names in ``uploads`` are not ours to touch."""
    return _SESSION.fullmatch(name) is not None


def prepare(root: Path, *, filesystem: FileSystem, nonce: str) -> Layout:
    """Return the layout of the store at ``root``, made durably where there is none.

    Raises `ConfigInvalid` for a folder that holds something else, or a store of another version: a mistyped path must
    not fill somebody's home with blobs. Two processes may do this at once; ``nonce`` (hexadecimal) keeps them apart.
    """
    layout = Layout(root)
    try:
        _prepare(layout, filesystem=filesystem, nonce=nonce)
    except OSError as error:
        failure = files.meaning(error)
        if not isinstance(failure, Unavailable):
            raise failure from error
        raise ConfigInvalid(f"no content store at {root}: {error.strerror}") from error
    return layout


def _prepare(layout: Layout, *, filesystem: FileSystem, nonce: str) -> None:
    root = layout.root
    _make_directory(root, filesystem=filesystem)
    strange = sorted(name for name in filesystem.names(root) if _EXPECTED.fullmatch(name) is None)
    marker = root / "format"
    found = _read_small(marker, filesystem=filesystem)
    if found is None and strange:
        raise ConfigInvalid(f"{root} is not a content store: it holds {strange[0]!r}")
    if found is not None and found != FORMAT:
        raise ConfigInvalid(f"{root} is a content store of another version, or of another program")
    _make_directory(layout.uploads, filesystem=filesystem)
    _make_directory(layout.blobs, filesystem=filesystem)
    if found is None:
        _write_marker(marker, filesystem=filesystem, nonce=nonce)
    # Also where all of it was here: whoever made it may have died before this line.
    files.sync_directory(filesystem, root)


def _make_directory(path: Path, *, filesystem: FileSystem) -> None:
    try:
        filesystem.mkdir(path)
    except FileExistsError:
        return
    files.sync_directory(filesystem, path.parent)


def _read_small(path: Path, *, filesystem: FileSystem) -> bytes | None:
    try:
        fd = filesystem.open(path, files.READ)
    except FileNotFoundError:
        return None
    try:
        return filesystem.pread(fd, 4096, 0)
    finally:
        filesystem.close(fd)


def _write_marker(marker: Path, *, filesystem: FileSystem, nonce: str) -> None:
    draft = marker.with_name(f"format.{nonce}")
    fd = filesystem.open(draft, files.CREATE)
    try:
        files.write_all(filesystem, fd, FORMAT, offset=0)
        files.sync(filesystem, fd)
    finally:
        filesystem.close(fd)
    with suppress(FileExistsError):
        # The way a blob gets its name: a file system that cannot do it is found out before anything is served.
        filesystem.link(draft, marker)
    filesystem.unlink(draft)
