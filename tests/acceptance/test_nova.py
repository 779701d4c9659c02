"""`migci demo nova`: Nova's own 197 migrations and a patch, from end to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from migci import config, wiring
from migci.demo import fixtures
from migci.demo.nova import MIGRATIONS, build
from migci.replay import trunk_of
from tests.acceptance.command import replay
from tests.fakes import RecordingObserver

ROWS = 200_000
"""As many as the demo makes, so that what the demo's replay has kept of trunk is found again."""


def demo(store: Path, where: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-m", "migci", "demo", "nova", *arguments],
        cwd=where,
        capture_output=True,
        text=True,
        env={**os.environ, "MIGCI_STORE": str(store)},
    )
    report = json.loads((where / "migci-demo" / "nova" / "replay.json").read_text())
    return done.returncode, report, done.stdout + done.stderr


def test_novas_197_migrations_and_the_patch_pass_on_200_000_rows(store: Path, tmp_path: Path) -> None:
    status, report, said = demo(store, tmp_path)
    assert status == 0, said
    assert report["verdict"] == "passed"
    (dataset,) = report["datasets"]
    assert dataset["rows"] >= 200_000
    steps = dataset["steps"]
    assert [step["to"] for step in steps] == [str(number) for number in range(216, 414)]
    assert [step["stage"] for step in steps].count("proposed") == 1
    assert {step["outcome"] for step in steps} == {"applied"}
    assert all(step["statements"] and step["seconds"] > 0 for step in steps)
    patch = steps[-1]
    assert patch["stage"] == "proposed"
    assert patch["rows_changed"] > 5000
    assert {"INSTANT", "INPLACE"} <= {statement["algorithm"] for statement in patch["statements"]}
    assert (tmp_path / "migci-demo" / "nova" / "report.html").stat().st_size < 500_000


def git(project: Path, *words: str) -> str:
    command = ["git", "-C", str(project), "-c", "user.name=someone", "-c", "user.email=someone@example.org", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def schema_of_trunk(project: Path, log: Path) -> dict[str, list[str]]:
    """Of the dataset's database, after all of trunk's migrations: the lines of each table, sorted.

    SQLAlchemy keeps a table's indexes in a set, so each run of nova's makes them in another order.
    """
    settings = config.load(project)
    (dataset,) = settings.as_datasets(project)
    with wiring.tools(settings, project, log, RecordingObserver()) as tools:
        snapshot = trunk_of(dataset, settings.as_project(), tools)
        with (
            tools.snapshots.clone(snapshot, visible=tools.server.in_process) as clone,
            tools.server.start(clone, snapshot.database) as database,
        ):
            return {name: sorted(sql.replace(",\n", "\n").splitlines()) for name, sql in database.schema().items()}


def test_imported_to_versions_json_they_make_the_same_schema_and_the_patch_is_one_more_line(
    store: Path, tmp_path: Path
) -> None:
    project = tmp_path / "nova"
    build(project, rows=ROWS, remedy=True, cache=store / "downloads")
    numbered = schema_of_trunk(project, tmp_path / "log.txt")
    git(project, "checkout", "--quiet", "master")
    command = [sys.executable, "-m", "migci", "versions", "import", "--project", str(project)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(
        f"{MIGRATIONS}/versions: 198 scripts, 197 numbers from 216 to 412\n  216_havana.py -> havana.py"
    )
    git(project, "commit", "--quiet", "--message", "Names")
    changed = git(project, "diff", "--find-renames=100%", "--name-status", "HEAD~").splitlines()
    assert sorted(line[0] for line in changed) == ["A"] + ["R"] * 198

    git(project, "checkout", "--quiet", "-b", "named-patch")
    versions = project / MIGRATIONS / "versions"
    (patch,) = (fixtures() / "nova" / "patch" / MIGRATIONS / "versions").glob("413_*.py")
    shutil.copyfile(patch, versions / "add_instances_compute_id.py")
    listing = versions / "versions.json"
    last = listing.read_text().splitlines()[-2]
    listing.write_text(listing.read_text().replace(last, f'{last},\n  "413": ["add_instances_compute_id.py"]'))
    ran = replay(project)
    assert ran.status == 0, ran.out + ran.err
    assert ran.findings == []
    (dataset,) = ran.report["datasets"]
    steps = dataset["steps"]
    assert [(step["to"], step["outcome"]) for step in steps] == [(str(n), "applied") for n in range(216, 414)]
    files = json.loads(listing.read_text())
    assert [step["file"] for step in steps] == [f"{MIGRATIONS}/versions/{names[0]}" for names in files.values()]
    assert not any(Path(step["file"]).name[:3].isdigit() for step in steps)

    assert len(numbered) > 100
    assert schema_of_trunk(project, tmp_path / "log.txt") == numbered


def test_without_the_remedies_novas_own_step_291_refuses_and_the_patch_is_undecided(
    store: Path, tmp_path: Path
) -> None:
    status, report, said = demo(store, tmp_path, "--rows", "10000", "--no-remedy")
    assert status == 3, said
    assert report["verdict"] == "undecided"
    (dataset,) = report["datasets"]
    (finding,) = dataset["findings"]
    assert finding["id"] == "MC901"
    assert finding["step"] == "290->291"
    assert finding["message"] == (
        "trunk's own step 290->291 failed: ValidationError: There are still 329 unmigrated flavor records. Migration "
        "cannot continue until all instance flavor records have been migrated to the new format. Please run "
        "`nova-manage db migrate_flavor_data' first."
    )
    steps = dataset["steps"]
    assert [step["to"] for step in steps] == [str(number) for number in range(216, 414)]
    assert [step["outcome"] for step in steps].count("skipped") == 413 - 291
