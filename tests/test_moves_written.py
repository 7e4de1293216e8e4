"""A cloud that is written and read between operations goes on as if it had not been.

Servers of dead hosts are evacuated, some of them in vain. Then the hosts come back: to
the cloud that was there all the time, to its document, and to its folder. What hosts
count for servers that are elsewhere goes with both, and is given back in all three.
"""

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, Refused
from kilonova.hosts.options import FilterSchedulerSection, Options, PciSection
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.driver import SimulatedDriver
from kilonova.moves.operations import Operations
from kilonova.records.records import Records
from kilonova.request.flavor import Flavor
from moves_cloud import NOW, SMALL, Bench, make_cloud, make_server

pytestmark = pytest.mark.usefixtures("fixed_clock")

NAMES = ("a", "b", "c", "d")
PINNED = Flavor(2, 1024, extra_specs={"hw:cpu_policy": "dedicated"})
WITH_CARD = Flavor(1, 512, extra_specs={"pci_passthrough:alias": "card:1"})
ALIAS = '{"name": "card", "vendor_id": "8086", "product_id": "1520"}'
PLAIN = FilterSchedulerSection()
FILTERS = ("NUMATopologyFilter", "PciPassthroughFilter")
OPTIONS = Options(
    filter_scheduler=FilterSchedulerSection(
        enabled_filters=(*PLAIN.enabled_filters, *FILTERS)
    ),
    pci=PciSection((ALIAS,)),
)
FAILS = ("claim", "bind_ports", "rebuild")


def document() -> dict[str, Any]:
    """Make hosts of one NUMA cell with dedicated CPUs and two devices, and a group."""
    found = make_cloud(NAMES).to_document()
    for provider in found["providers"]:
        if provider["name"] in NAMES:
            provider["inventories"]["PCPU"] = {"total": 8}
    for host in found["hosts"]:
        host["numa_cells"] = [
            {
                "number": 0,
                "pcpuset": list(range(8)),
                "memory_mb": 8192,
                "siblings": [[cpu] for cpu in range(8)],
            }
        ]
        host["pci_pools"] = [
            {
                "count": 2,
                "vendor_id": "8086",
                "product_id": "1520",
                "numa_node": 0,
                "dev_type": "type-PCI",
            }
        ]
    found["server_groups"] = [{"uuid": "g", "policy": "anti-affinity"}]
    return found


class Site(Bench):
    """Servers of all kinds, some of which were evacuated from dead hosts."""

    def __init__(self, random: Random) -> None:
        super().__init__(NAMES, scheduling=OPTIONS, **document())
        self.random = random
        for n in range(7):
            flavor = random.choice([SMALL, PINNED, WITH_CARD])
            group = random.choice(["g", None])
            server = make_server(f"s{n}", flavor=flavor, server_group=group)
            self.do.boot(server, host=random.choice(NAMES[:2]))
        for host in random.sample(NAMES[:2], random.randint(1, 2)):
            self.set_up(host, up=False)
        for server in list(self.records.servers.values()):
            if random.random() < 0.8:
                self.evacuate(server.uuid)

    def evacuate(self, server: str) -> None:
        if self.random.random() < 0.2:
            self.driver.fail(self.random.choice(FAILS))
        host = self.random.choice([None, None, "c", "d"])
        with suppress(Refused):
            self.do.evacuate(server, host, force=host is not None)


def after(cloud: Cloud, records: Records) -> tuple[Any, ...]:
    """Let all hosts return; give what hosts count, consumers, and records then."""
    do = Operations(
        Scheduler(cloud, OPTIONS), records, SimulatedDriver(), clock=lambda: NOW
    )
    freed = {host: [s.uuid for s in do.start_service(host)] for host in NAMES}
    left = cloud.to_document()
    left["consumers"].sort(key=lambda each: each["uuid"])
    return freed, left, records.to_document()


def test_written_between_evacuation_and_return(tmp_path: Path) -> None:
    parked = freed = 0
    for seed in range(30):
        site = Site(Random(f"written {seed}"))
        text = json.dumps(site.cloud.to_document())
        site.cloud.write(tmp_path / str(seed))
        known = site.records.to_document()
        parked += sum(not c["allocations"] for c in json.loads(text)["consumers"])
        stayed = after(site.cloud, site.records)
        for again in (
            Cloud.from_document(json.loads(text)),
            Cloud.read(tmp_path / str(seed)),
        ):
            assert again.to_document() == json.loads(text), seed
            assert after(again, Records.from_document(known)) == stayed, seed
        freed += sum(map(len, stayed[0].values()))
        assert all(each["allocations"] for each in stayed[1]["consumers"])
        check_counts(stayed[1])
    assert parked > 30
    assert freed >= parked


def check_counts(left: dict[str, Any]) -> None:
    """See that hosts count their servers, and nothing else."""
    for host in left["hosts"]:
        mine = [c for c in left["consumers"] if c.get("host") == host["nodename"]]
        assert host["num_instances"] == len(mine)
        assert host["vcpus_used"] == sum(c["vcpus"] for c in mine)
        devices = sum(pool["count"] for pool in host["pci_pools"])
        uses = [c["uses"] for c in mine if "uses" in c]
        assert devices == 2 - sum(len(use.get("pools", ())) for use in uses)


@pytest.mark.parametrize(
    "consumer",
    [{"uuid": "x", "allocations": {}}, {"host": "a", "allocations": {}}],
)
def test_others_hold_something(consumer: dict[str, Any]) -> None:
    given = make_cloud(("a",)).to_document()
    given["consumers"] = [consumer]
    with pytest.raises(BadInput, match=r"consumers\[0\]: has no allocations, nor"):
        Cloud.from_document(given)
