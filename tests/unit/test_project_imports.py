"""What of its project a migration imports: a change in that is a change of the migration."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from migci.adapters.tools.imports import Imports

SCRIPT = "migrations/versions/0001_first.py"


def project(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def digest(folder: Path, *scripts: str) -> str:
    """As it is found anew, with imports that begin in the project's root and in src."""
    paths = [path for path in (folder, folder / "src") if path.is_dir()]
    return Imports(paths, folder).digest([folder / script for script in scripts or (SCRIPT,)])


def seen(folder: Path, script: str = SCRIPT) -> set[str]:
    """The files whose change is noticed."""
    found = set()
    before = digest(folder, script)
    for path in sorted(folder.rglob("*.*")):
        if path.is_file() and path != folder / script:
            text = path.read_bytes()
            path.write_bytes(text + b"\n# changed\n")
            if digest(folder, script) != before:
                found.add(str(path.relative_to(folder)))
            path.write_bytes(text)
    assert digest(folder, script) == before
    return found


PACKAGE = {
    "shop/__init__.py": "",
    "shop/models.py": "",
    "shop/db/__init__.py": "",
    "shop/db/types.py": "",
    "shop/db/other.py": "",
}


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("import shop", {"shop/__init__.py"}),
        ("import shop.models", {"shop/__init__.py", "shop/models.py"}),
        ("import shop.models as m, shop.db", {"shop/__init__.py", "shop/models.py", "shop/db/__init__.py"}),
        ("from shop import models", {"shop/__init__.py", "shop/models.py"}),
        ("from shop import Order", {"shop/__init__.py"}),
        ("from shop import *", {"shop/__init__.py"}),
        ("from shop.models import Order", {"shop/__init__.py", "shop/models.py"}),
        ("from shop.db.types import Money", {"shop/__init__.py", "shop/db/__init__.py", "shop/db/types.py"}),
        (
            "from shop.db import types, other as o",
            {f"shop/{n}" for n in ("__init__.py",)} | {"shop/db/__init__.py", "shop/db/types.py", "shop/db/other.py"},
        ),
        ("def upgrade():\n    import shop.models", {"shop/__init__.py", "shop/models.py"}),
        ("try:\n    import shop\nexcept ImportError:\n    pass", {"shop/__init__.py"}),
        ("import os, sys, alembic.op\nfrom sqlalchemy import orm", set()),
        ("import shopping", set()),
        ("__import__('shop.models')", set()),
        ("", set()),
    ],
)
def test_absolute_imports_are_seen_with_every_package_on_the_way(tmp_path: Path, line: str, files: set[str]) -> None:
    project(tmp_path, {**PACKAGE, SCRIPT: line})
    assert seen(tmp_path) == files


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("from . import common", {"migrations/versions/common.py"}),
        ("from .common import helper", {"migrations/versions/common.py"}),
        ("from .. import tools", {"migrations/__init__.py", "migrations/tools/__init__.py"}),
        ("from .. import NAME", {"migrations/__init__.py"}),
        (
            "from ..tools import sql",
            {"migrations/__init__.py", "migrations/tools/__init__.py", "migrations/tools/sql.py"},
        ),
        ("from ... import setup", {"setup.py"}),
    ],
)
def test_relative_imports_begin_at_the_importing_file(tmp_path: Path, line: str, files: set[str]) -> None:
    beside = {
        "migrations/__init__.py": "",
        "migrations/versions/common.py": "",
        "migrations/versions/0000_other.py": "",
        "migrations/tools/__init__.py": "",
        "migrations/tools/sql.py": "",
        "setup.py": "",
    }
    project(tmp_path, {**beside, SCRIPT: line})
    assert seen(tmp_path) == files


def test_packages_without_an_init_are_seen(tmp_path: Path) -> None:
    project(tmp_path, {"ns/deep/models.py": "", "ns/other.py": "", SCRIPT: "from ns.deep.models import Order"})
    assert seen(tmp_path) == {"ns/deep/models.py"}


def test_imports_begin_in_every_folder_that_is_on_the_path(tmp_path: Path) -> None:
    project(
        tmp_path,
        {"src/shop/__init__.py": "", "top.py": "", "lib/not_on_it.py": "", SCRIPT: "import shop, top, not_on_it"},
    )
    assert seen(tmp_path) == {"src/shop/__init__.py", "top.py"}


def test_what_is_imported_is_followed(tmp_path: Path) -> None:
    project(
        tmp_path,
        {
            "a.py": "from b import x",
            "b.py": "def later():\n    from c.d import y",
            "c/__init__.py": "",
            "c/d.py": "from . import e",
            "c/e.py": "import os",
            "unused.py": "import a",
            SCRIPT: "import a",
        },
    )
    assert seen(tmp_path) == {"a.py", "b.py", "c/__init__.py", "c/d.py", "c/e.py"}


