"""versions.json is read twice: by what checks it, and by sqlalchemy-migrate itself. Both take the same for an order."""

from __future__ import annotations

from pathlib import Path

import pytest

from migci.adapters.agent.migci_agent import versions_file
from migci.adapters.scripts import versions_json
from migci.adapters.scripts.numbered import NumberedScripts
from migci.adapters.scripts.trees import DiskFiles
from migci.core.finding import Finding, Severity
from migci.core.naming import plan
from migci.core.order import check
from tests.contract.broken_versions import BROKEN, FILES, Broken
from tests.contract.named import SCRIPTS

GOOD = {
    "no numbers": "{}",
    "numbers with a gap": '{"133": ["folsom.py"], "200": ["counters.py"]}',
    "on one line": '{"133":["folsom.py"],"134":["counters.py"]}',
    "with a byte order mark": '\ufeff{"133": ["folsom.py"]}',
    "Python and SQL": '{"134": ["counters.py", "counters_mysql_upgrade.sql", "counters_sqlite_upgrade.sql"]}',
    "SQL alone": '{"134": ["counters_mysql_upgrade.sql"]}',
    "with escapes": '{"134": ["\\u0063ounters.py"]}',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "repository" / "versions"
    found.mkdir(parents=True)
    (tmp_path / "repository" / "migrate.cfg").touch()
    return found


def errors(folder: Path) -> list[Finding]:
    """What a check says of it."""
    project = folder.parents[1]
    listing = NumberedScripts("repository/versions").read(DiskFiles(project))
    return [one for one in check(listing) if one.severity is Severity.ERROR]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_sqlalchemy_migrate_refuses_a_check_tells(broken: Broken, folder: Path) -> None:
    text = broken.text if isinstance(broken.text, bytes) else broken.text.encode()
    for name in FILES:
        if name.encode() in text:  # else a check would tell of what is not listed, and of nothing else
            (folder / name).touch()
    for name in broken.beside:
        (folder / name).mkdir() if name.endswith("/") else (folder / name).touch()
    (folder / "versions.json").write_bytes(text)
    with pytest.raises(versions_file.BrokenVersions):
        versions_file.read(folder)
    wanted = {"MC007", "MC011", "MC012", "MC013", "MC009"}
    assert [one for one in errors(folder) if one.id in wanted and one.file is not None]


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_sqlalchemy_migrate_takes_a_check_takes(text: str, folder: Path) -> None:
    for name in FILES:
        if name in text or "\\" in text:
            (folder / name).touch()
    (folder / "versions.json").write_text(text)
    read = versions_file.read(folder)
    said = versions_json.read(text.encode())
    assert {int(one.id): list(one.files) for one in said.entries} == read
    assert [one for one in errors(folder) if one.id in ("MC011", "MC012", "MC013")] == []


def test_both_and_an_import_write_it_in_one_form(folder: Path) -> None:
    planned = plan(SCRIPTS)
    for move in planned.moves:
        (folder / move.new).touch()
    (folder / "versions.json").write_text(planned.text)
    numbers = {str(number): names for number, names in versions_file.read(folder).items()}
    assert versions_json.dumps_numbers(numbers) == planned.text
    (folder / "größe.py").touch()
    versions_file.append(folder, 7, ["größe.py"])
    numbers["7"] = ["größe.py"]
    assert (folder / "versions.json").read_text() == versions_json.dumps_numbers(numbers)
