"""Orders of one server that names no hosts, kept from one call for the next."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kilonova_kernels.host_columns import OrderColumns


class SingleOrders:
    """What a kernel reads and writes for one server; to make it takes longer than it.

    Parameters
    ----------
    slots
        Slots of the largest plan.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._kept: dict[int, OrderColumns] = {}

    def take(self, width: int) -> "OrderColumns":
        """Give orders that nobody else has, with room for ``width`` best hosts.

        Consumer, group, policy, most, draw and subset are to be set.
        """
        known = self._kept.pop(width, None)
        if known is None:
            return empty_orders(1, width, self._slots)
        known.host[0] = -1
        return known

    def keep(self, orders: "OrderColumns") -> None:
        """Take orders back whose outputs have been read."""
        if len(orders.shape) == 1 and not len(orders.listed_host):
            self._kept[orders.best.shape[1]] = orders


def empty_orders(count: int, width: int, slots: int) -> "OrderColumns":
    """Make orders of some servers of shape 0, all of one call, which list no hosts."""
    from kilonova_kernels.host_columns import OrderColumns

    return OrderColumns(
        shape=np.zeros(count, np.int32),
        consumer=np.full(count, -1, np.int32),
        call=np.zeros(count, np.int64),
        group=np.full(count, -1, np.int32),
        policy=np.zeros(count, np.int32),
        most=np.ones(count, np.int32),
        listed_start=np.zeros(count + 1, np.int64),
        listed_host=np.zeros(0, np.int32),
        listed=np.zeros(count, np.int32),
        draw=np.zeros((count, 2)),
        subset=np.ones(1, np.int64),
        host=np.full(count, -1, np.int32),
        best=np.full((count, width), -1, np.int32),
        weight=np.zeros((count, width)),
        plan=np.full(count, -1, np.int32),
        provider=np.full((count, slots), -1, np.int32),
    )
