"""Nova's schema, by its names alone: nothing is missed of what is confidential there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from anonymize.discover.discovery import markup_of, proposals
from anonymize.discover.people import People
from anonymize.discover.proposal import Proposal, Verdict
from anonymize.discover.sampling import Sampled
from anonymize.markup import Markup
from anonymize.schema import Column, ForeignKey, Table

FILE = Path(__file__).with_name("nova.txt")
NOBODY = People(frozenset(), frozenset(), frozenset())
_COLUMN = re.compile(r"(\w+)(\*?) (\w+)(?:\((.*?)\))?(?: > (\w+)\.(\w+))?")

CONFIDENTIAL = {
    "instances": "user_data key_data access_ip_v4 access_ip_v6 hostname host node display_name display_description "
    "key_name",
    "key_pairs": "public_key fingerprint",
    "consoles": "password",
    "console_pools": "password",
    "console_auth_tokens": "token_hash",
    "block_device_mapping": "connection_info",
    "fixed_ips": "address",
    "floating_ips": "address",
    "virtual_interfaces": "address",
    "networks": "label cidr cidr_v6 gateway gateway_v6 netmask netmask_v6 bridge bridge_interface broadcast dns1 dns2 "
    "vlan vpn_public_address vpn_public_port vpn_private_address dhcp_start dhcp_server project_id host uuid",
    "instance_info_caches": "network_info",
    "instance_faults": "message details",
    "instance_actions_events": "traceback",
    "instance_metadata": "value",
    "instance_system_metadata": "value",
    "aggregate_metadata": "value",
}
KEPT_OF_NETWORKS = (
    "created_at updated_at deleted_at deleted id injected multi_host rxtx_base priority mtu enable_dhcp share_address"
)
"""Times, ids, flags and settings of a network."""


def tables() -> Iterator[Table]:
    for line in FILE.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(": ")
        columns, keys, unique = [], [], []
        for said in rest.split(", "):
            found = _COLUMN.fullmatch(said)
            assert found is not None, said
            column, is_unique, type_, more, other, its = found.groups()
            members = tuple(more.split("|")) if type_ == "enum" else ()
            length = int(more) if type_ == "varchar" else None
            columns.append(Column(column, "tinyint" if type_ == "bool" else type_, length, members=members))
            unique += [column] if is_unique else []
            keys += [ForeignKey((column,), other, (its,))] if other else []
        yield Table(name, tuple(columns), (tuple(unique),), tuple(keys))


def found() -> list[Proposal]:
    return proposals(Sampled(tuple(tables())), Markup(), NOBODY)


FOUND = {(one.table.name, one.column.name): one.judgement for one in found()}


def test_all_tables_and_columns_are_there() -> None:
    assert (len(list(tables())), len(FOUND)) == (57, 669)


def test_everything_confidential_is_proposed_to_be_replaced() -> None:
    wanted = {(table, name) for table, names in CONFIDENTIAL.items() for name in names.split()}
    wanted |= {(table, name) for table, name in FOUND if name in ("user_id", "project_id")}
    assert len(wanted) > 60
    assert {one: FOUND[one].verdict for one in wanted if FOUND[one].verdict is not Verdict.REPLACE} == {}


def test_of_networks_all_is_replaced_but_times_ids_flags_and_settings() -> None:
    kept = {name for (table, name), one in FOUND.items() if table == "networks" and one.verdict is Verdict.KEEP}
    assert kept == set(KEPT_OF_NETWORKS.split())


def test_users_and_projects_have_one_kind_everywhere_so_that_they_still_join() -> None:
    for wanted in ("user_id", "project_id"):
        rules = [(one.kind, dict(one.options)) for (_, name), one in FOUND.items() if name == wanted]
        assert len(rules) > 10
        assert all(rule == rules[0] for rule in rules)


def test_what_else_is_proposed_is_told_here() -> None:
    wanted = {(table, name) for table, names in CONFIDENTIAL.items() for name in names.split()}
    replaced = {one for one, judgement in FOUND.items() if judgement.verdict is Verdict.REPLACE}
    assert " ".join(sorted({name for _, name in replaced - wanted} - {"user_id", "project_id"})) == (
        "address api_url attachment_id cidr compute_host consumer_id description dest_compute dest_host dest_node "
        "details disabled_reason display_description display_name domain ephemeral_key_uuid file_name host host_ip "
        "hypervisor_hostname id image_id instance_uuid interface internal_access_path mac message public_hostname "
        "request_id resource_id snapshot_id source_compute source_node transport_url trusted_certs url username uuid "
        "value volume_id"
    )


def test_columns_that_refer_to_others_are_left_to_inherit() -> None:
    left = [one for one in FOUND.values() if one.verdict is Verdict.LEFT]
    assert len(left) == 25
    assert FOUND["block_device_mapping", "instance_uuid"].why == "it inherits from instances.uuid, which it refers to"


def test_what_is_asked_for_is_left_unmarked() -> None:
    said = markup_of([one for one in found() if one.table.name == "tags"]).tables
    asked = {name for (table, name), one in FOUND.items() if table == "tags" and one.verdict is Verdict.ASK}
    assert not asked & set(said["tags"].columns if "tags" in said else ())
    assert asked == {"tag"}
