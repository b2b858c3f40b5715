"""Two processes on one catalog, for real: ``python -m tests.interleavings.stress [--seconds S] [--seed N]``.

Each does one thing after another at random, follows the active policy and works in the background as a gateway does, and
says what it was answered. When both have ended, what is due is done and the oracle looks at what there is. The last line
is ``stress: 0 violations``; exits 1 where there are any.
"""

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from gateway.admission.values import Admitted, Held
from gateway.errors import GatewayError, Internal
from gateway.oci.digest import Digest
from tests.interleavings.oracle import Oracle
from tests.interleavings.rig import MAINTAINER, Rig, run
from tests.interleavings.scenario import (
    KINDS,
    LATER_SIGNATURE,
    POLICY,
    TRUST,
    Do,
    Starts,
    refill,
)
from tests.interleavings.schedule import visible

PROCESSES: Final = 2
ROOT: Final = Path(__file__).resolve().parents[2]

_ONCE: Final = frozenset({"revocation", "child-revocation", "demotion"})
"""What nothing undoes: were it random like the rest, nothing would ever be admitted again."""


def _deletes(evidence: str) -> Do:
    async def delete(rig: Rig) -> None:
        await rig.gate.delete_manifest(await rig.grant(MAINTAINER), Digest.parse(evidence))

    return delete


ACTIONS: Final[dict[str, Do]] = {
    **{name: do for name, do in KINDS.items() if name not in _ONCE},
    "policy-back": lambda rig: rig.policy(POLICY),
    "trust-back": lambda rig: rig.trust(TRUST),
    "delete-later-signature": _deletes(LATER_SIGNATURE.digest),
}


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--catalog", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.catalog is not None:
        run(_act(asked.catalog, seconds=asked.seconds, seed=asked.seed))
        return 0
    wrong, actions = stress(seconds=asked.seconds, seed=asked.seed)
    for line in wrong:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{actions} actions by {PROCESSES} processes\nstress: {len(wrong)} violations\n")
    return 1 if wrong else 0


def stress(*, seconds: float, seed: int) -> tuple[list[str], int]:
    """Return what went wrong, and how many actions there were."""
    starts = Starts()
    try:
        catalog = starts.prepared("absent")
        command = [
            sys.executable,
            "-m",
            "tests.interleavings.stress",
            "--seconds",
            str(seconds),
            "--catalog",
            str(catalog),
        ]
        running = [
            subprocess.Popen(
                [*command, "--seed", str(seed * PROCESSES + number)], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            for number in range(PROCESSES)
        ]
        told = [process.communicate(timeout=seconds + 120)[0].splitlines() for process in running]
        wrong = [f"a process ended with {process.returncode}" for process in running if process.returncode]
        answers = [json.loads(line) for lines in told for line in lines]
        wrong.extend(f"{answer['action']} raised {answer['raised']}" for answer in answers if answer.get("raised"))
        wrong.extend(run(_look(catalog, [answer["stored"] for answer in answers if answer.get("stored")])))
        return wrong, len(answers)
    finally:
        shutil.rmtree(starts.folder)


async def _act(catalog: Path, *, seconds: float, seed: int) -> None:
    """Do one thing after another until the time is up, two at a time, and write down each answer."""
    rig = Rig.open(catalog)
    try:
        await refill(rig)
        ends = time.monotonic() + seconds
        await asyncio.gather(*(_one_after_another(rig, random.Random(f"{seed}-{lane}"), ends) for lane in range(2)))
        for failure in rig.failures:
            _say(action="worker", raised=failure)
    finally:
        await rig.close()


async def _one_after_another(rig: Rig, source: random.Random, ends: float) -> None:
    while time.monotonic() < ends:
        await rig.active.activate_policy()
        action = source.choice(sorted(ACTIONS))
        try:
            answer = await ACTIONS[action](rig)
        except GatewayError as error:
            _say(action=action, raised=repr(error) if isinstance(error, Internal) else None)
        except Exception as error:
            _say(action=action, raised=repr(error))
        else:
            stored = str(answer.stored.digest) if isinstance(answer, Admitted | Held) else None
            _say(action=action, stored=stored)


def _say(**answer: str | None) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")


async def _look(catalog: Path, acknowledged: list[str]) -> list[str]:
    """Return what the oracle says when all that is due has been done."""
    rig = Rig.open(catalog)
    try:
        await refill(rig)
        await rig.drain()
        wrong = Oracle(catalog).check(acknowledged=acknowledged, visible=await visible(rig))
        return [*wrong, *rig.failures]
    finally:
        await rig.close()


if __name__ == "__main__":
    sys.exit(main())
