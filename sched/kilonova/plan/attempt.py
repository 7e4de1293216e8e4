"""One attempt to place servers, in some order, each through the scheduler."""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud import claims
from kilonova.cloud.state import State
from kilonova.hosts.events import Boot
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.problem import Problem
from kilonova.plan.sandbox import sandbox, still_building, undouble
from kilonova.request.server import ServerSpec

Progress = Callable[[int], None]
Holdings = dict[int, list[tuple[int, int]]]
# Servers that are placed between two words on how far it is.
_AT_ONCE = 2000


class Attempt:
    """A copy of the cloud, and where servers went in it.

    Parameters
    ----------
    problem
        What is to be placed.
    options
        Of the scheduler; those of the problem unless given.

    Attributes
    ----------
    host
        Row of the host of each server, -1 where it has none, (N,) int32.
    row
        Row of its second consumer in the copy, -1 where it has none, (N,) int32.
    """

    def __init__(self, problem: Problem, options: Options | None = None) -> None:
        self.problem = problem
        self.cloud = sandbox(problem.state, problem.failed, regroup=problem.regroup)
        self.state = self.cloud.state
        self.scheduler = Scheduler(
            self.cloud, options or problem.options, seed=problem.seed
        )
        count = len(problem.servers)
        self._active = np.zeros(0, np.int32)
        self.host = np.full(count, -1, np.int32)
        self.row = np.full(count, -1, np.int32)

    @property
    def score(self) -> tuple[int, int]:
        """Servers that have a host, and MiB of all these: what is made most of."""
        there = self.host >= 0
        return int(there.sum()), int(self.problem.memory_mb[there].sum())

    def place(
        self,
        order: Sequence[int],
        progress: Progress | None = None,
        specs: Sequence[ServerSpec] | None = None,
    ) -> None:
        """Place servers one after the other; those that find no host stay without.

        Parameters
        ----------
        order
            Numbers of servers that have no host yet.
        progress
            Is told how many servers were looked at since it was told last.
        specs
            What each of them asks, where that is not what the problem says.
        """
        wanted = specs or [self.problem.specs[n] for n in order]
        self.scheduler.prepare(
            {
                id(s): s
                for n, s in zip(order, wanted, strict=True)
                if not self.problem.alone[n]
            }.values()
        )
        pairs = zip(order, wanted, strict=True)
        for alone, part in groupby(pairs, key=lambda pair: self.problem.alone[pair[0]]):
            listed = list(part)
            size = 1 if alone else _AT_ONCE if progress else len(listed)
            for start in range(0, len(listed), size):
                self._play(listed[start : start + size])
                if progress is not None:
                    progress(len(listed[start : start + size]))

    def _play(self, pairs: list[tuple[int, ServerSpec]]) -> None:
        state = self.state
        still_building(state, self._active)
        events = [Boot(_name(n), spec) for n, spec in pairs]
        played = self.scheduler.play(events)
        placed = [
            (n, int(host))
            for (n, _), host in zip(pairs, played.host.tolist(), strict=True)
            if host >= 0
        ]
        for n, host in placed:
            self.host[n] = host
            self.row[n] = row = state.consumer_uuids.find(_name(n))
            own = int(self.problem.own[n])
            if self.problem.alone[n] and own >= 0:
                undouble(state, int(row), own)
            self._rename(n, own, int(row))
        self._active = self.row[[n for n, _ in placed]]

    def take_back(self, n: int) -> None:
        """Let a server be without a host again."""
        row, own = int(self.row[n]), int(self.problem.own[n])
        claims.release(self.state, self.state.consumer_uuids[row])
        self._rename(n, row, own)
        self.host[n] = self.row[n] = -1

    def _rename(self, n: int, before: int, now: int) -> None:
        """Let hints of other servers lead to where a server is now."""
        uuid = self.problem.servers[n].server.uuid
        if uuid in self.problem.hinted:
            if before >= 0:
                self.state.consumer_uuids.set(before, "")
            if now >= 0:
                self.state.consumer_uuids.set(now, uuid)

    def holdings(self) -> Holdings:
        """Give what each server takes at its host, by its number."""
        return holdings_of(self.state, self.row)


def holdings_of(state: State, rows: NDArray[np.int32]) -> Holdings:
    """Give what many consumers hold: inventories, ascending, and amounts.

    Parameters
    ----------
    state
        The cloud.
    rows
        Row of each consumer, (N,) int32; -1 holds nothing.

    Returns
    -------
    dict
        By the place in ``rows``, where there is something.
    """
    table = state.tables.allocation
    number = np.full(state.tables.consumer.count, -1, np.int64)
    there = np.flatnonzero(rows >= 0)
    number[rows[there]] = there
    live = np.flatnonzero(table["inventory"] >= 0)
    of = number[table["consumer"][live]]
    live, of = live[of >= 0], of[of >= 0]
    sort = np.lexsort((table["inventory"][live], of))
    live = live[sort]
    columns = (of[sort], table["inventory"][live], table["amount"][live])
    found: Holdings = {}
    for n, inventory, amount in zip(*(c.tolist() for c in columns), strict=True):
        found.setdefault(n, []).append((inventory, amount))
    return found


def _name(n: int) -> str:
    # No server's: those are checked to be names of the cloud.
    return f"evacuated {n}"
