"""`migci demo nova`: Nova's own 197 migrations and a patch, from end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


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
