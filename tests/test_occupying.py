"""Servers that take NUMA cells and PCI devices: what is kept of them changes nothing.

Method: servers come and go at random on a few hosts, some of them equal, and ask for
about as much as a host has free. Each choice is that of all filters and weighers over
plain objects; and all that came of it is the same where nothing is kept, where so
little is kept that it is forgotten all the time, and with everything kept.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

import pytest

from generators.document import uuid_of
from generators.guests import random_guest
from generators.host_cells import random_cells
from generators.host_devices import random_pools, random_requests
from kilonova import Cloud
from kilonova.cloud import cell_kinds, trail
from kilonova.cloud.host import Host, HostCell
from kilonova.cloud.host_view import host_view
from kilonova.cloud.memo import Memo
from kilonova.errors import NoValidHost
from kilonova.hosts.options import ComputeSection, FilterSchedulerSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.numa_constraints import numa_constraints
from kilonova.request.server import ServerSpec
from naive_select import naive

SEEDS = range(25)
_STEPS = 60
_INVENTORIES = {
    "VCPU": {"total": 64, "allocation_ratio": 4.0},
    "MEMORY_MB": {"total": 65536, "allocation_ratio": 1.5},
}
_PLAIN = FilterSchedulerSection().enabled_filters


class Turn(NamedTuple):
    """What came of one server: its host, and all cells, pools and uses then."""

    host: str
    weight: float
    hosts: list[Any]
    uses: list[Any]


def random_cloud(random: Random) -> Cloud:
    kinds = [(random_cells(random), random_pools(random)) for _ in range(2)]
    hosts = []
    for number in range(5):
        cells, pools = random.choice(kinds)
        host: dict[str, Any] = {
            "nodename": f"h{number}",
            "cpu_allocation_ratio": random.choice((1.0, 1.5, 4.0)),
            "ram_allocation_ratio": random.choice((1.0, 1.5)),
        }
        if random.random() < 0.9:
            host["numa_cells"] = list(cells)
        if random.random() < 0.9:
            host["pci_pools"] = list(pools)
        hosts.append(host)
    names = [host["nodename"] for host in hosts]
    providers = [{"name": name, "inventories": _INVENTORIES} for name in names]
    return Cloud.from_document({"providers": providers, "hosts": hosts})


def random_options(random: Random) -> Options:
    some = [("NUMATopologyFilter", "PciPassthroughFilter"), ("PciPassthroughFilter",)]
    return Options(
        filter_scheduler=FilterSchedulerSection(
            enabled_filters=(*_PLAIN, *random.choice((some[0], some[0], *some, ())))
        ),
        compute=ComputeSection(
            packing_host_numa_cells_allocation_strategy=random.random() < 0.5
        ),
    )


def random_spec(random: Random, hosts: list[Host]) -> ServerSpec:
    flavor = Flavor(random.choice((1, 2)), 64)
    cells = random.choice(hosts).numa_cells
    kind = random.choice(("cells", "cells", "devices", "both", "none"))
    return ServerSpec(
        flavor,
        topology=random_guest(random, cells) if kind in ("cells", "both") else None,
        pci_requests=random_requests(random) if kind in ("devices", "both") else (),
    )


def turns(seed: int, *, check: bool = False) -> Iterator[Turn]:
    """Let servers come and go; the same seed gives the same ones."""
    random = Random(seed)
    cloud = random_cloud(random)
    # What is kept belongs to the cloud: all its schedulers share it.
    schedulers = [Scheduler(cloud, random_options(random)) for _ in range(2)]
    specs: list[ServerSpec] = []
    alive: list[str] = []
    for step in range(_STEPS):
        hosts = [host_view(cloud.state, row) for row in range(5)]
        if alive and random.random() < 0.45:
            cloud.release(alive.pop(random.randrange(len(alive))))
            yield Turn("", 0.0, *seen(cloud))
            continue
        if not specs or random.random() < 0.25:
            specs.append(random_spec(random, hosts))
        spec, scheduler = random.choice(specs[-4:]), random.choice(schedulers)
        best = naive(cloud, scheduler, spec) if check else None
        name = uuid_of(f"server {step}")
        try:
            found = scheduler.select(spec, servers=[name]).hosts[0]
        except NoValidHost:
            assert best is None or not best.hosts
            yield Turn("nowhere", 0.0, *seen(cloud))
            continue
        if best is not None:
            assert (found.nodename, found.weight) == (best.hosts[0], best.weights[0])
        alive.append(name)
        yield Turn(found.nodename, found.weight, *seen(cloud))


def seen(cloud: Cloud) -> tuple[list[Any], list[Any]]:
    hosts = [host_view(cloud.state, row) for row in range(5)]
    uses = [use.document() for _, use in sorted(cloud.state.hosts.uses.items())]
    return [(host.numa_cells, host.pci_pools) for host in hosts], uses


@pytest.mark.parametrize("seed", SEEDS)
def test_keeping_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = list(turns(seed, check=True))
    assert len(kept) == _STEPS
    with monkeypatch.context() as nothing:
        nothing.setattr(Memo, "keep", lambda self, key, value: value)
        assert list(turns(seed)) == kept
    with monkeypatch.context() as little:
        little.setattr(Memo.__init__, "__defaults__", (2,))
        little.setattr(cell_kinds, "_MOST", 2)
        little.setattr(trail, "MOST", 2)
        assert list(turns(seed)) == kept


def placed(cloud: Cloud, options: Options, node: str) -> int:
    """Put a guest of one cell on a host, look which of its cells it is in, and end."""
    flavor = Flavor(1, 512, extra_specs={"hw:numa_nodes": "1"})
    topology = numa_constraints(flavor, Image())
    spec = ServerSpec(flavor, topology=topology, force_nodes=(node,))
    hosts, row = cloud.state.hosts, cloud.state.hosts.row(node)
    before = host_view(cloud.state, row).numa_cells or ()
    Scheduler(cloud, options).select(spec, servers=["server"])
    after = host_view(cloud.state, row).numa_cells or ()
    cloud.release("server")
    assert host_view(cloud.state, row).numa_cells == before
    assert not hosts.uses
    pairs = zip(before, after, strict=True)
    (number,) = [one.number for one, other in pairs if one != other]
    return number


def options_of(*filters: str, pack: bool = False) -> Options:
    return Options(
        filter_scheduler=FilterSchedulerSection(enabled_filters=filters),
        compute=ComputeSection(packing_host_numa_cells_allocation_strategy=pack),
    )


def test_ratios_and_options_decide_on_equal_cells() -> None:
    cells = [
        HostCell(n, cpuset=frozenset({n}), cpu_usage=n, memory_mb=1024)
        for n in range(2)
    ]
    # Tried first, as fewer CPUs are in use; and nearly full.
    cells[0] = replace(cells[0], memory_usage_mb=1000)
    hosts = [
        {
            "nodename": name,
            "numa_cells": cells,
            "cpu_allocation_ratio": 4.0,
            "ram_allocation_ratio": ratio,
        }
        for name, ratio in (("narrow", 1.0), ("wide", 1.5))
    ]
    providers = [{"name": n, "inventories": _INVENTORIES} for n in ("narrow", "wide")]
    cloud = Cloud.from_document({"providers": providers, "hosts": hosts})
    fitted, packed = "NUMATopologyFilter", options_of("NUMATopologyFilter", pack=True)
    assert cloud.state.hosts.numbers_of(0) == cloud.state.hosts.numbers_of(1)
    for _ in range(2):
        assert placed(cloud, options_of(fitted), "narrow") == 1
        assert placed(cloud, options_of(fitted), "wide") == 0
        assert placed(cloud, packed, "wide") == 1
        assert placed(cloud, options_of(), "narrow") == 0


def test_servers_come_and_go_and_find_no_host() -> None:
    every = [turn.host for seed in SEEDS for turn in turns(seed)]
    shares = {name: every.count(name) / len(every) for name in set(every)}
    assert shares["nowhere"] > 0.05
    assert shares[""] > 0.1
    assert min(shares[f"h{number}"] for number in range(5)) > 0.02


def test_what_is_kept_has_a_bound() -> None:
    cells = [HostCell(0, pcpuset=frozenset(range(32)), memory_mb=65536)]
    devices = [{"count": 99, "vendor_id": "8086", "numa_node": 0}]
    inventories = {"VCPU": {"total": 64}, "MEMORY_MB": {"total": 65536}}
    cloud = Cloud.from_document(
        {
            "providers": [{"name": "a", "inventories": inventories}],
            "hosts": [{"nodename": "a", "numa_cells": cells, "pci_pools": devices}],
        }
    )
    hosts = cloud.state.hosts
    memos: list[Memo[Any, Any]] = [hosts.changes, hosts.verdicts, hosts._given_back]
    for memo in memos:
        memo.most = 3
    scheduler = Scheduler(cloud, random_options(Random(0)))
    random, names = Random(1), []
    view = host_view(cloud.state, 0)
    for step in range(40):
        name = uuid_of(f"server {step}")
        try:
            scheduler.select(random_spec(random, [view]), servers=[name])
            names.append(name)
        except NoValidHost:
            pass
        if len(names) > 2:
            cloud.release(names.pop(0))
        assert all(len(memo) <= 3 for memo in memos)
    assert all(memos)


def test_a_memo_forgets_all_when_it_is_full() -> None:
    memo: Memo[int, str] = Memo(2)
    assert [memo.keep(n, str(n)) for n in range(3)] == ["0", "1", "2"]
    assert dict(memo) == {2: "2"}


def test_a_trail_gives_each_row_once_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trail, "MOST", 3)
    rows = trail.Trail()
    for row in (5, 7, 5):
        rows.note(row)
    assert sorted(rows.since(0) or ()) == [5, 7]
    assert rows.since(2) == [5]
    assert rows.since(3) == []
    rows.note(9)
    assert rows.since(0) is None
    assert sorted(rows.since(1) or ()) == [5, 7, 9]
