"""Cells of one kind hold the same guests, whichever of their CPUs are pinned.

Method: other CPUs of random cells are pinned again and again; among what comes of it,
cells of one kind must give the same answer to a random guest, alone or with devices.
"""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from generators.fits import FitCase, random_fit
from generators.host_devices import random_pools
from kilonova.cloud.cell_kinds import Kind, kind_of
from kilonova.cloud.free_cpus import free_cpus
from kilonova.cloud.host import Host, HostCell
from kilonova.hosts.filters.numa_topology import NUMA_TOPOLOGY, of_cells
from kilonova.hosts.numa_fit import Devices, Guests, Limits
from kilonova.hosts.numa_pinning import can_pin, pin
from kilonova.hosts.options import ComputeSection, Options
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

_DRAWS = 24


def pinned_anew(random: Random, cells: tuple[HostCell, ...]) -> tuple[HostCell, ...]:
    """Pin as many CPUs of each cell as before, one more or less; use other memory."""
    found = []
    for cell in cells:
        count = len(cell.pinned_cpus) + random.choice((0, 0, 0, 1, -1))
        count = min(max(count, 0), len(cell.pcpuset))
        pinned = frozenset(random.sample(sorted(cell.pcpuset), count))
        used_mb = cell.memory_usage_mb
        if random.random() < 0.1:
            used_mb = random.choice((0, cell.memory_mb))
        found.append(replace(cell, pinned_cpus=pinned, memory_usage_mb=used_mb))
    return tuple(found)


def holds(case: FitCase, cells: tuple[HostCell, ...]) -> bool:
    cpu, ram = case.ratios or (16.0, 1.5)
    host = Host(
        "h",
        cpu_allocation_ratio=cpu,
        ram_allocation_ratio=ram,
        numa_cells=cells,
        pci_pools=None if case.pools is None else tuple(case.pools),
        candidates=case.mappings,
    )
    spec = ServerSpec(
        Flavor(1, 64),
        topology=case.topology,
        pci_requests=case.requests,
        networks=case.networks,
    )
    pack = ComputeSection(packing_host_numa_cells_allocation_strategy=case.pack)
    return NUMA_TOPOLOGY.passes(host, spec, Options(compute=pack))


def answers(seed: int) -> dict[Kind, Counter[bool]]:
    """Count what cells of each kind answer to one guest."""
    case, random = random_fit(seed), Random(seed)
    found: dict[Kind, Counter[bool]] = {}
    for _ in range(_DRAWS):
        cells = pinned_anew(random, case.cells)
        kind = tuple(map(kind_of, cells))
        found.setdefault(kind, Counter())[holds(case, cells)] += 1
    return found


def test_cells_of_one_kind_hold_the_same_guests() -> None:
    several = both = 0
    for seed in range(600):
        counts = answers(seed)
        assert all(len(count) == 1 for count in counts.values()), seed
        several += any(count.total() > 1 for count in counts.values())
        both += len({answer for count in counts.values() for answer in count}) > 1
    # Kinds had several members, and pinning decided.
    assert several > 300
    assert both > 20


def test_devices_decide_only_where_the_filter_reads_them() -> None:
    decided = 0
    for seed in range(3000):
        case, random = random_fit(seed), Random(seed)
        spec = ServerSpec(Flavor(1, 64), topology=case.topology)
        cpu, ram = case.ratios or (16.0, 1.5)
        limits = Limits(cpu, ram, case.networks)
        found = {
            Guests(case.topology).fit(
                case.cells, limits=limits, devices=Devices(pools), pack=case.pack
            )
            is not None
            for pools in (None, (), random_pools(random), random_pools(random))
        }
        if "pci_pools" in NUMA_TOPOLOGY.looks_at(spec, Options()):
            decided += len(found) > 1
        else:
            assert len(found) == 1, seed
    assert decided > 0


def test_counting_says_what_a_fit_says() -> None:
    found: Counter[bool] = Counter()
    for seed in range(5000):
        case, random = random_fit(seed), Random(seed)
        spec = ServerSpec(Flavor(1, 64), topology=case.topology, networks=case.networks)
        counted = of_cells(spec, Options())
        if counted is None:
            continue
        limits = Limits(*(case.ratios or (16.0, 1.5)), case.networks)
        others = pinned_anew(random, case.cells)
        plain = [replace(cell, pages=()) for cell in others]
        for cells in (case.cells, others, plain, *([cell] for cell in plain)):
            fits = Guests(case.topology).fit(cells, limits=limits, pack=case.pack)
            assert counted(cells, *limits[:2]) == (fits is not None), seed
            found[fits is not None] += 1
    assert min(found[True], found[False]) > 1000


def random_cores(random: Random) -> HostCell:
    """Draw a cell some of whose cores may share CPUs, or miss some."""
    threads, count = random.choice((1, 2, 2, 4)), random.choice((1, 2, 4))
    cpus = random.sample(range(64), threads * count)
    cores = [frozenset(cpus[core::count]) for core in range(count)]
    if random.random() < 0.2:
        cores.append(frozenset(random.sample(cpus, threads)))
    every = frozenset(cpus)
    share = random.choice((0.0, 0.2, 0.6))
    return HostCell(
        0,
        cpuset=random.choice((every, frozenset())),
        pcpuset=every,
        pinned_cpus=frozenset(cpu for cpu in cpus if random.random() < share),
        siblings=tuple(cores[random.choice((0, 0, 1)) :]),
    )


def test_counting_says_whether_cpus_can_be_pinned() -> None:
    random, found = Random(0), Counter[tuple[str | None, bool]]()
    policies = (None, "prefer", "require", "isolate")
    for _ in range(12_000):
        cell = random_cores(random)
        free = free_cpus(cell)
        whole = sum(count == max(free.cores, default=0) for count in free.cores)
        wanted = random.choice((whole, free.in_cores, free.count, 1))
        cpus = frozenset(range(max(0, wanted + random.choice((-1, 0, 0, 1)))))
        policy, reserve = random.choice(policies), random.choice((0, 0, 0, 1))
        can = can_pin(cell, cpus, policy, reserve)
        assert can == (pin(cell, cpus, policy, reserve) is not None)
        found[policy, can] += 1
    assert min(found[policy, can] for policy in policies for can in (True, False)) > 300


def test_overlapping_cores_are_told_apart_by_their_cpus() -> None:
    overlapping = frozenset({0, 1}), frozenset({1, 2})
    cell = HostCell(0, pcpuset=frozenset(range(3)), siblings=overlapping)
    kinds = {kind_of(replace(cell, pinned_cpus=frozenset({cpu}))) for cpu in range(3)}
    assert len(kinds) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"memory_mb": 2},
        {"memory_usage_mb": 1},
        {"cpu_usage": 1},
        {"socket": 1},
        {"pinned_cpus": frozenset({0})},
    ],
    ids=str,
)
def test_other_amounts_make_another_kind(other: dict[str, Any]) -> None:
    cell = HostCell(0, pcpuset=frozenset({0, 1}))
    assert kind_of(cell) != kind_of(replace(cell, **other))


def test_sharing_no_cpus_makes_another_kind() -> None:
    # Only where both sets are the same can whole cores be kept for a guest.
    cell = HostCell(0, pcpuset=frozenset({0, 1}))
    same, apart = frozenset({0, 1}), frozenset({2, 3})
    assert kind_of(replace(cell, cpuset=same)) != kind_of(replace(cell, cpuset=apart))
