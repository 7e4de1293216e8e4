"""Hosts with devices, and typical requests: what packing weighers look at."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State
from kilonova.errors import BadInput
from kilonova.request.group import Request

if TYPE_CHECKING:
    from kilonova_kernels.device_columns import DeviceColumns

# Typical requests are the most frequent ones that together make up so much of all.
_TYPICAL_PCT = 95


@dataclass(frozen=True, slots=True)
class DeviceClasses:
    """Which resource classes packing weighers weigh.

    Attributes
    ----------
    cpu
        Class of the host's CPU.
    device
        Class of which each device, a child provider, has ``whole`` units.
    whole
        Units of one whole device.
    """

    cpu: str = "VCPU"
    device: str = "CUSTOM_GPU_MILLI"
    whole: int = 1000


@dataclass(frozen=True, slots=True)
class Demand:
    """What packing weighers see of one request.

    Attributes
    ----------
    cpu
        CPU units.
    amount, devices
        Units of each device, and number of devices; both 0 where none is asked.
    allowed
        Traits of which the root needs one, empty for any; ``label`` is their text.
    """

    cpu: int
    amount: int
    devices: int
    allowed: frozenset[str] = frozenset()
    label: str = ""

    @classmethod
    def of(cls, request: Request, classes: DeviceClasses, label: str = "") -> "Demand":
        """Read the demand of a request.

        Raises
        ------
        BadInput
            Its groups ask for different amounts of the device class.
        """
        plain = [group for group in request.groups if not group.suffix]
        cpu = sum(group.resources.get(classes.cpu, 0) for group in plain)
        amounts = [
            group.resources[classes.device]
            for group in request.groups
            if group.suffix and classes.device in group.resources
        ]
        if len(set(amounts)) > 1:
            raise BadInput(
                f"All devices of a request must ask for the same amount of "
                f"{classes.device}, got {sorted(set(amounts))}."
            )
        clauses = [clause for group in plain for clause in group.required]
        allowed = frozenset.intersection(*clauses) if clauses else frozenset()
        return cls(cpu, amounts[0] if amounts else 0, len(amounts), allowed, label)

    def kind(self, whole: int) -> int:
        """Give 0 for a share of one device, else the number of devices, -1 for none."""
        if not self.devices:
            return -1
        return 0 if self.devices == 1 and self.amount < whole else self.devices


@dataclass(frozen=True, slots=True)
class Typical:
    """The most frequent demands of a workload.

    Attributes
    ----------
    demands, counts
        Each of them, and how often it comes.
    total
        Requests of the whole workload.
    """

    demands: tuple[Demand, ...] = ()
    counts: tuple[int, ...] = ()
    total: int = 0

    @classmethod
    def of(cls, demands: Sequence[Demand]) -> "Typical":
        """Take the most frequent demands that together first reach 95 % of all.

        Ties go to the larger CPU, then amount, then number of devices, then label.
        Source: Weng et al., and the rules in ``docs/openb.md``.
        """
        counts = Counter(demands)
        total = float(len(demands))
        order = sorted(
            counts.items(),
            key=lambda item: (
                item[1],
                item[0].cpu,
                item[0].amount,
                item[0].devices,
                item[0].label,
            ),
            reverse=True,
        )
        kept: list[tuple[Demand, int]] = []
        reached = 0
        for demand, count in order:
            if reached >= _TYPICAL_PCT * total / 100:
                break
            kept.append((demand, count))
            reached += count
        return cls(
            tuple(demand for demand, _ in kept),
            tuple(count for _, count in kept),
            len(demands),
        )

    def frequencies(self) -> NDArray[np.float64]:
        """Give the share of each among the typical ones, (N,) float64.

        Two divisions and not one: FGD decides some ties by the last bit, and the
        published runs come out only so.
        """
        total = float(self.total)
        share = float(sum(self.counts)) / total if self.counts else 1.0
        return np.array([(count / total) / share for count in self.counts], np.float64)


def device_columns(
    state: State,
    demands: Sequence[Demand],
    typical: Typical,
    classes: DeviceClasses,
) -> "DeviceColumns":
    """Make the columns that packing weighers read, true of the present state."""
    from kilonova_kernels.device_columns import DeviceColumns
    from kilonova_kernels.devices import count_kinds, refresh_all

    trees = len(state.index().roots)
    device_class = state.resource_classes.find(classes.device)
    most = _most_devices(state, device_class)
    # What others hold has at most as many devices as there are; requests may ask more.
    kinds = max([most, *(d.kind(classes.whole) for d in demands)]) + 1
    levels = sorted({d.amount for d in typical.demands if d.amount}) or [0]
    numbers = [levels.index(d.amount) if d.amount else 0 for d in typical.demands]
    allowed = [_allowed(state, demand) for demand in typical.demands]
    columns = DeviceColumns(
        classes=_whole([state.resource_classes.find(classes.cpu), device_class]),
        normal=np.ones(2, np.int64),
        whole=_whole([classes.whole]),
        cpu_free=np.zeros(trees, np.int64),
        device_count=np.zeros(trees, np.int64),
        device_free=np.zeros((trees, most), np.int64),
        host_kinds=np.zeros((trees, kinds), np.int64),
        host_fragment=np.zeros(trees, np.float64),
        host_unusable=np.zeros(trees, np.int64),
        plan_cpu=_whole([d.cpu for d in demands]),
        plan_amount=_whole([d.amount for d in demands]),
        plan_devices=_whole([d.devices for d in demands]),
        plan_kind=_whole([d.kind(classes.whole) for d in demands]),
        typical_cpu=_whole([d.cpu for d in typical.demands]),
        typical_amount=_whole([d.amount for d in typical.demands]),
        typical_devices=_whole([d.devices for d in typical.demands]),
        typical_level=_whole(numbers),
        typical_frequency=typical.frequencies(),
        typical_count=_whole(typical.counts),
        typical_allowed=np.array(allowed, np.bool_).reshape(-1, len(state.trait_sets)),
        level_amount=_whole(levels),
        scratch=np.zeros((3, max(most, len(levels))), np.int64),
        sums=np.zeros(6, np.float64),
    )
    refresh_all(state.columns(), columns)
    count_kinds(state.columns(), columns)
    columns.normal[:] = _largest_host(state, columns)
    return columns


def refresh_devices(
    state: State, columns: "DeviceColumns", stamp: int, limits: int = -1
) -> bool:
    """Bring columns up to date with what others wrote after ``stamp`` writes.

    Rows must not have moved since. True means that the largest host is another one
    now, so that the weights of all hosts are; ``limits`` is what the state counted of
    them when the columns were made, or a negative number.
    """
    from kilonova_kernels.devices import count_kinds, refresh_since

    cloud = state.columns()
    refresh_since(cloud, columns, stamp)
    count_kinds(cloud, columns)
    if limits == state.limits:
        return False
    before = tuple(columns.normal.tolist())
    columns.normal[:] = _largest_host(state, columns)
    return before != tuple(columns.normal.tolist())


def _whole(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _allowed(state: State, demand: Demand) -> NDArray[np.bool_]:
    if not demand.allowed:
        return np.ones(len(state.trait_sets), np.bool_)
    numbers = frozenset(state.traits.find(trait) for trait in demand.allowed)
    return state.trait_sets.hits(numbers)


def _most_devices(state: State, device_class: int) -> int:
    """Count the devices of the host that has most; at least 1."""
    inventory = state.tables.inventory
    providers = inventory["provider"][inventory["resource_class"] == device_class]
    roots = state.tables.provider["root"][providers]
    return int(np.bincount(roots).max(initial=1)) if len(roots) else 1


def _largest_host(state: State, columns: "DeviceColumns") -> tuple[int, int]:
    """Give the CPU and device units of the largest host, at least 1 each."""
    inventory = state.tables.inventory
    capacity = state.tables.offer["capacity"][inventory["offer"]]
    roots = state.tables.provider["root"][inventory["provider"]]
    found = []
    for resource_class in columns.classes.tolist():
        chosen = inventory["resource_class"] == resource_class
        sums = np.bincount(roots[chosen], capacity[chosen]) if chosen.any() else [1]
        found.append(max(int(max(sums)), 1))
    return found[0], found[1]
