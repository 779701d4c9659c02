"""Edits in a project's migci.toml: what is said in it changes by just that, and a person's layout not at all."""

from __future__ import annotations

import copy
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.adapters.project_file import remove_dataset, set_dataset
from migci.errors import UsageError

WRITTEN = """\
# What migci replays.

[project]
name = "shop"    # ours
tool = "alembic"
migrations = "alembic.ini"
trunk = "main"

# A dump of the shop.
[datasets.shop]
source = "data/shop.sql.zst"   # made on Monday
contents = "synthetic"

[datasets.shop.limits]         # a step that costs more fails it
rows_changed = 1_000_000

[[datasets.shop.excuse]]
step = "1->2"
limit = "step_seconds"
allow = 300
reason = "known slow"

# No tables at all.
[datasets.empty]
source = 'empty'

# The end.
"""

INTERLEAVED = """\
[datasets.shop]
source = "a.sql"

[server]
flavor = "sqlite" # a small one

[datasets.empty]
source = "empty"

[project]
name = "shop"
"""

INLINE = """\
datasets = { shop = { source = "a.sql" }, empty = { source = "empty" } } # short

[project]
name = "shop"
"""

DOTTED = """\
datasets.shop.source = "a.sql" # short
datasets.empty.source = "empty"

[project]
name = "shop"
"""

NESTED = """\
[project]
name = "shop"

[datasets]
# All of them.
shop = { source = "a.sql" }

[datasets.empty]
source = "empty"
"""

SUBTABLE_FIRST = """\
[datasets.shop.limits]
step_seconds = 3

[datasets.shop]
source = "a.sql"

[datasets.empty]
source = "empty"
"""

LAYOUTS = {
    "written": WRITTEN,
    "without_datasets": '[project]\nname = "shop" # ours\n',
    "with_none_left": '[project]\nname = "shop"\n\n[datasets]\n',
    "interleaved": INTERLEAVED,
    "inline": INLINE,
    "nested": NESTED,
    "a_subtable_first": SUBTABLE_FIRST,
    "windows_lines": WRITTEN.replace("\n", "\r\n"),
    "without_a_last_line_end": WRITTEN.rstrip(),
    "nothing": "",
}


@pytest.fixture(params=list(LAYOUTS.values()), ids=list(LAYOUTS))
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "migci.toml"
    path.write_bytes(request.param.encode())
    return path


def said(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_bytes().decode())


def lines_of(path: Path) -> list[str]:
    return path.read_bytes().decode().splitlines(keepends=True)


def test_a_new_dataset_is_said_and_all_else_stays_line_by_line(file: Path) -> None:
    before, expected = lines_of(file), said(file)
    set_dataset(file, "user_001", {"source": "user_001.sql", "contents": "real"})
    expected.setdefault("datasets", {})["user_001"] = {"source": "user_001.sql", "contents": "real"}
    assert said(file) == expected
    stayed([line for line in before if not line.startswith("datasets = ")], file)


def test_a_key_that_is_set_is_said_and_all_else_stays_line_by_line(file: Path) -> None:
    expected = said(file)
    before = lines_of(file)
    if "shop" not in expected.get("datasets", {}):
        return
    set_dataset(file, "shop", {"refreshed": "1234"})
    expected["datasets"]["shop"]["refreshed"] = "1234"
    assert said(file) == expected
    stayed([line for line in before if not line.startswith(("datasets = ", "shop = "))], file)


def stayed(before: list[str], file: Path) -> None:
    """All lines are there, in their order; the last one may have got its end."""
    after = iter(line.rstrip("\r\n") for line in lines_of(file))
    missing = [line for line in before if line.strip() and line.rstrip("\r\n") not in after]
    assert missing == []
    ends = {line[len(line.rstrip("\r\n")) :] for line in before} - {""}
    assert len(ends) != 1 or {line[len(line.rstrip("\r\n")) :] for line in lines_of(file)} - {""} == ends


def test_a_removed_dataset_is_not_said_any_more_and_nothing_else_is_lost(file: Path) -> None:
    expected = said(file)
    if "shop" not in expected.get("datasets", {}):
        return
    set_dataset(file, "user_001", {"source": "user_001.sql"})
    remove_dataset(file, "shop")
    del expected["datasets"]["shop"]
    expected["datasets"]["user_001"] = {"source": "user_001.sql"}
    assert said(file) == expected
    assert "shop.sql" not in file.read_text()


def test_what_was_added_and_removed_again_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "migci.toml"
    path.write_text(WRITTEN)
    set_dataset(path, "user_001", {"source": "user_001.sql"})
    remove_dataset(path, "user_001")
    assert path.read_text().split() == WRITTEN.split()


def test_a_value_that_is_set_again_keeps_its_place_and_its_comment(tmp_path: Path) -> None:
    path = tmp_path / "migci.toml"
    path.write_text(WRITTEN)
    set_dataset(path, "shop", {"source": "other.sql"})
    assert path.read_text() == WRITTEN.replace("data/shop.sql.zst", "other.sql")


def test_a_new_entry_reads_as_a_person_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "migci.toml"
    path.write_text('[project]\nname = "shop"\n')
    set_dataset(path, "user_001", {"source": "user_001.sql", "contents": "real"})
    assert path.read_text() == (
        '[project]\nname = "shop"\n\n[datasets.user_001]\nsource = "user_001.sql"\ncontents = "real"\n'
    )


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)


@given(names, st.dictionaries(st.sampled_from(["source", "contents", "refreshed", "revision"]), words, min_size=1))
def test_any_name_and_any_values_are_written_so_that_they_are_read_again(
    tmp_path_factory: pytest.TempPathFactory, name: str, entry: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "migci.toml"
    path.write_text(WRITTEN)
    expected = copy.deepcopy(said(path))
    set_dataset(path, name, entry)
    expected["datasets"].setdefault(name, {}).update(entry)
    assert said(path) == expected
    remove_dataset(path, name)
    del expected["datasets"][name]
    assert said(path) == expected


def test_a_layout_that_cannot_be_edited_is_left_as_it_is_and_what_to_write_is_told(tmp_path: Path) -> None:
    path = tmp_path / "migci.toml"
    path.write_text(DOTTED)
    with pytest.raises(UsageError) as told:
        set_dataset(path, "new", {"source": "it's"})
    assert told.value.message == f"{path} is laid out so that it cannot be edited"
    assert told.value.hint == 'put it there yourself: source = "it\'s", in [datasets.new]'
    assert path.read_text() == DOTTED


# How it is written


def test_the_file_keeps_its_mode_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "migci.toml"
    path.write_text(WRITTEN)
    path.chmod(0o640)
    set_dataset(path, "user_001", {"source": "empty"})
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["migci.toml"]


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    real, path = tmp_path / "shared.toml", tmp_path / "migci.toml"
    real.write_text(WRITTEN)
    path.symlink_to("shared.toml")
    set_dataset(path, "user_001", {"source": "empty"})
    assert path.is_symlink()
    assert said(real)["datasets"]["user_001"] == {"source": "empty"}


def test_a_file_that_cannot_be_written_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "migci.toml"
    path.write_text(WRITTEN)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError) as told:
        set_dataset(path, "user_001", {"source": "empty"})
    assert told.value.message == f"cannot write {path}: No space left on device"
    assert path.read_text() == WRITTEN
    assert [one.name for one in tmp_path.iterdir()] == ["migci.toml"]
