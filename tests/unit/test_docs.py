"""The documents say what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

from migci import config

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_line_reference_is_what_the_commands_say() -> None:
    # In a process of its own: click remembers how a command was last asked for help.
    program = "import runpy; print(end=runpy.run_path('docs/cli.py')['reference']())"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert (ROOT / "docs" / "cli.md").read_text() == said, "run: python docs/cli.py"


def test_every_key_of_the_configuration_is_explained() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    tables = [one for one in vars(config).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    keys = {key for table in tables for key in table.model_fields}
    unexplained = {key for key in keys if not re.search(rf"\b{key}\b", page)}
    assert not unexplained


def test_links_between_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
