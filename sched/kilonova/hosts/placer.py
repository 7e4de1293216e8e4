"""Place many requests one after the other: the batch form of host selection."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import compile_requests
from kilonova.cloud import claims
from kilonova.cloud.cloud import BaseCloud
from kilonova.hosts.devices import Demand, DeviceClasses, Typical, device_columns
from kilonova.hosts.weighers import Weigher
from kilonova.request.group import Request


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
    where the cloud changed since. Of equally good hosts that of lowest rank is taken.

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
    """

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
        from kilonova_kernels.device_columns import MarkColumns

        state = cloud.state
        classes = classes or DeviceClasses()
        demands = demands or [Demand.of(request, classes) for request in requests]
        self.state = state
        self.plans = compile_requests(state, requests)
        self.search = self.plans.search(cloud.state.largest_pool())
        self.devices = device_columns(state, demands, typical or Typical(), classes)
        trees = len(state.index().roots)
        shape = (len(requests), trees)
        self.marks = MarkColumns(
            weight=np.full(shape, -np.inf),
            preferred=np.full(shape, -1, np.int32),
            stamp=np.full(len(requests), -1, np.int64),
            rank=np.arange(trees, dtype=np.int64),
            policy=np.array([weigher.number], np.int64),
        )

    def set_rank(self, rank: NDArray[np.int64]) -> None:
        """Say which of equally good trees is taken: (T,) int64, lowest first."""
        self.marks.rank[:] = rank

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
            Consumer row of each, (N,) int32, from ``claims.add_consumers``; one whose
            request found no host holds nothing afterwards.
        draws
            Numbers in [0, 1), (N, 2), for a weigher that draws.
        """
        from kilonova_kernels.device_columns import BatchColumns
        from kilonova_kernels.place import place_all

        count = len(requests)
        batch = BatchColumns(
            plan=requests,
            consumer=consumers,
            draw=np.zeros((count, 2)) if draws is None else draws,
            tree=np.full(count, -1, np.int32),
            unusable=np.zeros(count, np.int64),
        )
        with self.state.lock:
            rows = len(self.search.claim_inventory)
            cloud = self.state.columns(spare_allocations=count * rows)
            columns = self.plans.columns
            place_all(cloud, columns, self.search, self.devices, self.marks, batch)
            self.state.tables.allocation.count = int(self.state.counters[1])
        return Placed(batch.tree, batch.unusable)


def add_consumers(cloud: BaseCloud, uuids: Sequence[str]) -> NDArray[np.int32]:
    """Make consumers without allocations; give their rows, (N,) int32."""
    with cloud.state.lock:
        first = claims.add_consumers(cloud.state, list(uuids))
    return np.arange(first, first + len(uuids), dtype=np.int32)
