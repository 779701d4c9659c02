"""Imported, it lets sqlalchemy-migrate take the numbers of migrations from versions.json, in this process.

    import migci.versions.migrate

in a project's `manage.py`, `db sync` or tests is all that is needed. It runs on Python 3.7 and later, and imports
nothing but the standard library and sqlalchemy-migrate. Where code cannot be changed, a script is run with it:

    python -m migci.versions.migrate manage.py version
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from migci.adapters.agent.migci_agent import versions_hook


def main(arguments: list[str]) -> None:
    """Run the script that `arguments` begin with as Python itself would run it with the others."""
    if not arguments:
        sys.exit("usage: python -m migci.versions.migrate SCRIPT [ARGUMENT]…")
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")


versions_hook.install()

if __name__ == "__main__":
    main(sys.argv[1:])
