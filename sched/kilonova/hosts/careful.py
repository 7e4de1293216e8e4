"""One server whose host is chosen here, from a ranking, and not by the kernel.

Where equals are shuffled, where a host does not report what a weigher needs, and where
the candidate that is claimed need not be a host's first.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud import claims
from kilonova.cloud.servers import join_host
from kilonova.cloud.state import State
from kilonova.hosts.batch import Batch, Question
from kilonova.hosts.draws import draws
from kilonova.hosts.engine import Engine
from kilonova.hosts.listing import EXCEPT, ONLY, Listing

_WIDTH = 64
_FACTOR = 4
_AFFINITY = 1
_ANTI_AFFINITY = 2


def needs_care(engine: Engine) -> bool:
    """Say whether the kernel cannot choose hosts for the shapes of an engine."""
    return (
        engine.options.filter_scheduler.shuffle_best_same_weighed_hosts
        or bool(engine.weights.unreported)
        or engine.changing.maps_devices
    )


def takes_turns(engine: Engine) -> bool:
    """Say whether servers of an engine must be placed one by one."""
    return engine.changing.in_turn or needs_care(engine)


def batch_of(
    engine: Engine,
    question: Question,
    consumers: NDArray[np.int32],
    numbers: NDArray[np.float64],
    spare: int,
) -> Batch:
    """Give the batch that places one server as its engine needs it; see ``Batch``."""
    kind = CarefulBatch if needs_care(engine) else Batch
    return kind(engine, question, consumers, numbers, spare)


class CarefulBatch(Batch):
    """A batch of one server. See ``Batch`` for parameters.

    Notes
    -----
    As ``_get_sorted_hosts`` and ``_schedule`` in Nova's ``scheduler/manager.py``.
    """

    def run(self) -> bool:
        """Place the server; say whether it has a host.

        Raises
        ------
        UnknownMetric, NotReported
            A host that passes does not report what a weigher needs.
        """
        order = self._order()
        if not order:
            return False
        among = min(len(order), self.question.subset)
        chosen = order[int(self._draws[0, 1] * among)]
        self._ranked = {
            host: self._ranked[host]
            for host in (chosen, *(each for each in order if each != chosen))
        }
        return self._claim(chosen)

    def weight(self, n: int) -> float:
        """Give the weight of the host of the server."""
        return self._ranked[int(self.orders.host[n])]

    def first_candidate(self, host: int) -> tuple[int, list[int]] | None:
        """Give plan and provider rows of the candidate that a claim would take.

        None where that is the first one, whatever it maps.
        """
        found = self.engine.changing.candidates(0, host)
        if not found:
            return None
        turn, providers = found[0]
        return int(self.engine.kept.plan[0, turn]), providers

    def _order(self) -> list[int]:
        """Rank hosts as far as their order matters; equals may be shuffled."""
        width = max(_WIDTH, self.question.subset + self.spare)
        while True:
            self._ranked = self._peek(width)
            self._check_reported()
            hosts = np.array(list(self._ranked), np.int32)
            weights = np.array(list(self._ranked.values()), np.float64)
            order: list[int] = self._shuffled(hosts, weights).tolist()
            if len(hosts) < width or self._suffices(order, weights):
                return order
            width *= _FACTOR

    def _shuffled(
        self, hosts: NDArray[np.int32], weights: NDArray[np.float64]
    ) -> NDArray[np.int32]:
        """Put the hosts of the best weight into an order drawn for this decision."""
        if not self._shuffles or not len(hosts):
            return hosts
        equal = int((weights == weights[0]).sum())
        seed = int(self._draws[0, 0] * 2**53)
        order = np.argsort(draws(seed, 0, equal)[:, 0], kind="stable")
        return np.concatenate([hosts[:equal][order], hosts[equal:]])

    def _suffices(self, order: list[int], weights: NDArray[np.float64]) -> bool:
        """Say whether all equals are known, and alternates in each cell chosen from."""
        if self._shuffles and weights[0] == weights[-1]:
            return False
        cells = self.engine.state.hosts.table["cell"][order]
        among = cells[: self.question.subset]
        return all(int((cells == cell).sum()) > self.spare for cell in set(among))

    @property
    def _shuffles(self) -> bool:
        return self.engine.options.filter_scheduler.shuffle_best_same_weighed_hosts

    def _check_reported(self) -> None:
        """Raise what the first host raises that is weighed and cannot be."""
        unreported = self.engine.weights.unreported
        if not unreported:
            return
        open_hosts = _open_hosts(self.engine, self.question)
        # One host alone is not weighed.
        if open_hosts.sum() < 2:
            return
        for row in sorted(unreported):
            if open_hosts[row]:
                raise unreported[row]

    def _claim(self, host: int) -> bool:
        candidate = self.first_candidate(host)
        if candidate is not None:
            return self._claim_candidate(host, *candidate)
        ranked = self._ranked
        only = Listing(ONLY, np.array([host], np.int32))
        asked, self.question = self.question, replace(self.question, listing=only)
        orders = self._orders(self._consumers, 1)
        self.question = asked
        placed = self._ask(orders)
        self.orders = orders
        self._ranked = ranked
        return placed == 1

    def _claim_candidate(self, host: int, plan: int, providers: list[int]) -> bool:
        """Claim one candidate of a host, and count the server there."""
        engine, consumer = self.engine, int(self._consumers[0])
        state, slots = engine.state, engine.slots(plan)
        amounts: dict[int, int] = {}
        for asked, provider in zip(slots.asked, providers, strict=False):
            for name, amount in asked:
                number = state.resource_classes.find(name)
                row = state.inventory_row(provider, number)
                amounts[row] = amounts.get(row, 0) + amount
        rows = sorted(amounts)
        refused = claims.claim_rows(
            state,
            consumer,
            np.array(rows, np.int32),
            np.array([amounts[row] for row in rows], np.int64),
        )
        if refused is not None:
            return False
        flavor = engine.shapes[0].spec.flavor
        takes = (flavor.vcpus, flavor.memory_mb, flavor.disk_mb)
        join_host(state, consumer, host, takes, self.question.group)
        orders = self.orders
        orders.host[0], orders.plan[0] = host, plan
        orders.provider[0, : len(slots.asked)] = providers[: len(slots.asked)]
        return True


def _open_hosts(engine: Engine, question: Question) -> NDArray[np.bool_]:
    """Mark the hosts that pass and that neither list nor server group closes."""
    found = engine.passing(0)
    listing = question.listing
    listed = np.zeros(len(found), np.bool_)
    listed[listing.rows] = True
    if listing.kind == ONLY:
        found &= listed
    elif listing.kind == EXCEPT:
        found &= ~listed
    members = _members(engine.state, question.group, len(found))
    if question.policy == _AFFINITY and members.any():
        found &= members > 0
    elif question.policy == _ANTI_AFFINITY:
        found &= members < question.most
    return found


def _members(state: State, group: int, hosts: int) -> NDArray[np.int64]:
    """Count the members of a server group on each host."""
    table = state.tables.consumer
    there = (table["group"] == group) & (table["host"] >= 0)
    if group < 0:
        there[:] = False
    return np.bincount(table["host"][there], minlength=hosts)
