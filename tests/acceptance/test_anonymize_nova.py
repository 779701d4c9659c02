"""docs/anonymize-nova.md, from end to end: the demo's Nova database is dumped, anonymized, loaded and replayed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from anonymize import kinds, markup_file, rewrite
from anonymize.markup import Markup
from anonymize.merging import merged
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.rewrite import Request
from anonymize.schema import Schema
from migci import config, wiring
from migci.demo.nova import build
from migci.explore import explore
from migci.ports import Database
from migci.replay import trunk_of
from tests.acceptance.command import demand, replay
from tests.contract.flavors import owner_connection, rows
from tests.fakes import RecordingObserver

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "anonymize-nova.md").read_text()
SIDECAR = ROOT / "fixtures" / "anonymize" / "nova.toml"
HAVANA = SIDECAR.with_name("nova-havana.toml")
ROWS = 10_000
FILLED = "217"
"""The first revision that the demo's data is there at: it is put in behind Havana's last."""

JOINS = """
SELECT COUNT(*) FROM instances i JOIN fixed_ips f ON f.instance_uuid = i.uuid AND f.host = i.host
SELECT COUNT(*) FROM instances i JOIN instance_metadata m ON m.instance_uuid = i.uuid
SELECT COUNT(*) FROM instances i JOIN instance_system_metadata m ON m.instance_uuid = i.uuid AND m.deleted = m.id
SELECT COUNT(*) FROM instances i JOIN instance_actions a ON a.instance_uuid = i.uuid AND a.user_id = i.user_id
SELECT COUNT(*) FROM instances i JOIN key_pairs k ON k.user_id = i.user_id AND k.name = i.key_name \
AND k.public_key = i.key_data
SELECT COUNT(*) FROM instances i JOIN compute_nodes c ON c.host = i.host AND c.hypervisor_hostname = i.node
SELECT COUNT(*) FROM instances i JOIN block_device_mapping b ON b.instance_uuid = i.uuid AND b.image_id = i.image_ref
SELECT COUNT(*) FROM instances i JOIN aggregate_metadata a ON a.value = i.availability_zone
SELECT COUNT(*) FROM instances i JOIN instance_extra e ON e.instance_uuid = i.uuid AND i.key_name = \
JSON_VALUE(e.keypairs, '$."nova_object.data".objects[0]."nova_object.data".name')
SELECT COUNT(*) FROM services s JOIN aggregate_hosts h ON h.host = s.host JOIN compute_nodes c ON c.host = s.host
SELECT COUNT(*) FROM migrations m JOIN instances i ON i.uuid = m.instance_uuid AND m.dest_node = i.node
SELECT COUNT(*) FROM migrations m JOIN compute_nodes c ON c.host_ip = m.dest_host
SELECT COUNT(*) FROM reservations r JOIN quota_usages q ON q.id = r.usage_id AND q.project_id = r.project_id
SELECT COUNT(*) FROM security_group_instance_association a JOIN instances i ON i.uuid = a.instance_uuid
SELECT COUNT(*) FROM floating_ips f JOIN (SELECT DISTINCT project_id FROM instances) p USING (project_id)
SELECT COUNT(*) FROM instance_info_caches c JOIN fixed_ips f ON f.instance_uuid = c.instance_uuid \
AND f.address = JSON_VALUE(c.network_info, '$[0].network.subnets[0].ips[0].address')
SELECT COUNT(*) FROM instance_info_caches c JOIN virtual_interfaces v ON v.instance_uuid = c.instance_uuid \
AND v.address = JSON_VALUE(c.network_info, '$[0].address') AND v.uuid = JSON_VALUE(c.network_info, '$[0].id')
SELECT COUNT(*) FROM networks n JOIN fixed_ips f ON f.network_id = n.id \
AND INET_ATON(f.address) & INET_ATON(n.netmask) = INET_ATON(SUBSTRING_INDEX(n.cidr, '/', 1))
SELECT COUNT(DISTINCT user_id, project_id), COUNT(DISTINCT host), COUNT(DISTINCT key_name) FROM instances
"""
INSIDE_OF_JSON = """
SELECT DISTINCT JSON_VALUE(connection_info, '$.data.auth_password') FROM block_device_mapping
SELECT DISTINCT JSON_VALUE(connection_info, '$.data.target_iqn') FROM block_device_mapping
SELECT DISTINCT JSON_VALUE(network_info, '$[0].network.id') FROM instance_info_caches
"""
SEARCHED, SHORTEST = 25, 8
"""So many originals of a column are looked for, if they have that many characters: shorter ones occur by chance."""


@dataclass(frozen=True)
class Shared:
    """What came of the guide's commands, up to those that load the dump."""

    folder: Path
    project: Path
    said: str
    joined: dict[str, tuple[Any, Any]]
    """For each of JOINS what the original and what the anonymized database answers."""
    originals: dict[str, list[bytes]]
    """Of every column that was replaced."""


