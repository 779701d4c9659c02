"""The shop on MySQL through the command line: what it finds is what it finds on MariaDB."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from migci.demo.shop import CUSTOMERS, LINES, ORDERS, PRODUCTS, build
from tests.acceptance.command import Ran, demand, left, migci, replay, replay_on_a_disk
from tests.acceptance.test_own_tests import COUNTS, NINTH
from tests.contract.flavors import needs_mysql
from tests.contract.projects import put

pytestmark = needs_mysql


def shop(folder: Path, flavor: str, trait: str = "shop") -> Path:
    """The shop, which on MySQL is told where its programs are."""
    build(folder, flavor=flavor, trait=trait)
    if flavor == "mysql":
        settings = folder / "migci.toml"
        programs = f'flavor = "mysql"\nprograms = "{os.environ["MIGCI_MYSQL"]}"'
        settings.write_text(settings.read_text().replace('flavor = "mysql"', programs))
    return folder


def told(ran: Ran) -> list[Any]:
    """The findings and the steps with what they changed, less what servers may do each in its way."""
    steps = [
        (dataset["name"], step["stage"], step["to"], step["outcome"], step["rows_changed"])
        for dataset in ran.report["datasets"]
        for step in dataset["steps"]
    ]
    return [ran.report["verdict"], [one["id"] for one in ran.findings], steps]


def test_the_shop_gives_the_same_findings_and_rows_on_mysql_as_on_mariadb(store: Path, tmp_path: Path) -> None:
    demand("mariadb")
    ran = replay(shop(tmp_path / "mysql", "mysql"))
    other = replay(shop(tmp_path / "mariadb", "mariadb"))

    assert ran.status == 0, ran.err
    assert told(ran) == told(other)
    assert {dataset["server"]["flavor"] for dataset in ran.report["datasets"]} == {"mysql"}
    filled, empty = ran.report["datasets"]
    assert filled["rows"] == CUSTOMERS + PRODUCTS + ORDERS + LINES + 1
    assert [step["rows_changed"] for step in filled["steps"]][2:] == [ORDERS + 1, 1]
    for step in [*filled["steps"], *empty["steps"]]:
        assert step["statements"], step["to"]
    assert left(store, ran.pid) == []


def test_a_migrations_own_test_is_run_on_mysql_too(store: Path, tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", "mysql")
    put(project, NINTH, COUNTS)
    ran = replay(project, "shop")
    assert ran.status == 0, ran.err
    (tested,) = ran.report["datasets"][0]["tests"]
    assert (tested["step"], tested["outcome"], tested["part"]) == ("0008->0009", "passed", "check")
    assert left(store, ran.pid) == []


def test_a_table_that_is_copied_blocks_writes_on_mysql_too(tmp_path: Path) -> None:
    ran = replay(shop(tmp_path / "shop", "mysql", "copies-a-table"), "busy")
    assert ran.status == 1, ran.err
    (found,) = (one for one in ran.findings if one["severity"] == "error")
    assert found["id"] == "MC301"
    assert re.fullmatch(r"step 0008->0009 blocked writes for \d.* s; its limit is 0\.05 s", found["message"])


def test_a_full_disk_is_no_fault_of_the_patchs_on_mysql(store: Path, tmp_path: Path) -> None:
    project = shop(tmp_path / "shop", "mysql", "fills-the-disk")
    ran = replay_on_a_disk(project, 380, store, "large")
    assert ran.status == 3, ran.err
    (found,) = (one for one in ran.findings if one["severity"] == "error")
    assert found["id"] == "MC905"
    assert re.match(r"the disk was full when step 0008->0009 ended: no space is left for the clone", found["message"])
    assert left(store, ran.pid) == []


def test_the_doctor_starts_mysql_from_the_folder_that_the_settings_name(tmp_path: Path) -> None:
    with migci("doctor", "--project", str(shop(tmp_path / "shop", "mysql"))) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert re.search(r"^ok   mysql: \d+\.\d+\.\d+ starts and answers$", out, re.MULTILINE), out
    assert "ok   connection: " in out
