"""The models of a large project, imported in its own interpreter: OpenStack Nova's, with SQLAlchemy 1.4."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv

from anonymize import kinds
from anonymize.decisions import Origin
from anonymize.markup_file import parse
from anonymize.markup_file import read as read_markup
from anonymize.merging import merged
from anonymize.models import Models, read
from anonymize.plan import Planner
from anonymize.pseudonym import Key

NOVA = "nova==22.4.0"
SIDECAR = Path(__file__).resolve().parents[2] / "fixtures" / "anonymize" / "nova.toml"
PACKAGES = (
    "SQLAlchemy==1.4.54", "sqlalchemy-migrate==0.13.0", "alembic==1.19.2", "oslo.db==8.6.0", "oslo.log==8.3.2",
    "oslo.utils==10.2.0", "oslo.i18n==6.9.0", "netaddr==1.3.0", "WebOb==1.8.11", "PyMySQL==1.2.4", "setuptools<81",
)  # fmt: skip
STUBS = '''
"""Four of nova's modules drag in the rest of OpenStack, and the models need next to nothing of them."""
import sys, types

for name, values in {
    "nova.db.sqlalchemy.api": {"_SHADOW_TABLE_PREFIX": "shadow_"},
    "nova.objects": {},
    "nova.objects.keypair": {"KEYPAIR_TYPE_SSH": "ssh", "KEYPAIR_TYPE_X509": "x509"},
    "nova.utils": {},
}.items():
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(values)

from nova.db.sqlalchemy.models import BASE
'''


@pytest.fixture(scope="module")
def nova(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Models:
    environment = store / "interpreters" / "nova-models"
    python = environment / "bin" / "python"
    if not (environment / "complete").exists():
        program = uv.find_uv_bin()
        for command in (
            [program, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
            [program, "pip", "install", "--quiet", "--python", str(python), "--no-deps", NOVA],
            [program, "pip", "install", "--quiet", "--python", str(python), *PACKAGES],
        ):
            subprocess.run(command, check=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
        (environment / "complete").touch()
    folder = tmp_path_factory.mktemp("nova")
    (folder / "with_stubs.py").write_text(STUBS)
    return read("with_stubs:BASE", kinds.find, python=str(python), folder=folder)


def test_all_tables_and_columns_are_told_and_none_is_marked(nova: Models) -> None:
    tables = nova.schema.tables
    assert len(tables) == 57
    assert sum(len(table.columns) for table in tables.values()) == 669
    assert not nova.markup.tables
    assert all(column.type for table in tables.values() for column in table.columns)
    instances = tables["instances"]
    assert ("uuid",) in instances.unique
    assert any(key.table == "instances" for key in tables["instance_faults"].foreign_keys)


def test_what_the_models_do_not_say_a_file_does_and_foreign_keys_inherit_it(nova: Models) -> None:
    said = parse('[tables.instances]\nuuid = "uuid"\nhostname = "hostname"\n"*" = "keep"', "nova.toml", kinds.find)
    markup, _ = merged([nova.markup, said])
    plan = Planner(markup, kinds.find, Key(bytes(32))).schema(nova.schema)
    faults = {one.column.name: one for one in plan.tables["instance_faults"].decisions}
    assert (faults["instance_uuid"].kind, faults["instance_uuid"].source) == ("uuid", "instances.uuid")
    assert faults["message"].origin is Origin.NONE
    unmarked = [problem for problem in plan.errors if problem.id in ("unmarked", "unknown-table")]
    assert unmarked
    assert {problem.table for problem in unmarked} >= {"instance_faults", "key_pairs"}
    assert not [problem for problem in plan.problems if problem.table == "instances"]


CONFIDENTIAL = """
instances.user_data key_data access_ip_v4 access_ip_v6 hostname host node display_name display_description key_name uuid
key_pairs.name public_key fingerprint
consoles.password console_pools.password console_auth_tokens.token_hash internal_access_path
block_device_mapping.connection_info instance_info_caches.network_info instance_extra.keypairs
fixed_ips.address floating_ips.address virtual_interfaces.address bw_usage_cache.mac compute_nodes.host_ip
networks.cidr cidr_v6 gateway gateway_v6 broadcast dhcp_start dns1 dns2 label
instance_faults.message details instance_actions_events.traceback details
instance_metadata.value instance_system_metadata.value cells.transport_url migrations.dest_host source_node
"""


def confidential() -> set[str]:
    """table.column of each; a name without a table is of the same one as that before it."""
    found, table = set(), ""
    for name in CONFIDENTIAL.split():
        table, column = name.split(".") if "." in name else (table, name)
        found.add(f"{table}.{column}")
    return found


def test_the_sidecar_decides_on_every_column_and_a_new_one_would_be_an_error(nova: Models) -> None:
    plan = Planner(read_markup(SIDECAR, kinds.find), kinds.find, Key(bytes(32))).schema(nova.schema)
    decisions = [one for table in plan.tables.values() for one in table.decisions]
    assert len(decisions) == 669
    assert all(one.decided for one in decisions)
    kept = {
        f"{name}.{one.column.name}" for name, its in plan.tables.items() for one in its.decisions if not one.replaced
    }
    assert not kept & confidential()
    assert not {name for name in kept if name.endswith(("user_id", "project_id", "instance_uuid", ".uuid", ".host"))}
    assert {one.origin for one in decisions} == {Origin.OWN}, "by name, so that nothing new is kept unseen"
    only_in_the_database = {"migrate_version", "instances", "instance_extra"}  # two columns that no code reads
    assert {one.id for one in plan.errors} == {"no-such-table", "no-such-column"}
    assert {one.table for one in plan.errors if not one.table.startswith("shadow_")} == only_in_the_database
