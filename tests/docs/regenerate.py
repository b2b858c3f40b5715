"""Writes what the documentation takes from the code: `python -m tests.docs.regenerate`.

docs/cli.md whole, and the line of facts under each setting of docs/configuration.md. What a person wrote is left alone.

I/O: those two files.
"""

import sys
from pathlib import Path
from typing import Final

from tests.support.documentation import ROOT, commands, help_of, settings

CLI_PAGE: Final = ROOT / "docs" / "cli.md"
CONFIGURATION_PAGE: Final = ROOT / "docs" / "configuration.md"

_INTRODUCTION: Final = """\
# The command line

`registry-gateway [OPTIONS] COMMAND`. The help of every command, as it prints it; made by `python -m tests.docs.regenerate`,
and a test fails where it is not what the program says.

**Exit status**: 0 done; 1 refused, or a check failed; 2 usage or configuration; 3 something that it needs is unavailable.
**stdout** holds the answer: a table or a sentence, or with `--output json` one JSON document, also of commands that change
something. **stderr** holds what is not the answer: where it was refused, one sentence that says what to do; a line per step
of long work (none with `--output json`); that a list was cut. A secret is printed once. It is alone on stdout, so that
`SECRET=$(registry-gateway robot create ...)` and `PASSWORD=$(registry-gateway init ...)` work, or a member of the document.

Commands that change something work on the catalog of the configuration's folder, with the gateway running or not: it sees
the change at once. Each change writes an audit event that names the operating-system user.
"""


def cli_page() -> str:
    """Return docs/cli.md as the program makes it."""
    parts = [_INTRODUCTION, f"## registry-gateway\n\n```text\n{help_of(())}\n```\n"]
    for words in commands():
        level = "##" if len(words) == 1 else "###"
        parts.append(f"{level} {' '.join(words)}\n\n```text\n{help_of(words)}\n```\n")
    return "\n".join(parts)


def configuration_page(text: str) -> str:
    """Return docs/configuration.md with the facts of the code under the headings that it has."""
    for setting in settings():
        before, heading, after = text.partition(f"### {setting.key}\n\n")
        if heading:
            _, line_break, rest = after.partition("\n")
            text = before + heading + setting.fact + line_break + rest
    return text


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    _write(CLI_PAGE, cli_page())
    _write(CONFIGURATION_PAGE, configuration_page(CONFIGURATION_PAGE.read_text(encoding="utf-8")))