def test_circles_end(tmp_path: Path) -> None:
    project(tmp_path, {"a.py": "import b", "b.py": "import a, b", SCRIPT: "import a"})
    assert seen(tmp_path) == {"a.py", "b.py"}


def test_another_migration_that_is_imported_is_seen_and_the_script_itself_is_not(tmp_path: Path) -> None:
    other = "migrations/versions/0000_other.py"
    project(
        tmp_path,
        {
            other: "from migrations.versions import first",
            "migrations/versions/first.py": "import x",
            SCRIPT: "from . import first",
        },
    )
    assert digest(tmp_path, SCRIPT, "migrations/versions/first.py") == ""
    assert digest(tmp_path, SCRIPT) != ""


def test_a_module_that_comes_to_be_or_goes_is_noticed(tmp_path: Path) -> None:
    project(tmp_path, {"a.py": "", SCRIPT: "import a, b"})
    before = digest(tmp_path)
    (tmp_path / "b.py").touch()
    both = digest(tmp_path)
    (tmp_path / "a.py").unlink()
    (tmp_path / "b.py").unlink()
    assert len({before, both, digest(tmp_path)}) == 3
    assert digest(tmp_path) == ""


def test_the_content_of_two_modules_cannot_be_exchanged(tmp_path: Path) -> None:
    project(tmp_path, {"a.py": "A = 1", "b.py": "A = 2", SCRIPT: "import a, b"})
    before = digest(tmp_path)
    project(tmp_path, {"a.py": "A = 2", "b.py": "A = 1"})
    assert digest(tmp_path) != before


def test_the_same_project_elsewhere_has_the_same_digest(tmp_path: Path) -> None:
    for place in ("here", "there"):
        project(tmp_path / place, {**PACKAGE, SCRIPT: "from shop.db import types"})
    assert digest(tmp_path / "here") == digest(tmp_path / "there") != ""


def test_a_script_in_sql_imports_nothing(tmp_path: Path) -> None:
    project(tmp_path, {**PACKAGE, "migrations/0001.sql": "import shop"})
    assert digest(tmp_path, "migrations/0001.sql") == ""


NOT_READ = {
    "a_syntax_error": b"import shop\ndef upgrade(:\n",
    "another_python": b"import shop\nprint 'hello'\n",
    "zeros": b"import shop\n\0\0\n",
    "not_utf8": b"import shop\n\xff\xfe\n",
    "nested_too_deep": b"import shop\nx = " + b"-" * 50_000 + b"1\n",
    "brackets_too_deep": b"import shop\nx = " + b"(" * 5_000 + b")" * 5_000 + b"\n",
    "more_dots_than_folders": b"import shop\nfrom " + b"." * 200 + b"shop import x\n",
    "a_name_that_no_file_has": b"import shop\nimport shop." + b"a" * 300 + b"\n",
    "dots_up_to_the_root": b"import shop\n" + b"".join(b"from %s import x\n" % (b"." * n) for n in range(1, 30)),
    "an_attribute_chain": b"import shop\nx = a" + b".b" * 50_000 + b"\n",
}
"""What a patch may bring; its own Python will tell what is wrong with it when it runs."""


@pytest.mark.parametrize("text", list(NOT_READ.values()), ids=list(NOT_READ))
def test_a_script_that_cannot_be_read_is_no_trouble_here(tmp_path: Path, text: bytes) -> None:
    project(tmp_path, {**PACKAGE, SCRIPT: "", "broken.py": "", "migrations/versions/0002_second.py": "import broken"})
    (tmp_path / SCRIPT).write_bytes(text)
    (tmp_path / "broken.py").write_bytes(text)
    digest(tmp_path)
    assert digest(tmp_path, "migrations/versions/0002_second.py") != ""


def test_what_is_too_long_to_be_taken_apart_imports_nothing(tmp_path: Path) -> None:
    """Python makes some hundred bytes of each of its bytes, and a patch can bring as many as it wants."""
    project(tmp_path, {SCRIPT: "import other\n", "other.py": "import third\n" + "#" * (1 << 20), "third.py": "A = 1\n"})
    before = digest(tmp_path)
    project(tmp_path, {"third.py": "A = 2\n"})
    assert digest(tmp_path) == before
    project(tmp_path, {"other.py": "import third\n"})
    before = digest(tmp_path)
    project(tmp_path, {"third.py": "A = 1\n"})
    assert digest(tmp_path) != before


def test_a_module_that_leads_out_of_the_project_is_none_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("A = 1\n")
    project(tmp_path / "project", {SCRIPT: "import other\n"})
    (tmp_path / "project" / "other.py").symlink_to(tmp_path / "outside.py")
    assert digest(tmp_path / "project") == ""
