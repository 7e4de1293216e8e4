"""The register of all columns: one line each, and nothing is a column without it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.errors import BadTable


class Column(NamedTuple):
    """One column of one table.

    Attributes
    ----------
    table, name
        Where it is; the first dimension is the rows of the table.
    dtype
        Numpy's name of the type.
    unit
        Unit of a value; empty for row numbers and counts.
    refers
        Table whose row numbers the values are, or empty. Such values follow when rows
        of that table are inserted or removed; -1 refers to nothing.
    doc
        Meaning, one line.
    """

    table: str
    name: str
    dtype: str
    unit: str
    refers: str
    doc: str


_UNIT = "unit of the class"

COLUMNS = (
    Column("provider", "parent", "int32", "", "provider", "Parent; -1 for a root."),
    Column("provider", "root", "int32", "", "provider", "Root of the tree."),
    Column("provider", "subtree_end", "int32", "", "", "Row after its subtree's last."),
    Column("provider", "generation", "int32", "", "", "Placement's generation."),
    Column("provider", "trait_set", "int32", "", "", "Number of its set of traits."),
    Column("provider", "aggregate_set", "int32", "", "", "Number of its aggregates."),
    Column("provider", "changed", "int64", "writes", "", "Root: count at last change."),
    Column("inventory", "provider", "int32", "", "provider", "Who offers."),
    Column("inventory", "resource_class", "int16", "", "", "What is offered."),
    Column("inventory", "offer", "int32", "", "offer", "Under which limits."),
    Column("inventory", "used", "int64", _UNIT, "", "Sum of its allocations."),
    Column("offer", "total", "int32", _UNIT, "", "All there is."),
    Column("offer", "reserved", "int32", _UNIT, "", "Kept out of allocations."),
    Column("offer", "min_unit", "int32", _UNIT, "", "Smallest amount of a claim."),
    Column("offer", "max_unit", "int32", _UNIT, "", "Largest amount of a claim."),
    Column("offer", "step_size", "int32", _UNIT, "", "Divisor of every amount."),
    Column("offer", "allocation_ratio", "float64", "", "", "Overcommit."),
    Column("offer", "capacity", "int64", _UNIT, "", "int((total-reserved) x ratio)."),
    Column("consumer", "project", "int32", "", "", "Number of the project; -1 none."),
    Column("consumer", "user", "int32", "", "", "Number of the user; -1 none."),
    Column("consumer", "type", "int32", "", "", "Number of the type; -1 none."),
    Column("consumer", "generation", "int32", "", "", "Placement's generation."),
    Column("consumer", "host", "int32", "", "host", "Host of the server; -1: none."),
    Column("consumer", "vcpus", "int32", "CPU", "", "What its host counts for it."),
    Column("consumer", "memory_mb", "int32", "MiB", "", "The same of memory."),
    Column("consumer", "disk_mb", "int32", "MiB", "", "The same of disk."),
    Column("consumer", "building", "uint8", "", "", "1 while it is an I/O operation."),
    Column("consumer", "group", "int32", "", "", "Number of its server group; -1."),
    Column("consumer", "first", "int32", "", "allocation", "First row; -1: no more."),
    Column("allocation", "consumer", "int32", "", "consumer", "Who holds; -1: free."),
    Column("allocation", "inventory", "int32", "", "inventory", "What; -1: free."),
    Column("allocation", "amount", "int32", _UNIT, "", "Units held, at least 1."),
    Column("allocation", "next", "int32", "", "allocation", "Next row, or free one."),
    Column("host", "provider", "int32", "", "provider", "Its root; -1: no such host."),
    Column("host", "service", "int32", "", "", "Number of its name as a service."),
    Column("host", "cell", "int32", "", "", "Number of its cell; -1 unknown."),
    Column("host", "aggregate_set", "int32", "", "", "Its set of host aggregates."),
    Column("host", "facts", "int32", "", "", "Number of what it says of itself."),
    Column("host", "numa", "int32", "", "", "State of its NUMA cells; -1 none."),
    Column("host", "pci", "int32", "", "", "State of its PCI pools; -1 none."),
    Column("host", "disabled", "uint8", "", "", "1 if its service is disabled."),
    Column("host", "last_seen_up", "float64", "s", "", "Last heartbeat; NaN unknown."),
    Column("host", "vcpus_total", "int32", "CPU", "", "CPUs that it reports."),
    Column("host", "vcpus_used", "int32", "CPU", "", "CPUs that servers take."),
    Column("host", "total_usable_ram_mb", "int64", "MiB", "", "Memory."),
    Column("host", "free_ram_mb", "int64", "MiB", "", "Memory left; may be negative."),
    Column("host", "total_usable_disk_gb", "int64", "GiB", "", "Disk."),
    Column("host", "free_disk_mb", "int64", "MiB", "", "Disk left; may be negative."),
    Column("host", "disk_mb_used", "int64", "MiB", "", "Disk in use."),
    Column("host", "cpu_allocation_ratio", "float64", "", "", "NaN: not reported."),
    Column("host", "ram_allocation_ratio", "float64", "", "", "NaN: not reported."),
    Column("host", "disk_allocation_ratio", "float64", "", "", "NaN: not reported."),
    Column("host", "num_instances", "int32", "", "", "Servers."),
    Column("host", "num_io_ops", "int32", "", "", "Servers that keep its disks busy."),
    Column("host", "failed_builds", "int32", "", "", "Failures since a success."),
)

TABLES = ("provider", "inventory", "offer", "consumer", "allocation", "host")


def columns_of(table: str) -> tuple[Column, ...]:
    """Give the columns of one table, in the order of the register."""
    return tuple(column for column in COLUMNS if column.table == table)


def validate(column: Column, array: NDArray[np.generic], where: str = "") -> None:
    """Refuse an array that is not what the register says of ``column``.

    Raises
    ------
    BadTable
        The dtype differs, or the array is not one C-contiguous dimension.
    """
    name = f"{where or column.table}: column {column.name!r}"
    if array.dtype != np.dtype(column.dtype):
        raise BadTable(f"{name} must be {column.dtype}, got {array.dtype}.")
    if array.ndim != 1 or not array.flags.c_contiguous:
        raise BadTable(f"{name} must be one contiguous dimension, got {array.shape}.")


def describe() -> str:
    """Give the register as a Markdown table, for the documentation."""
    lines = ["| table | column | dtype | unit | refers to | meaning |"]
    lines.append("|---|---|---|---|---|---|")
    lines += [
        f"| {c.table} | `{c.name}` | {c.dtype} | {c.unit} | {c.refers} | {c.doc} |"
        for c in COLUMNS
    ]
    return "\n".join(lines) + "\n"
