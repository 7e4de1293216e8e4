"""Cells, pools and facts that no host has any more are forgotten, and nobody notices.

Method: servers come and go, and pin CPUs and take devices in thousands of ways. Whoever
keeps something by numbers must forget it too when these change: choices, cells, pools
and uses are compared, server by server, with those of a cloud that forgets nothing.
"""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from generators.document import uuid_of
from kilonova import Cloud
from kilonova.cloud import values
from kilonova.cloud.copies import copied
from kilonova.cloud.host import HostCell
from kilonova.cloud.host_view import host_view
from kilonova.cloud.hosts import set_image_uuids
from kilonova.cloud.values import ValueDictionary
from kilonova.errors import NoValidHost
from kilonova.hosts import scheduler
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.pci import PciRequest
from kilonova.request.server import ServerSpec
from kilonova.request.topology import GuestCell, GuestTopology

_HOSTS, _CPUS, _SPARE = 6, 8, 24
_INVENTORIES = {"VCPU": {"total": 999}, "MEMORY_MB": {"total": 65536}}
_OPTIONS = Options(
    filter_scheduler=FilterSchedulerSection(
        enabled_filters=(
            *FilterSchedulerSection().enabled_filters,
            "NUMATopologyFilter",
            "PciPassthroughFilter",
        )
    )
)


def cells() -> list[HostCell]:
    found = []
    for number in range(2):
        cpus = range(number * _CPUS, (number + 1) * _CPUS)
        cores = tuple(frozenset({cpu, cpu + 1}) for cpu in cpus[::2])
        pinned = frozenset(cpus)
        found.append(HostCell(number, pinned, pinned, 4096, siblings=cores))
    return found


def pools() -> list[dict[str, Any]]:
    return [
        {"count": 5, "vendor_id": str(vendor), "product_id": "1", "numa_node": node}
        for vendor in range(3)
        for node in range(2)
    ]


def new_cloud() -> Cloud:
    hosts = [
        {"nodename": f"h{n}", "numa_cells": cells(), "pci_pools": pools()}
        for n in range(_HOSTS)
    ]
    names = [str(host["nodename"]) for host in hosts]
    providers = [{"name": name, "inventories": _INVENTORIES} for name in names]
    return Cloud.from_document({"providers": providers, "hosts": hosts})


def guest(cpus: int, policy: str | None) -> GuestTopology:
    pinned = frozenset(range(cpus))
    cell = GuestCell(
        0,
        pcpuset=pinned,
        memory_mb=128,
        cpu_policy="dedicated",
        cpu_thread_policy=policy,
    )
    return GuestTopology((cell,))


def some_specs() -> list[ServerSpec]:
    """Few shapes, so that engines live through many changes of numbers."""
    wanted = [({"vendor_id": str(vendor)},) for vendor in range(3)]
    devices = [(PciRequest(1, spec, alias_name="a"),) for spec in wanted]
    flavor = Flavor(1, 64)
    return [
        *(
            ServerSpec(flavor, topology=guest(cpus, policy))
            for cpus in (1, 2, 3)
            for policy in (None, "require", "isolate")
        ),
        *(ServerSpec(flavor, pci_requests=each) for each in devices),
        ServerSpec(flavor, topology=guest(2, None), pci_requests=devices[0]),
    ]


def turns(
    scheduler: Scheduler, steps: range, before: Sequence[str] = ()
) -> Iterator[object]:
    """Let servers come and go on hosts that are nearly full; the same each time."""
    state, specs, alive = scheduler.state, some_specs(), list(before)
    for step in steps:
        random = Random(step)
        if random.random() < len(alive) / 80:
            scheduler.cloud.release(alive.pop(random.randrange(len(alive))))
            continue
        name = uuid_of(f"server {step}")
        try:
            found = scheduler.select(random.choice(specs), servers=[name]).hosts[0]
        except NoValidHost:
            yield "nowhere"
            continue
        alive.append(name)
        host = host_view(state, state.hosts.row(found.nodename))
        use = state.hosts.uses.get(state.consumer_uuids.find(name))
        yield found.nodename, found.weight, host.numa_cells, host.pci_pools, use


def by_uuid(cloud: Cloud) -> dict[str, Any]:
    """Give a document; a folder does not keep which rows are free in which order."""
    found = cloud.to_document()
    found["consumers"].sort(key=lambda consumer: consumer["uuid"])
    return found


