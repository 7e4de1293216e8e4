"""Cells of one kind hold the same guests, whichever of their CPUs are pinned.

Method: other CPUs of random cells are pinned again and again; among what comes of it,
cells of one kind must give the same answer to a random guest, alone or with devices.
"""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from generators.fits import FitCase, random_fit
from kilonova.cloud.cell_kinds import Kind, kind_of
from kilonova.cloud.host import Host, HostCell
from kilonova.hosts.filters.numa_topology import NUMA_TOPOLOGY
from kilonova.hosts.options import ComputeSection, Options
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

_DRAWS = 24


def pinned_anew(random: Random, cells: tuple[HostCell, ...]) -> tuple[HostCell, ...]:
    """Pin as many CPUs of each cell as before, or one more or less."""
    found = []
    for cell in cells:
        count = len(cell.pinned_cpus) + random.choice((0, 0, 0, 1, -1))
        count = min(max(count, 0), len(cell.pcpuset))
        pinned = frozenset(random.sample(sorted(cell.pcpuset), count))
        found.append(replace(cell, pinned_cpus=pinned))
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


def test_overlapping_cores_are_told_apart_by_their_cpus() -> None:
    overlapping = frozenset({0, 1}), frozenset({1, 2})
    cell = HostCell(0, pcpuset=frozenset(range(3)), siblings=overlapping)
    kinds = {kind_of(replace(cell, pinned_cpus=frozenset({cpu}))) for cpu in range(3)}
    assert len(kinds) == 3


@pytest.mark.parametrize("other", [{"memory_mb": 2}, {"cpu_usage": 1}, {"socket": 1}])
def test_other_amounts_make_another_kind(other: dict[str, int]) -> None:
    cell = HostCell(0)
    assert kind_of(cell) != kind_of(replace(cell, **other))
