"""Real programs as child processes: run to their end, or kept running until they are ended by their own id.

A program sees the environment it is given and nothing else, so that a test means the same on every machine. Output is
kept whole: what a client prints is what its user reads, and that is what the tests assert.

I/O: processes, and the file system for the logs of servers.
"""

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).resolve().parents[2]
TIME_LIMIT_SECONDS: Final = 120
"""For one command of a client. Reached only where something hangs: no test is about speed."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that has ended: how, and what it said."""

    command: str
    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that a person at the terminal would have read."""
        return self.err + self.out

    def ok(self) -> Self:
        """Return this; an AssertionError with everything it said unless the exit status is 0."""
        assert self.status == 0, f"exit status {self.status}: {self.command}\n{self.said}"
        return self

    def failed(self, *sentences: str) -> Self:
        """Return this; an AssertionError unless it failed by itself and said each of ``sentences``."""
        assert self.status > 0, f"exit status {self.status} where a refusal was expected: {self.command}\n{self.said}"
        return self.tells(*sentences)

    def tells(self, *sentences: str) -> Self:
        """Return this; an AssertionError unless it said each of ``sentences``, wherever lines were broken."""
        words = " ".join(self.said.split())
        for sentence in sentences:
            assert sentence in words, f"not said: {sentence!r}\n{self.command}\n{self.said}"
        return self


def run(
    *command: str | Path,
    env: Mapping[str, str],
    stdin: bytes | None = None,
    folder: Path | None = None,
    time_limit_seconds: int = TIME_LIMIT_SECONDS,
) -> Ran:
    """Run ``command`` to its end and return what came of it; a missing program is an error of the test."""
    done = subprocess.run(
        [str(word) for word in command],
        env=dict(env),
        input=stdin if stdin is not None else b"",
        cwd=folder,
        capture_output=True,
        timeout=time_limit_seconds,
        check=False,
    )
    out, err = (text.decode("utf-8", errors="replace") for text in (done.stdout, done.stderr))
    return Ran(shlex.join(str(word) for word in command), done.returncode, out, err)


def tools_bin() -> Path:
    """Return the folder of the tools that `tests/tools/install` puts there."""
    command = [str(ROOT / "tests" / "tools" / "install"), "--bin"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def free_port() -> int:
    """Return a TCP port that was free on the loopback address a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A program that keeps running, with its output in a file, in a process group of its own.

    It is told to end when this process ends, however that happens: a run that is killed leaves nothing behind.
    """

    def __init__(self, *command: str | Path, env: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._command = shlex.join(str(word) for word in command)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *(str(word) for word in command)],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], *, time_limit_seconds: int = 60) -> None:
        """Return when ``ready()``; an AssertionError with the end of the log if the program ends or never is."""
        end = time.monotonic() + time_limit_seconds
        while not ready():
            state = "never became ready"
            if self._process.poll() is not None:
                state = f"ended with status {self._process.returncode}"
            elif time.monotonic() < end:
                time.sleep(0.05)
                continue
            self.stop()
            # A log that is no file (a device, a pipe) may have no end, or none that comes.
            told = self.log.read_text(errors="replace")[-4000:] if self.log.is_file() else ""
            raise AssertionError(f"{self._command} {state}:\n{told}")

    def stop(self, *, time_limit_seconds: int = 30) -> int:
        """End it by its id and return its exit status; what has not gone after the limit is killed with its group."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(time_limit_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()


def until(true: Callable[[], bool], *, seconds: float) -> None:
    """Return when ``true()``; an AssertionError where that takes longer."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never came"
        time.sleep(0.02)
