"""What workloads ask, and the same as plain numpy passes over the same columns.

All clouds here have equal hosts (`kilonova.bench.busy_cloud`), which is why a column of
a class can be folded into one row a host.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.cloud import Cloud
from kilonova.cloud.copies import copied
from kilonova.cloud.schema import columns_of
from kilonova.cloud.state import State

AMOUNTS: Mapping[str, int] = {"VCPU": 2, "MEMORY_MB": 2_048, "DISK_GB": 10}
PORT_AMOUNT = 10_000
BANDWIDTH: Mapping[str, int] = {
    "NET_BW_EGR_KILOBIT_PER_SEC": PORT_AMOUNT,
    "NET_BW_IGR_KILOBIT_PER_SEC": PORT_AMOUNT,
}
_PORT = (
    "&resources_{0}=NET_BW_EGR_KILOBIT_PER_SEC:10000,NET_BW_IGR_KILOBIT_PER_SEC:10000"
    "&required_{0}=CUSTOM_PHYSNET_PHYSNET{1},CUSTOM_VNIC_TYPE_NORMAL"
)
PLAIN = "resources=" + ",".join(f"{name}:{n}" for name, n in AMOUNTS.items())
ONE_PORT = PLAIN + _PORT.format("p", 0)
TWO_PORTS = ONE_PORT + _PORT.format("q", 1) + "&group_policy=none"
QUERIES: Mapping[str, str] = {
    "plain": PLAIN,
    "one port": ONE_PORT,
    "two ports": TWO_PORTS,
}
PORTS: Mapping[str, int] = {"plain": 0, "one port": 1, "two ports": 2}
SHAPES_OF: Mapping[str, tuple[str, ...]] = {
    "plain": ("flat", "nested"),
    "one port": ("nested",),
    "two ports": ("nested",),
}
# One that hosts do not have.
TRAIT = "HW_CPU_X86_AVX512F"
# Bytes of the largest amount that an inventory can give, and of a mark.
_AMOUNT_BYTES, _MARK_BYTES = 4, 1
# Providers of a nested host with bandwidth: bridges of two physical networks first.
_DEVICES = 6


def edited(cloud: Cloud) -> None:
    """Give a provider a trait more, and take it away: lists and marks are not kept."""
    state, row = cloud.state, 0
    numbers = state.trait_sets[int(state.tables.provider["trait_set"][row])]
    traits = [state.traits[number] for number in numbers]
    name = state.provider_identity(row)
    cloud.set_traits(name, (*traits, TRAIT))
    cloud.set_traits(name, traits)


def unasked(cloud: Cloud) -> Cloud:
    """Give a copy of a cloud, of which no question was asked."""
    found = Cloud()
    found.state = copied(cloud.state)
    return found


def mark_bytes(hosts: int, ports: int) -> int:
    """Count the bytes that marking all hosts touches, whatever the way.

    Each class that is asked for has one amount a host to compare, bandwidth one of the
    right bridge; a mark is written.
    """
    classes = len(AMOUNTS) + len(BANDWIDTH) * ports
    return hosts * (_AMOUNT_BYTES * classes + _MARK_BYTES)


def column_bytes(state: State) -> int:
    """Count the bytes of all columns of a cloud."""
    return sum(
        int(table[column.name].nbytes)
        for table in state.tables
        for column in columns_of(table.name)
    )


def numpy_marks(state: State, ports: int) -> Callable[[], NDArray[np.bool_]]:
    """Mark the hosts that fit, by numpy; the bridges are known beforehand."""
    columns = [(_largest(state, name), amount) for name, amount in AMOUNTS.items()]
    bridges = [
        (_largest(state, name).reshape(-1, _DEVICES)[:, :ports], amount)
        for name, amount in BANDWIDTH.items()
        if ports
    ]

    def mark() -> NDArray[np.bool_]:
        fits: NDArray[np.bool_] = columns[0][0] >= columns[0][1]
        for column, amount in columns[1:]:
            fits &= column >= amount
        for column, amount in bridges:
            fits &= (column >= amount).all(axis=1)
        return fits

    return mark


def numpy_room(state: State) -> Callable[[], NDArray[np.int64]]:
    """Count by numpy how often the plain amounts fit on each host."""
    offers = state.tables.offer["capacity"]
    inventory = state.tables.inventory
    columns = []
    for name, amount in AMOUNTS.items():
        rows = class_rows(state, name)
        columns.append((rows, int(offers[inventory["offer"][rows[0]]]), amount))

    def count() -> NDArray[np.int64]:
        room: NDArray[np.int64] | None = None
        for rows, capacity, amount in columns:
            own = (capacity - inventory["used"][rows]) // amount
            room = own if room is None else np.minimum(room, own)
        assert room is not None
        return room

    return count


def class_rows(state: State, name: str) -> NDArray[np.int32]:
    """Give the inventories of a class, in the order of their providers."""
    index, number = state.index(), state.resource_classes.find(name)
    return index.class_row[index.class_start[number] : index.class_start[number + 1]]


def _largest(state: State, name: str) -> NDArray[np.int32]:
    index, number = state.index(), state.resource_classes.find(name)
    return index.largest[index.class_start[number] : index.class_start[number + 1]]
