"""Disks that hosts share, and devices of unlike amounts: where hosts are not alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from kilonova.bench.bulk_cloud import lay_cloud
from kilonova.bench.busy_cloud import use_shares
from kilonova.bench.document import Inventory, provider, uuid_of
from kilonova.bench.questions import AMOUNTS, PLAIN, class_rows
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.candidates.marking import Marking
from kilonova.cloud.sharing import SHARES
from kilonova.request.query import parse_query

# Hosts that share a pool of disks.
_SHARING = 100
_OFFERS: Mapping[str, Inventory] = {
    "VCPU": {"total": 128},
    "MEMORY_MB": {"total": 524_288},
}
_DISKS = {"DISK_GB": {"total": 40_000}}
_TWO_DISKS = "resources_A=DISK_GB:10&resources_B=DISK_GB:5&group_policy=none"
# Units of a device, and those of two that a request asks for.
_UNITS, _LARGE, _SMALL = 5, 3, 2
_DEVICES = 3
_DEVICE: Mapping[str, Inventory] = {"VGPU": {"total": _UNITS}}
_TWO_DEVICES = f"resources_A=VGPU:{_LARGE}&resources_B=VGPU:{_SMALL}&group_policy=none"
_AMOUNT_BYTES, _MARK_BYTES, _USED_BYTES = 4, 1, 8


@dataclass(slots=True)
class _Pools:
    """Hosts without disks, each hundred of which share a pool of them."""

    cloud: Cloud

    @classmethod
    def of(cls, fleet: Fleet) -> "_Pools":
        """Lay hosts and pools, in use."""
        cloud = lay_cloud([provider("host00000", None, _OFFERS)], fleet.hosts)
        count = -(-fleet.hosts // _SHARING)
        cloud.add_trait(SHARES)
        racks = [uuid_of(f"rack {number}") for number in range(count)]
        for rack in racks:
            cloud.add_provider(
                f"disks of {rack}",
                inventories=_DISKS,
                traits=[SHARES],
                aggregates=[rack],
            )
        sets = cloud.state.tables.provider["aggregate_set"]
        sets[: fleet.hosts] = np.repeat(sets[fleet.hosts :], _SHARING)[: fleet.hosts]
        cloud.state.facts_changed(shares=True)
        use_shares(cloud.state, fleet.fill, np.random.default_rng(0))
        return cls(cloud)

    def room(self, amounts: dict[str, int]) -> NDArray[np.int64]:
        """Give how often amounts of the hosts' own classes fit on each host."""
        each = [self.free(name) // amount for name, amount in amounts.items()]
        found: NDArray[np.int64] = np.minimum.reduce(each)
        return found

    def free(self, name: str) -> NDArray[np.int64]:
        """Give what is free of a class at each provider that offers it."""
        state = self.cloud.state
        rows, inventory = class_rows(state, name), state.tables.inventory
        capacity = state.tables.offer["capacity"][inventory["offer"][rows]]
        found: NDArray[np.int64] = capacity - inventory["used"][rows]
        return found

    def fitting(self) -> NDArray[np.bool_]:
        """Mark by numpy which hosts fit, pools of disks included."""
        disks = self.free("DISK_GB") >= AMOUNTS["DISK_GB"]
        fits = self.room(_OWN) > 0
        marks: NDArray[np.bool_] = fits & np.repeat(disks, _SHARING)[: len(fits)]
        return marks

    def most(self) -> int:
        """Count by numpy how many fit: as hosts have room, and their disks."""
        room = self.room(_OWN)
        starts = np.arange(0, len(room), _SHARING)
        disks = self.free("DISK_GB") // AMOUNTS["DISK_GB"]
        return int(np.minimum(np.add.reduceat(room, starts), disks).sum())


_OWN = {name: AMOUNTS[name] for name in _OFFERS}


def _marks(_cloud: Cloud, fleet: Fleet) -> Work:
    pools = _Pools.of(fleet)
    state = pools.cloud.state
    marking = Marking(state, parse_query(PLAIN), True)

    def check() -> bool:
        marking.scan(state)
        # Pools are trees that have no CPUs.
        marks = marking.fits(state)
        expected = pools.fitting()
        return np.array_equal(marks[: fleet.hosts], expected) and not bool(
            marks[fleet.hosts :].any()
        )

    return Work(
        call=lambda: marking.scan(state),
        check=check,
        touched=fleet.hosts * (_AMOUNT_BYTES * len(_OWN) + _MARK_BYTES),
        plain=pools.fitting,
    )


def _first(_cloud: Cloud, fleet: Fleet) -> Work:
    pools, limit = _Pools.of(fleet), 1_000

    def call() -> list[object]:
        return list(pools.cloud.allocation_candidates(PLAIN, limit))

    def check() -> bool:
        found = pools.cloud.allocation_candidates(PLAIN, limit)
        rows = [pools.cloud.state.find_provider(each.root) for each in found]
        return bool(rows == np.flatnonzero(pools.fitting())[:limit].tolist())

    return Work(call=call, check=check)


def _headroom(query: str, _cloud: Cloud, fleet: Fleet) -> Work:
    pools = _Pools.of(fleet)

    def check() -> bool:
        found = pools.cloud.headroom(query)
        if query == PLAIN:
            return found.total == found.upper == pools.most()
        # Each pool gives both disks of a request.
        each = pools.free("DISK_GB")
        return int((each // 15).sum()) == found.total

    return Work(
        call=lambda: pools.cloud.headroom(query),
        check=check,
        touched=_USED_BYTES * len(_OWN) * fleet.hosts,
        plain=pools.most if query == PLAIN else None,
    )


def _unlike(_cloud: Cloud, fleet: Fleet) -> Work:
    host = [provider("host00000", None, _OFFERS)]
    host += [
        provider(f"host00000:{name}", "host00000", _DEVICE) for name in range(_DEVICES)
    ]
    cloud = lay_cloud(host, fleet.hosts)
    state = cloud.state
    rows = class_rows(state, "VGPU")
    used = np.random.default_rng(0).integers(0, 3, len(rows))
    state.tables.inventory["used"][rows] = used
    state.rows_moved()
    free = np.sort(_UNITS - used.reshape(-1, _DEVICES), axis=1)

    def check() -> bool:
        found = cloud.headroom(_TWO_DEVICES)
        most = sum(_packed(tuple(each)) for each in free.tolist())
        solved = found.total == most or fleet.hosts > _MOST_SOLVED
        return solved and found.total <= most <= found.upper

    return Work(
        call=lambda: cloud.headroom(_TWO_DEVICES),
        check=check,
        touched=_USED_BYTES * _DEVICES * fleet.hosts,
    )


# Hosts up to which programs of all of them are solved.
_MOST_SOLVED = 1_000


@cache
def _packed(free: tuple[int, ...]) -> int:
    """Count by trying how many pairs of a large and a small share fit devices."""
    best = 0
    for i, one in enumerate(free):
        if one < _LARGE:
            continue
        rest = (*free[:i], one - _LARGE, *free[i + 1 :])
        for j, other in enumerate(rest):
            if other >= _SMALL:
                left = (*rest[:j], other - _SMALL, *rest[j + 1 :])
                best = max(best, 1 + _packed(tuple(sorted(left))))
    return best


def _workload(name: str, doing: str, make: Callable[[Cloud, Fleet], Work]) -> Workload:
    return Workload(
        f"shared: {name}", doing, make, shapes=("flat",), fills=(0.7,), largest=100_000
    )


WORKLOADS = (
    _workload("marks", "mark all hosts that fit with shared disks", _marks),
    _workload("candidates", "build objects of the first 1000, shared disks", _first),
    _workload(
        "headroom",
        "count how many more fit with shared disks",
        partial(_headroom, PLAIN),
    ),
    _workload(
        "headroom, two disks",
        "count how many more fit that ask shared disks twice",
        partial(_headroom, _TWO_DISKS),
    ),
    _workload(
        "headroom, unlike devices",
        "count how many more fit of two unlike shares of devices",
        _unlike,
    ),
)
