"""One attempt to place servers, in some order, each through the scheduler."""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from kilonova.cloud import claims
from kilonova.hosts.events import Boot
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.holdings import Holdings, holdings_of
from kilonova.plan.problem import Problem
from kilonova.plan.sandbox import sandbox, still_building, undouble
from kilonova.request.server import ServerSpec

Progress = Callable[[int], None]
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
        # Those that are placed one by one, and those that others name.
        named = [each.server.uuid in problem.hinted for each in problem.servers]
        self._is_special = problem.alone | np.array(named, np.bool_)
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
        at = np.flatnonzero(played.host >= 0)
        placed = np.array([n for n, _ in pairs], np.int64)[at]
        if len(at):
            # The consumers of one call lie in sequence.
            first = state.consumer_uuids.find(_name(int(placed[0]))) - at[0]
            self.host[placed], self.row[placed] = played.host[at], first + at
        for n in placed[self._is_special[placed]].tolist():
            row, own = int(self.row[n]), int(self.problem.own[n])
            if self.problem.alone[n] and own >= 0:
                undouble(state, row, own)
            self._rename(n, own, row)
        self._active = self.row[placed]

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
        """Give what servers take at their hosts."""
        return holdings_of(self.state, self.row)


def _name(n: int) -> str:
    # No server's: those are checked to be names of the cloud.
    return f"evacuated {n}"
