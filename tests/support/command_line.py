"""The command line, run in this process as `registry-gateway` runs: what it prints, and how it ends.

`Home` is a folder that `init` made. Images are pushed into it past the listener, through the composition root.
"""

import asyncio
import contextlib
import io
import json
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway import app
from gateway.access.rights import rights
from gateway.access.values import Grant, Role
from gateway.admission.values import Outcome, Push
from gateway.cli.main import main
from gateway.config.reading import load
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from tests.support.evidence import Evidence
from tests.support.images import Artifact

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What stdout holds, read as JSON."""
        return json.loads(self.out)


class Typed(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def command(*words: str, stdin: str | Typed = "") -> Ran:
    """Run one command line. ``stdin`` is a pipe's, unless it is typed."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with _standard_input(stdin), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
    return Ran(status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _standard_input(given: str | Typed) -> Iterator[None]:
    before, sys.stdin = sys.stdin, given if isinstance(given, Typed) else io.StringIO(given)
    try:
        yield
    finally:
        sys.stdin = before


@dataclass(frozen=True, slots=True)
class Home:
    """A folder made by `init`."""

    folder: Path

    @property
    def config_file(self) -> Path:
        """The configuration file."""
        return self.folder / "gateway.toml"

    def run(self, *words: str, stdin: str | Typed = "") -> Ran:
        """Run a command on this folder."""
        return command("--config", str(self.config_file), *words, stdin=stdin)

    def done(self, *words: str, stdin: str = "") -> Ran:
        """Run a command that must end with 0."""
        ran = self.run(*words, stdin=stdin)
        assert ran.status == 0, ran.err
        return ran

    def data(self, *words: str) -> Any:
        """Run a command that must end with 0, and return its JSON."""
        return self.done("--output", "json", *words).data

    def copy(self, folder: Path) -> "Home":
        """Return a copy in another folder, which need not be there."""
        shutil.copytree(self.folder, folder)
        return Home(folder)

    def inside(self, work: Callable[[app.Parts], Awaitable[T]]) -> T:
        """Do something with the parts of the gateway."""

        async def run() -> T:
            parts = app.compose(load(self.config_file, {}))
            try:
                return await work(parts)
            finally:
                await parts.close()

        return asyncio.run(run())

    def project(self, name: str = "team", *options: str) -> None:
        """Create a project, and a writer ``alice`` in it."""
        self.done("project", "create", name, *options)
        self.done("user", "create", "alice", "--password-stdin", stdin="correct horse battery\n")
        self.done("member", "add", name, "--user", "alice", "--role", Role.WRITER)

    def trust(self, files: dict[str, bytes]) -> None:
        """Write a trust policy into the folder and apply it."""
        place = self.folder / "trust"
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        self.done("trust", "apply", str(place), "--reason", "test")

    def push(self, artifact: Artifact, *tags: str, repository: str = "team/app") -> Outcome:
        """Push an image as ``alice``: blobs, then the manifest."""
        blobs = [blob.content for blob in artifact.blobs]
        manifest = artifact.manifest
        return self._push(repository, blobs, manifest.content, manifest.media_type, artifact.digest, tags)

    def attach(self, evidence: Evidence, *, repository: str = "team/app") -> Outcome:
        """Push a signature as ``alice``."""
        tags = () if evidence.tag is None else (evidence.tag,)
        blobs = list(evidence.blobs.values())
        return self._push(repository, blobs, evidence.manifest, evidence.media_type, evidence.digest, tags)

    def _push(
        self, repository: str, blobs: list[bytes], body: bytes, media_type: str, digest: str, tags: tuple[str, ...]
    ) -> Outcome:
        name = RepositoryName.parse(repository)

        async def push(parts: app.Parts) -> Outcome:
            await parts.active.activate_policy()
            row = await parts.principals.principal_by_name("alice")
            assert row is not None
            standing = await parts.standings.standing(row.id, name, now=app.unix_now())
            assert standing is not None
            for content in blobs:
                blob = Digest.of(content)
                await parts.content.blobs.put(blob, content)
                await parts.blobs.link(name, blob, len(content), principal=standing.principal, now=app.unix_now())
            return await parts.gate.push(
                Push(
                    grant=Grant(standing.principal, standing.project, name, rights(standing)),
                    reference=None if tags else Digest.parse(digest),
                    tags=tuple(Tag.parse(tag) for tag in tags),
                    content_type=media_type,
                    body=body,
                )
            )

        return self.inside(push)
