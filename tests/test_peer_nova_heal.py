"""Nova's own healing and mirroring of aggregates come to the same, byte for byte.

Allocations, generations, profiles of ports and exit statuses are compared. Without
Nova, which is an extra of its own, this is skipped.
"""

import os
import random
from typing import Any

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

import heal_cases
from kilonova import Cloud
from kilonova.admin.heal import heal
from kilonova.admin.heal_ports import RecordedPorts
from kilonova.admin.heal_steps import HealOptions
from kilonova.admin.sync_aggregates import sync_aggregates
from kilonova.records.records import Records
from peers import nova_audit
from seeds import SEED

CASES = int(os.environ.get("NOVA_CASES") or 300)


def options_of(draw: random.Random, servers: list[dict[str, Any]]) -> HealOptions:
    chance = draw.random()
    if chance < 0.3:
        one = draw.choice(servers)["uuid"]
        return HealOptions(server=one, force=draw.random() < 0.5)
    return HealOptions(
        max_count=draw.choice((None, None, 1, 2, 3)),
        dry_run=draw.random() < 0.1,
        skip_ports=draw.random() < 0.2,
        cell=draw.choice((None, None, None, None, None, None, "c1", "c9")),
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_healing_same_as_nova() -> None:
    print(f"SEED={SEED}")
    codes: dict[int, int] = {}
    for number in range(2 * CASES):
        draw = random.Random(SEED + number)
        document, recorded = heal_cases.case(draw)
        asked = options_of(draw, recorded["servers"])
        ports = [port["id"] for port in recorded["ports"]]
        failing = frozenset(port for port in ports if draw.random() < 0.15)
        sticking = frozenset(port for port in ports if draw.random() < 0.5)
        mine, known = Cloud.from_document(document), Records.from_document(recorded)
        write = RecordedPorts(known, failing, sticking)
        result = heal(mine, known, asked, write=write)
        theirs = Cloud.from_document(document)
        neutron = nova_audit.Neutron(
            {port["id"]: dict(port) for port in recorded["ports"]}, failing, sticking
        )
        uuids = {each["name"]: each["uuid"] for each in document["providers"]}
        code = nova_audit.heal(
            nova_audit.Placement(theirs),
            neutron,
            [nova_audit.heal_server(each) for each in recorded["servers"]],
            extended=any(
                "request_groups" in (each["resource_request"] or {})
                for each in recorded["ports"]
            ),
            cells=list(dict.fromkeys(host["cell_uuid"] for host in document["hosts"])),
            nodes={
                (each["cell_uuid"], each["host"], each["nodename"]): uuids[
                    each["nodename"]
                ]
                for each in document["hosts"]
            },
            max_count=asked.max_count,
            dry_run=asked.dry_run,
            instance_uuid=asked.server,
            skip_port_allocations=asked.skip_ports,
            cell_uuid=asked.cell,
            force=asked.force,
        )
        assert result.code == code, number
        assert mine.to_document() == theirs.to_document(), number
        assert known.ports == neutron.ports, number
        codes[code] = codes.get(code, 0) + 1
    assert codes.keys() == {0, 1, 2, 3, 4, 6, 7, 8, 127}, codes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_aggregates_same_as_nova() -> None:
    print(f"SEED={SEED}")
    codes: dict[int, int] = {}
    for number in range(2 * CASES):
        draw = random.Random(SEED + number)
        document, records, members = _aggregates(draw)
        gone = {p["name"] for p in document["providers"] if draw.random() < 0.05}
        clouds = [Cloud.from_document(document) for _ in range(2)]
        uuids = {each["name"]: each["uuid"] for each in document["providers"]}
        for cloud in clouds:
            for name in gone:
                cloud.remove_provider(name)
        nodes: dict[str, list[str]] = {}
        for host in document["hosts"]:
            if records.host_mappings.get(host["host"]) == host["cell_uuid"]:
                nodes.setdefault(host["host"], []).append(uuids[host["nodename"]])
        result = sync_aggregates(clouds[0], records)
        code = nova_audit.sync_aggregates(
            nova_audit.Placement(clouds[1]), members, records.host_mappings, nodes
        )
        assert result.code == code, number
        assert clouds[0].to_document() == clouds[1].to_document(), number
        codes[code] = codes.get(code, 0) + 1
    assert codes.keys() == {0, 1, 4, 5, 6}, codes


def _aggregates(
    draw: random.Random,
) -> tuple[dict[str, Any], Records, list[tuple[str, list[str]]]]:
    """Draw hosts in aggregates, of which some are not mapped or have no node."""
    services = [f"host{n}" for n in range(4)]
    found = ["agg0", "agg1"]
    hosts = [
        {
            "host": services[n - 1] if n and draw.random() < 0.05 else services[n],
            "nodename": f"node{n}",
            "cell_uuid": draw.choice(("c1", "c2")),
            "aggregates": draw.sample(found, draw.randint(0, 2)),
        }
        for n in range(draw.randint(1, 4))
    ]
    document = {
        "providers": [
            {
                "name": host["nodename"],
                "uuid": heal_cases.uuid(n + 1),
                "aggregates": draw.sample([*found, "more"], draw.randint(0, 2)),
            }
            for n, host in enumerate(hosts)
        ],
        "host_aggregates": [{"uuid": uuid} for uuid in found],
        "hosts": hosts,
    }
    cells = {str(host["host"]): str(host["cell_uuid"]) for host in hosts}
    mappings = {
        host: cells.get(host, "c1") for host in services if draw.random() < 0.93
    }
    mappings["spare"] = "c1"
    more = {
        uuid: tuple(draw.sample(services, 1)) for uuid in found if draw.random() < 0.2
    }
    records = Records(host_mappings=mappings, aggregate_hosts=more)
    members = [
        (
            uuid,
            list(
                dict.fromkeys(
                    [
                        *(str(h["host"]) for h in hosts if uuid in h["aggregates"]),
                        *more.get(uuid, ()),
                    ]
                )
            ),
        )
        for uuid in found
    ]
    return document, records, members
