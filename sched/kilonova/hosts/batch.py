"""Servers to place in one go: the orders of the kernel, and what came of them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.hosts.engine import Engine
from kilonova.hosts.listing import Listing
from kilonova.hosts.single_orders import empty_orders

if TYPE_CHECKING:
    from kilonova_kernels.host_columns import OrderColumns

# First number of hosts that is ranked where alternates must be of one cell.
_MANY = 64
_NOBODY = np.full(1, -1, np.int32)


@dataclass(frozen=True, slots=True)
class Question:
    """What all servers of a call ask beside their shape.

    Attributes
    ----------
    listing
        Hosts that they name.
    group, policy, most
        Number of their server group, -1 for none; number of its policy; members that
        one host may have.
    subset
        Of so many best hosts one is drawn.
    """

    listing: Listing = field(default_factory=Listing)
    group: int = -1
    policy: int = 0
    most: int = 1
    subset: int = 1


class Batch:
    """Servers of one call, each asking for the first shape of an engine.

    Parameters
    ----------
    engine
        What is kept of hosts.
    question
        What they ask.
    consumers
        Row of the consumer of each server, (N,) int32.
    draws
        Numbers by which hosts are drawn, (N, 2).
    spare
        Alternates that each server should have.
    """

    def __init__(
        self,
        engine: Engine,
        question: Question,
        consumers: NDArray[np.int32],
        draws: NDArray[np.float64],
        spare: int,
    ) -> None:
        self.engine = engine
        self.question = question
        self.spare = spare
        self._draws = draws
        self._consumers = consumers
        self._ranked: dict[int, float] = {}
        self.orders: OrderColumns = self._orders(consumers, question.subset + spare)

    def run(self) -> bool:
        """Place the servers, all or none; say whether they have hosts."""
        if len(self._consumers) == 1 and self._cell_count() > 1:
            self._rank_widely()
        placed = self._ask(self.orders)
        if placed and len(self._consumers) == 1 and not self._ranked:
            self._ranked = _ranking(self.orders)
        return placed == len(self._consumers)

    def close(self) -> None:
        """Let others have the orders: what came of them was read."""
        self.engine.orders.keep(self.orders)

    def weight(self, n: int) -> float:
        """Give the weight of the host of one server."""
        place = self.orders.best[n].tolist().index(int(self.orders.host[n]))
        return float(self.orders.weight[n, place])

    def alternates(self, cell: int) -> dict[int, float]:
        """Give further hosts of one cell, best first, with their weights.

        For one server they are the next ones of its own ranking; for several all hosts
        are ranked once more after the claims, as Nova does.
        """
        cells = self.engine.state.hosts.table["cell"]
        taken = set(self.orders.host.tolist())
        width = len(taken) + self.spare
        while True:
            ranked = self._ranked or self._peek(width)
            found = {
                host: weight
                for host, weight in ranked.items()
                if host not in taken and cells[host] == cell
            }
            if self._ranked or len(found) >= self.spare or len(ranked) < width:
                return dict(list(found.items())[: self.spare])
            width *= 4

    def _cell_count(self) -> int:
        return len(self.engine.state.hosts.cells)

    def _rank_widely(self) -> None:
        """Rank so many hosts that the chosen one's cell has enough of them."""
        cells = self.engine.state.hosts.table["cell"]
        width = max(_MANY, self.question.subset + self.spare)
        while True:
            self._ranked = self._peek(width)
            listed = list(self._ranked)
            among = min(len(listed), self.question.subset)
            if not among:
                return
            chosen = listed[int(self._draws[0, 1] * among)]
            near = sum(int(cells[host] == cells[chosen]) for host in listed)
            if near > self.spare or len(listed) < width:
                return
            width *= 4

    def _peek(self, width: int) -> dict[int, float]:
        """Rank hosts for one more server, and claim nothing."""
        orders = self._orders(_NOBODY, width)
        self._ask(orders)
        ranked = _ranking(orders)
        self.engine.orders.keep(orders)
        return ranked

    def _ask(self, orders: "OrderColumns") -> int:
        count = len(orders.shape)
        return self.engine.run(orders, count + len(orders.listed_host))

    def _orders(self, consumers: NDArray[np.int32], width: int) -> "OrderColumns":
        asked, count = self.question, len(consumers)
        listed = asked.listing.rows
        if count == 1 and not len(listed):
            orders = self.engine.orders.take(width)
        else:
            slots = len(self.engine.search.option_count)
            orders = empty_orders(count, width, slots)._replace(
                listed_start=np.arange(count + 1, dtype=np.int64) * len(listed),
                listed_host=np.tile(listed, count),
            )
        orders.consumer[:] = consumers
        orders.group[:] = asked.group
        orders.policy[:] = asked.policy
        orders.most[:] = asked.most
        orders.listed[:] = asked.listing.kind
        orders.draw[:] = self._draws[:count]
        orders.subset[0] = asked.subset
        return orders


def _ranking(orders: "OrderColumns") -> dict[int, float]:
    """Give the best hosts of the first server with their weights, best first."""
    pairs = zip(orders.best[0].tolist(), orders.weight[0].tolist(), strict=True)
    return {host: weight for host, weight in pairs if host >= 0}
