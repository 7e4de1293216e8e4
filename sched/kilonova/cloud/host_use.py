"""What one server takes of the NUMA cells and PCI pools of its host."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kilonova.cloud.host import HostCell, PagePool
from kilonova.errors import BadInput

Pool = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CellUse:
    """What a server takes of one NUMA cell.

    Attributes
    ----------
    number
        Number of the host's cell.
    cpu_usage, memory_mb
        CPUs that float, and MiB.
    pinned
        CPUs of the host.
    pages
        Size in KiB and number of pages, for each size.
    """

    number: int
    cpu_usage: int = 0
    memory_mb: int = 0
    pinned: frozenset[int] = frozenset()
    pages: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class HostUse:
    """What a server takes of all cells and pools: pools with ``count`` devices."""

    cells: tuple[CellUse, ...] = ()
    pools: tuple[Pool, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "cells": [
                {
                    "number": use.number,
                    "cpu_usage": use.cpu_usage,
                    "memory_mb": use.memory_mb,
                    "pinned": sorted(use.pinned),
                    "pages": [list(pair) for pair in use.pages],
                }
                for use in self.cells
            ],
            "pools": [dict(pool) for pool in self.pools],
        }


def use_of(where: str, given: Any) -> HostUse:
    """Read what ``HostUse.document`` gave.

    Raises
    ------
    BadInput
        It is something else.
    """
    try:
        return HostUse(
            tuple(
                CellUse(
                    number=int(use["number"]),
                    cpu_usage=int(use.get("cpu_usage", 0)),
                    memory_mb=int(use.get("memory_mb", 0)),
                    pinned=frozenset(map(int, use.get("pinned", ()))),
                    pages=tuple(
                        (int(size), int(count)) for size, count in use.get("pages", ())
                    ),
                )
                for use in given.get("cells", ())
            ),
            tuple({**pool, "count": int(pool["count"])} for pool in given["pools"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f"{where}: uses must hold cells and pools, got {given!r:.80}."
        ) from error


def use_between(
    before: tuple[Sequence[HostCell] | None, Sequence[Pool] | None],
    after: tuple[Sequence[HostCell] | None, Sequence[Pool] | None],
) -> HostUse:
    """Give what was taken between two states of a host's cells and pools."""
    cells = [
        _cell_use(old, new)
        for old, new in zip(before[0] or (), after[0] or (), strict=True)
        if old is not new and old != new
    ]
    taken = before[1] is not after[1]
    pools = difference(before[1] or (), after[1] or ()) if taken else ()
    return HostUse(tuple(cells), pools)


def cells_without(cells: Sequence[HostCell], use: HostUse) -> tuple[HostCell, ...]:
    """Give the cells of a host without what a server took of them."""
    taken = {each.number: each for each in use.cells}
    return tuple(
        _freed(cell, taken[cell.number]) if cell.number in taken else cell
        for cell in cells
    )


def give_back(pools: Sequence[Pool], taken: Sequence[Pool]) -> tuple[Pool, ...]:
    """Give devices back to the pools that are alike; make those that are gone.

    Parameters
    ----------
    pools
        Those of a host.
    taken
        Pools with as ``count`` what comes back; see ``difference``.
    """
    counts = {_identity(pool): pool["count"] for pool in pools}
    alike = {_identity(pool): pool for pool in (*taken, *pools)}
    order = list(dict.fromkeys([*counts, *map(_identity, taken)]))
    for pool in taken:
        identity = _identity(pool)
        counts[identity] = counts.get(identity, 0) + pool["count"]
    whole = [{**alike[identity], "count": counts[identity]} for identity in order]
    return tuple(sorted(whole, key=len))


def difference(before: Sequence[Pool], after: Sequence[Pool]) -> tuple[Pool, ...]:
    """Give what was taken between two states of a host's pools."""
    left: Counter[frozenset[tuple[str, str]]] = Counter()
    for pool in after:
        left[_identity(pool)] += pool["count"]
    taken = []
    for pool in before:
        identity = _identity(pool)
        count = pool["count"] - min(pool["count"], left[identity])
        left[identity] -= pool["count"] - count
        if count:
            taken.append({**pool, "count": count})
    return tuple(taken)


def _cell_use(old: HostCell, new: HostCell) -> CellUse:
    return CellUse(
        number=old.number,
        cpu_usage=new.cpu_usage - old.cpu_usage,
        memory_mb=new.memory_usage_mb - old.memory_usage_mb,
        pinned=new.pinned_cpus - old.pinned_cpus,
        pages=() if old.pages is new.pages else _page_use(old.pages, new.pages),
    )


def _page_use(
    old: Sequence[PagePool], new: Sequence[PagePool]
) -> tuple[tuple[int, int], ...]:
    return tuple(
        (before.size_kb, after.used - before.used)
        for before, after in zip(old, new, strict=True)
        if before.used != after.used
    )


def _freed(cell: HostCell, use: CellUse) -> HostCell:
    taken = dict(use.pages)
    return cell.using(
        cell.cpu_usage - use.cpu_usage,
        cell.memory_usage_mb - use.memory_mb,
        cell.pinned_cpus - use.pinned,
        tuple(
            replace(pool, used=pool.used - taken.get(pool.size_kb, 0))
            for pool in cell.pages
        ),
    )


def _identity(pool: Pool) -> frozenset[tuple[str, str]]:
    return frozenset(
        (key, repr(value)) for key, value in pool.items() if key != "count"
    )
