"""Place many requests one after the other: the batch form of host selection."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans, compile_requests
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.cloud import claims
from kilonova.cloud.cloud import BaseCloud
from kilonova.errors import BadInput, SearchTooLong
from kilonova.hosts.devices import (
    Demand,
    DeviceClasses,
    Typical,
    device_columns,
    refresh_devices,
)
from kilonova.hosts.policies import Weigher
from kilonova.request.group import Request

if TYPE_CHECKING:
    from kilonova_kernels.columns import SearchColumns
    from kilonova_kernels.device_columns import DeviceColumns, MarkColumns


class Placed(NamedTuple):
    """What became of a run of requests.

    Attributes
    ----------
    tree
        Number of the tree that took each request, -1 for none, (N,) int32.
    unusable
        After each request, idle device units over all hosts that a typical request
        cannot use, times the number of requests counted as typical, (N,) int64.
    """

    tree: NDArray[np.int32]
    unusable: NDArray[np.int64]


class Placer:
    """Places requests over a cloud, by one weigher, each seeing the claims before it.

    Hosts that fit are marked and weighed once per distinct request, and again only
    where the cloud changed since, by whomever. Of equally good hosts that of lowest
    rank is taken.

    Parameters
    ----------
    cloud
        What is claimed from.
    requests
        The distinct requests; ``place`` names them by their place here.
    weigher
        Which hosts are better.
    typical
        What FGD expects to come.
    demands
        What weighers see of each request; read from the requests when left out.
    classes
        Classes of CPU and devices.

    Raises
    ------
    BadInput
        There is not one demand for each request, or a request has none that weighers
        could see.
    """

    plans: Plans
    search: "SearchColumns"
    devices: "DeviceColumns"
    marks: "MarkColumns"

    def __init__(
        self,
        cloud: BaseCloud,
        requests: Sequence[Request],
        weigher: Weigher,
        *,
        typical: Typical | None = None,
        demands: Sequence[Demand] | None = None,
        classes: DeviceClasses | None = None,
    ) -> None:
        self.state = cloud.state
        self.classes = classes or DeviceClasses()
        self.requests = tuple(requests)
        self.demands = tuple(
            [Demand.of(request, self.classes) for request in requests]
            if demands is None
            else demands
        )
        if len(self.demands) != len(self.requests):
            raise BadInput(
                f"There must be one demand for each of {len(self.requests)} requests, "
                f"got {len(self.demands)}."
            )
        self.typical = typical or Typical()
        self.weigher = weigher
        self._ranks: dict[str, int] = {}
        self._limits = self.state.limits
        with self.state.lock:
            self._compile()

    def set_rank(self, rank: NDArray[np.int64]) -> None:
        """Say which of equally good trees is taken: (T,) int64, lowest first.

        Trees that are added later come after these.
        """
        self.marks.rank[:] = rank
        roots = self.state.index().roots.tolist()
        names = [self.state.provider_identity(root) for root in roots]
        self._ranks = dict(zip(names, rank.tolist(), strict=True))

    def place(
        self,
        requests: NDArray[np.int32],
        consumers: NDArray[np.int32],
        draws: NDArray[np.float64] | None = None,
    ) -> Placed:
        """Place requests in their order.

        Parameters
        ----------
        requests
            Number of each request, (N,) int32.
        consumers
            Consumer row of each, (N,) int32, from ``add_consumers``. One whose request
            found a host holds that and nothing else afterwards; other ones are left as
            they were.
        draws
            Numbers in [0, 1), (N, 2), for a weigher that draws.

        Raises
        ------
        BadInput
            A number is not that of a request, a consumer or a draw.
        SearchTooLong
            A search for a host was given up; requests before that are placed.
        """
        from kilonova_kernels.device_columns import BatchColumns
        from kilonova_kernels.place import place_all

        count = len(requests)
        batch = BatchColumns(
            plan=_rows("request", requests, count, len(self.requests)),
            consumer=_rows("consumer", consumers, count, self._consumer_count()),
            draw=np.zeros((count, 2)) if draws is None else _draws(draws, count),
            tree=np.full(count, -1, np.int32),
            unusable=np.zeros(count, np.int64),
        )
        with self.state.lock:
            self._catch_up()
            rows = len(self.search.claim_inventory)
            cloud = self.state.columns(spare_allocations=count * rows)
            columns = self.plans.columns
            place_all(cloud, columns, self.search, self.devices, self.marks, batch)
            self.state.tables.allocation.count = int(self.state.counters[1])
            self._writes = int(self.state.counters[0])
            self._check_search()
        return Placed(batch.tree, batch.unusable)

    def _check_search(self) -> None:
        """Raise if the search was given up; the next call begins with another one."""
        try:
            check_not_given_up(self.state, self.search)
        except SearchTooLong:
            self.search = self.plans.search(self.state.largest_pool())
            self.marks.stamp[:] = -1
            raise

    def _consumer_count(self) -> int:
        return self.state.tables.consumer.count

    def _catch_up(self) -> None:
        """Take note of what others wrote since the last decision."""
        state, plans = self.state, self.plans
        if (plans.structure, plans.facts) != (state.structure, state.facts):
            self._compile()
        elif self._writes != int(state.counters[0]):
            if refresh_devices(state, self.devices, self._writes, self._limits):
                self.marks.stamp[:] = -1
            self._limits = state.limits

    def _compile(self) -> None:
        """Make all columns anew: rows of the cloud moved, or traits were changed."""
        from kilonova_kernels.device_columns import MarkColumns

        state = self.state
        self.plans = compile_requests(state, self.requests)
        self.search = self.plans.search(state.largest_pool())
        self.devices = device_columns(state, self.demands, self.typical, self.classes)
        roots = state.index().roots.tolist()
        shape = (len(self.requests), len(roots))
        self.marks = MarkColumns(
            weight=np.full(shape, -np.inf),
            preferred=np.full(shape, -1, np.int32),
            stamp=np.full(len(self.requests), -1, np.int64),
            rank=np.arange(len(roots), dtype=np.int64),
            policy=np.array([self.weigher.number], np.int64),
        )
        if self._ranks:
            last = max(self._ranks.values()) + 1
            names = [state.provider_identity(root) for root in roots]
            ranks = [self._ranks.get(name, last + i) for i, name in enumerate(names)]
            self.marks.rank[:] = ranks
        self._writes, self._limits = int(state.counters[0]), state.limits


def _rows(
    what: str, given: NDArray[np.int32], count: int, known: int
) -> NDArray[np.int32]:
    """Check row numbers, which a kernel takes on trust."""
    rows = np.ascontiguousarray(given, np.int32)
    if rows.shape != (count,):
        raise BadInput(f"There must be {count} {what} numbers, got {rows.shape}.")
    wrong = np.flatnonzero((rows < 0) | (rows >= known))
    if len(wrong):
        raise BadInput(
            f"A {what} number must be in 0..{known - 1}, got {rows[wrong[0]]}."
        )
    return rows


def _draws(given: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    draws = np.ascontiguousarray(given, np.float64)
    if draws.shape != (count, 2) or not ((draws >= 0) & (draws < 1)).all():
        raise BadInput(f"Draws must be {count} pairs of numbers in [0, 1).")
    return draws


def add_consumers(cloud: BaseCloud, uuids: Sequence[str]) -> NDArray[np.int32]:
    """Make consumers without allocations; give their rows, (N,) int32."""
    with cloud.state.lock:
        first = claims.add_consumers(cloud.state, list(uuids))
    return np.arange(first, first + len(uuids), dtype=np.int32)
