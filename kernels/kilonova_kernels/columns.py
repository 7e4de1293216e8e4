"""Types of the arrays that kernels share, and the columns that travel together."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
UInt32 = NDArray[np.uint32]
UInt16 = NDArray[np.uint16]
UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


class StateColumns(NamedTuple):
    """What claims read and write: inventories, consumers and their allocations.

    I inventories, F offers, P providers, A allocations, J journal entries. The dtypes,
    units and meanings are those of ``kilonova.cloud.schema``; the last two fields are
    the journal, which the schema does not know because no file holds it.
    """

    inventory_provider: Int32
    inventory_offer: Int32
    inventory_used: Int64
    inventory_position: Int32
    largest: Int32
    offer_min_unit: Int32
    offer_max_unit: Int32
    offer_step_size: Int32
    offer_capacity: Int64
    provider_root: Int32
    provider_generation: Int32
    provider_changed: Int64
    consumer_first: Int32
    consumer_generation: Int32
    allocation_consumer: Int32
    allocation_inventory: Int32
    allocation_amount: Int32
    allocation_next: Int32
    journal: Int32
    counters: Int64


class Counter:
    """Positions in ``StateColumns.counters``, (4,) int64."""

    WRITES = 0
    ALLOCATIONS = 1
    FREE = 2
    LIVE = 3
