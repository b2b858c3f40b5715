"""Write the bundle directory that an OPA server serves, from a policy directory: `policy_bundle.py POLICIES OUT`.

It is the revision that `registry-gateway policy activate POLICIES` would make active, so an OPA that serves it and a
gateway that has activated it agree; any other pair admits nothing. Files that the revision does not have are removed.

I/O: reads POLICIES, writes OUT.
"""

import sys
from pathlib import Path

from gateway.policy.build import build


def main(policies: Path, out: Path) -> None:
    """Make ``out`` exactly the bundle of ``policies``."""
    revision = build(policies)
    files = {out / name: content for name, content in revision.opa_files().items()}
    for path in [each for each in out.rglob("*") if each.is_file()]:
        if path not in files:
            path.unlink()
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.stdout.write(f"policy revision {revision.id}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
