"""The first candidates of some hosts, which a claim there would take."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kilonova.hosts.engine import Engine
    from kilonova_kernels.host_columns import FirstColumns

# Plan of a candidate, and the provider row of each of its slots.
Candidate = tuple[int, list[int]]


class FirstCandidates:
    """Finds the first candidates of the hosts of an engine, for its first shape."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._columns: FirstColumns | None = None

    def of(self, hosts: list[int]) -> dict[int, Candidate]:
        """Give the first candidate of each host that has one.

        Raises
        ------
        SearchTooLong
            Whether a host has one could not be found out in time.
        """
        found: dict[int, Candidate] = {}
        for plan in self._engine.kept.plan[0].tolist():
            left = [host for host in hosts if host not in found]
            if plan < 0 or not left:
                break
            for host, rows in zip(left, self._find(plan, left), strict=True):
                if rows[0] >= 0:
                    found[host] = (plan, rows)
        return found

    def _find(self, plan: int, hosts: list[int]) -> list[list[int]]:
        from kilonova_kernels._jit import call
        from kilonova_kernels.host_passing import first_candidates

        engine, count = self._engine, len(hosts)
        asked = self._room_for(count)
        asked.plan[0], asked.trees[0] = plan, count
        asked.tree[:count] = engine.host_tree[hosts]
        columns = engine.state.columns()
        call(first_candidates, columns, engine.plans.columns, engine.search, asked)
        engine.check()
        found: list[list[int]] = asked.provider[:count].tolist()
        return found

    def _room_for(self, count: int) -> "FirstColumns":
        from kilonova_kernels.host_columns import FirstColumns

        known = self._columns
        if known is None or len(known.tree) < count:
            slots = len(self._engine.search.option_count)
            self._columns = known = FirstColumns(
                plan=np.zeros(1, np.int64),
                trees=np.zeros(1, np.int64),
                tree=np.zeros(2 * count, np.int32),
                provider=np.zeros((2 * count, slots), np.int32),
            )
        return known