def commands() -> list[str]:
    """The commands of the guide: up to the loading, and in a project."""
    found = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    return ["".join(found[:-1]), found[-1]]


def run(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, **variables},
    )


@pytest.fixture(scope="module")
def shared(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    demand("mariadb")
    folder = tmp_path_factory.mktemp("shared")
    project = tmp_path_factory.mktemp("project") / "nova"
    build(project, rows=ROWS, remedy=True, cache=store / "downloads")
    shutil.copyfile(SIDECAR, folder / "nova.toml")
    settings = config.load(project)
    (dataset,) = settings.as_datasets(project)
    with wiring.tools(settings, project, folder / "log.txt", RecordingObserver()) as tools:
        with explore(
            dataset, FILLED, settings.as_project(), tools, as_added=False, seen=lambda step, differences: None
        ) as havana:
            written = run(
                f"mariadb-dump {havana.database.address.database} > havana.sql",
                folder,
                HOME=home(havana.database, folder),
            )
            assert written.returncode == 0, written.stderr
        snapshot = trunk_of(dataset, settings.as_project(), tools)
        with (
            tools.snapshots.clone(snapshot, visible=tools.server.in_process) as clone,
            tools.server.start(clone, snapshot.database) as database,
        ):
            call_it_nova(database)
            done = run(commands()[0], folder, HOME=home(database, folder))
            assert done.returncode == 0, done.stdout + done.stderr
            with owner_connection(database, None) as owner:
                joined = {
                    sql: (asked(owner, "nova", sql), asked(owner, "nova_shared", sql))
                    for sql in JOINS.split("\n")
                    if sql
                }
                originals = dict(originals_of(owner, json.loads((folder / "audit.json").read_text())))
    return Shared(folder, project, done.stdout + done.stderr, joined, originals)


def home(database: Database, folder: Path) -> str:
    """A folder where MariaDB's programs find how to log in."""
    option = next(word for word in database.shell() if word.startswith("--defaults-extra-file="))
    shutil.copyfile(option.partition("=")[2], folder / ".my.cnf")
    return str(folder)


def call_it_nova(database: Database) -> None:
    own = database.address.database
    with owner_connection(database) as owner:
        rows(owner, "CREATE DATABASE nova CHARACTER SET utf8mb3")
        rows(owner, "SET foreign_key_checks = 0")
        tables = rows(owner, "SHOW TABLES")
        rows(owner, "RENAME TABLE " + ", ".join(f"`{own}`.`{name}` TO nova.`{name}`" for (name,) in tables))


def asked(owner: Any, database: str, sql: str) -> Any:
    rows(owner, f"USE {database}")
    return rows(owner, sql)


def originals_of(owner: Any, audit: Any) -> Iterator[tuple[str, list[bytes]]]:
    rows(owner, "USE nova")
    for table, its in audit["tables"].items():
        for name, column in its["columns"].items():
            if column["replaced"] and column["kind"] != "json":
                sql = f"SELECT DISTINCT `{name}` FROM `{table}` WHERE LENGTH(`{name}`) >= {SHORTEST} LIMIT {SEARCHED}"
                yield f"{table}.{name}", [str(value).encode() for (value,) in rows(owner, sql)]
    for sql in INSIDE_OF_JSON.split("\n"):
        if sql:
            yield sql, [value.encode() for (value,) in rows(owner, sql) if value is not None]


def test_every_column_of_the_database_is_decided_on(shared: Shared) -> None:
    assert re.search(r"110 tables, 1314 columns: \d+ kept, \d+ replaced; 0 errors", shared.said), shared.said
    assert "unmarked" not in shared.said


def test_all_that_joined_still_joins(shared: Shared) -> None:
    for sql, (before, after) in shared.joined.items():
        assert before == after, sql
        assert all(before[0]), f"nothing joined to begin with: {sql}"


def test_no_original_is_anywhere_in_the_result(shared: Shared) -> None:
    result = (shared.folder / "shared.sql").read_bytes()
    assert sum(map(len, shared.originals.values())) > 500
    found = {
        (column, value) for column, values in shared.originals.items() for value in values if plain(value) in result
    }
    assert not found


def plain(value: bytes) -> bytes:
    """As it stands in a dump, up to its first character that is escaped there."""
    part: bytes = re.split(rb"[\n'\"\\]", value.strip())[0]
    return part if len(part) >= SHORTEST else value


def test_it_loads_without_a_warning_and_has_as_many_rows(shared: Shared) -> None:
    assert "Warning" not in shared.said
    written = (shared.folder / "nova.sql").read_bytes(), (shared.folder / "shared.sql").read_bytes()
    assert written[0].count(b"\n(") == written[1].count(b"\n(") > ROWS / 2
    kept = [[line for line in dump.split(b"\n") if not line.startswith(b"(")] for dump in written]
    assert kept[0] == kept[1]


def test_it_is_replayed_to_the_newest_revision(shared: Shared) -> None:
    (shared.project / ".git" / "info").mkdir(exist_ok=True)
    (shared.project / ".git" / "info" / "exclude").write_text("/shared.sql\n")
    shutil.copyfile(shared.folder / "shared.sql", shared.project / "shared.sql")
    done = run(commands()[1], shared.project)
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = (shared.project / ".migci" / "runs").glob("*/replay.json")
    (dataset,) = json.loads(report.read_text())["datasets"]
    assert [step["to"] for step in dataset["steps"]] == ["413"]


def test_havanas_database_goes_through_every_migration_as_the_original_does(shared: Shared) -> None:
    """There it has other tables than at the end: nova-havana.toml has them, and what came later is left out."""
    source, output = shared.folder / "havana.sql", shared.folder / "havana-shared.sql"
    there = rewrite.read_tables(str(source))
    said = [markup_file.read(file, kinds.find) for file in (SIDECAR, HAVANA)]
    planner = Planner(matching(merged(said)[0], there), kinds.find, Key(b"a key of many bytes"))
    assert planner.schema(there).errors == ()
    rewrite.dump(Request(str(source), str(output)), planner, lambda done, total: None)
    settings = shared.project / "migci.toml"
    settings.write_text(f'{settings.read_text()}\n[datasets.havana]\nsource = "{output}"\ncontents = "anonymized"\n')
    ran = replay(shared.project, "synthetic", "havana")
    assert ran.status == 0, ran.out + ran.err
    original, anonymized = ran.report["datasets"]
    assert (original["verdict"], anonymized["verdict"]) == ("passed", "passed")
    assert [step["to"] for step in anonymized["steps"]] == [str(number) for number in range(int(FILLED) + 1, 414)]
    assert steps(anonymized) == [step for step in steps(original) if int(step["to"]) > int(FILLED)]


def matching(markup: Markup, schema: Schema) -> Markup:
    """What is said of tables and columns that are there."""
    columns = {name: {column.name for column in table.columns} for name, table in schema.tables.items()}
    return Markup(
        {
            name: replace(said, columns={one: rule for one, rule in said.columns.items() if one in columns[name]})
            for name, said in markup.tables.items()
            if name in columns
        }
    )


def steps(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """What each step did, but for how long it took, and for the order, as Nova's migrations make keys in any."""
    told = ("to", "stage", "outcome", "rows_changed", "error")
    return [
        {name: step[name] for name in told}
        | {"ways": sorted((one["table"], one["algorithm"]) for one in step["statements"] if one["algorithm"])}
        for step in dataset["steps"]
    ]