@pytest.mark.parametrize("spare", [0, _SPARE])
def test_thousands_of_pinnings_come_and_go(
    spare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "SPARE", 10**9)
    whole = Scheduler(new_cloud(), _OPTIONS)
    monkeypatch.setattr(values, "SPARE", spare)
    short = Scheduler(new_cloud(), _OPTIONS)
    hosts, refused = short.state.hosts, 0
    both = zip(turns(whole, range(6000)), turns(short, range(6000)), strict=True)
    for expected, found in both:
        assert found == expected
        refused += found == "nowhere"
        assert max(len(hosts.numa), len(hosts.pci)) <= 2 * _HOSTS + spare + 1
    assert hosts.numbering > 100
    assert len(whole.state.hosts.numa) > 2000
    assert len(whole.state.hosts.pci) > 300
    assert 100 < refused < 3000


def test_what_was_given_back_is_forgotten_too() -> None:
    scheduler = Scheduler(new_cloud(), _OPTIONS)
    hosts, spec = scheduler.state.hosts, some_specs()[0]

    def start(name: str, row: int) -> None:
        forced = replace(spec, force_hosts=(f"h{row}",))
        scheduler.select(forced, servers=[uuid_of(name)])

    start("a", 0)
    start("b", 1)
    uses = list(hosts.uses.values())
    assert uses[0] is uses[1]
    scheduler.cloud.release(uuid_of("a"))
    start("c", 1)
    before = hosts.numbers_of(1)
    hosts._forget_unused()
    # What b and c take has the number that b alone had.
    assert hosts.numbers_of(1) < before
    scheduler.cloud.release(uuid_of("b"))
    left = host_view(scheduler.state, 1).numa_cells or ()
    assert [sorted(cell.pinned_cpus) for cell in left] == [[], [8]]


def test_copies_and_folders_of_what_was_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(values, "SPARE", _SPARE)
    scheduler = Scheduler(new_cloud(), _OPTIONS)
    for _ in turns(scheduler, range(800)):
        pass
    cloud, state = scheduler.cloud, scheduler.state
    before = by_uuid(cloud)
    alive = sorted(state.consumer_uuids[row] for row in state.hosts.uses)
    assert state.hosts.numbering > 2
    assert len(alive) > 9
    cloud.write(tmp_path / "cloud")
    twins = [Cloud.read(tmp_path / "cloud"), Cloud()]
    twins[1].state = copied(state)
    later = list(turns(scheduler, range(800, 1600), alive))
    assert by_uuid(cloud) != before
    for twin in twins:
        assert by_uuid(twin) == before
        assert list(turns(Scheduler(twin, _OPTIONS), range(800, 1600), alive)) == later
        assert by_uuid(twin) == by_uuid(cloud)
        assert len(twin.state.hosts.numa) <= 2 * _HOSTS + _SPARE + 1


def test_image_caches_that_change_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(values, "SPARE", _SPARE)
    cloud, random = new_cloud(), Random(0)
    facts, images = cloud.state.hosts.facts, [uuid_of(f"image {n}") for n in range(20)]
    for _ in range(300):
        cached = {n: frozenset(random.sample(images, 5)) for n in range(_HOSTS)}
        set_image_uuids(cloud.state, cached)
        seen = [host_view(cloud.state, n).image_uuids for n in range(_HOSTS)]
        assert seen == list(cached.values())
        assert len(facts) <= 2 * _HOSTS + _SPARE + _HOSTS


def test_extremes_go_with_the_last_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_MOST_ENGINES", 3)
    # Hosts are weighed by whether they have the image.
    options = Options(
        filter_scheduler=FilterSchedulerSection(
            weight_classes=("ImageLocalityWeigher",)
        )
    )
    one = Scheduler(new_cloud(), options)
    for n in range(6):
        spec = ServerSpec(Flavor(1, 64), image=Image(uuid=uuid_of(f"image {n}")))
        weights = [
            each.select(spec, servers=[uuid_of(f"{name} {n}")]).hosts[0]
            for name, each in (("a", one), ("b", Scheduler(one.cloud, options)))
        ]
        for name in "ab":
            one.cloud.release(uuid_of(f"{name} {n}"))
        assert len({chosen.weight for chosen in weights}) == 1
    gc.collect()
    assert len(one._engines) == len(one._extremes) == 3


def test_values_in_use_stay_and_get_numbers_in_sequence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(values, "SPARE", 2)
    letters = ValueDictionary("abc")
    column = np.array([2, -1, 0, 2], np.int32)
    assert letters.is_full()
    letters.forget_unused(column)
    assert [letters[n] for n in column.tolist() if n >= 0] == ["c", "a", "c"]
    assert (column[1], len(letters), letters.number("c")) == (-1, 2, column[0])
    assert [letters.number(each) for each in "bde"] == [2, 3, 4]
    assert not letters.is_full()
    letters.number("f")
    letters.number("g")
    assert letters.is_full()
