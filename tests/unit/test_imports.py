"""Imports run one way: cli → wiring → adapters → ports → core; use cases see core and ports alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CORE = {"migci.core", "migci.errors", "migci.__version__"}
PORTS = CORE | {"migci.ports"}
USE_CASE_MODULES = {
    "walk",
    "route",
    "tools",
    "prepare",
    "checkpoint",
    "confidential",
    "replay",
    "rehearse",
    "explore",
    "marked",
}
USE_CASES = PORTS | {"migci.versions", "migci.quiet"} | {f"migci.{name}" for name in USE_CASE_MODULES}
SEES: dict[str, set[str]] = {
    "migci.core": CORE,
    "migci.errors": set(),
    "migci.ports": PORTS,
    "migci.quiet": PORTS,
    **{f"migci.{name}": USE_CASES for name in USE_CASE_MODULES},
    "migci.versions": USE_CASES,
    "migci.versions.migrate": {"migci.adapters.agent.migci_agent"},  # it is the project's, see there
    "migci.report": CORE | {"migci.report"},
    "migci.config": USE_CASES | {"migci.adapters.markup"},  # a settings file names others
    "migci.detect": CORE,
    "migci.adapters": PORTS | {"migci.adapters"},
    "migci.adapters.markup": PORTS | {"anonymize"},
    "migci.demo": {"migci.__file__", "migci.errors", "migci.demo"},
    "migci.wiring": USE_CASES | {"migci.adapters", "migci.config"},
    "migci.cli": {"migci"},
    "migci.testing": {"migci"},
    "anonymize": {"anonymize"},
}
"""What each part may import of this project."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("migci", "anonymize"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if "adapters/agent/" not in path.as_posix() or path.parent.name == "agent":
                yield name, path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(module: str) -> str | None:
    return max((part for part in SEES if module == part or module.startswith(part + ".")), key=len, default=None)


@pytest.mark.parametrize(("module", "path"), list(modules()), ids=lambda value: str(value))
def test_a_module_imports_only_what_its_place_in_the_house_allows(module: str, path: Path) -> None:
    if module in ("migci", "migci.cli") or path.name == "__main__.py":
        return
    part = part_of(module)
    assert part is not None, f"{module} has no place in the house; give it one in SEES"
    allowed = SEES[part]
    for name in imported(path):
        if name.split(".")[0] in ("migci", "anonymize") and name != "migci":
            assert any(name == one or name.startswith(one + ".") for one in allowed), f"{module} imports {name}"


def test_the_agent_imports_the_standard_library_and_the_projects_own_tool_alone() -> None:
    known = set(sys.stdlib_module_names) | {"migci_agent", "alembic", "migrate", "sqlalchemy", "__future__"}
    for path in (ROOT / "migci" / "adapters" / "agent").rglob("*.py"):
        for name in imported(path):
            assert name.split(".")[0] in known, f"{path.name} imports {name}"
