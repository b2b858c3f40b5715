"""The verbs are known without loading what carries them out."""

import subprocess
import sys

import pytest

from gateway.cli.verbs import VERBS, Verb, load
from tests.support.command_line import command

HEAVY = ("gateway.app", "gateway.config", "sqlalchemy", "alembic", "aiohttp", "wasmtime", "uvicorn")
PROGRAM = """
import sys
from gateway.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print([name for name in {heavy!r} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "words", [pytest.param(("--help",), id="help"), pytest.param(("frobnicate",), id="no-such-verb")]
)
def test_saying_which_verbs_there_are_loads_none_of_what_they_need(words: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=HEAVY), *words], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.splitlines()[-1] == "[]", ran.stderr


@pytest.mark.parametrize(("name", "verb"), list(VERBS.items()), ids=list(VERBS))
def test_a_summary_is_the_first_sentence_of_the_command(name: str, verb: Verb) -> None:
    found = load(name, verb)
    assert found.name == name
    assert " ".join(found.help.split()).startswith(verb.summary)
    assert verb.summary.endswith(".")


def test_a_verb_that_is_not_there_is_told_with_what_was_meant() -> None:
    ran = command("projct")
    assert ran.status == 2
    assert "did you mean 'project'" in ran.err
