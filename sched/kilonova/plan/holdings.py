"""What many consumers hold, read from the columns at once, and said in names."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State
from kilonova.plan.plan import Amounts


class Holdings(NamedTuple):
    """Allocations of N consumers, by consumer and then by inventory.

    Attributes
    ----------
    number
        Which of the consumers holds it, 0 to N - 1, ascending, (A,) int64.
    inventory
        Row of the inventory, (A,) int32.
    amount
        How much, (A,) int64.
    """

    number: NDArray[np.int64]
    inventory: NDArray[np.int32]
    amount: NDArray[np.int64]


def holdings_of(state: State, rows: NDArray[np.int32]) -> Holdings:
    """Give what many consumers hold.

    Parameters
    ----------
    state
        The cloud.
    rows
        Row of each consumer, (N,) int32; -1 holds nothing.
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
    return Holdings(of[sort], table["inventory"][live], table["amount"][live])


def in_names(state: State, holdings: Sequence[Holdings]) -> list[dict[int, Amounts]]:
    """Give amounts by class, by provider, of each consumer that holds something.

    Parameters
    ----------
    state
        The cloud that they are of, or a copy of it.
    holdings
        Of several lots of consumers; what is named twice is put into names once.

    Returns
    -------
    list
        For each lot: by the consumer's number.
    """
    table = state.tables.inventory
    used = np.unique(np.concatenate([each.inventory for each in holdings]))
    owner, place = np.unique(table["provider"][used], return_inverse=True)
    identities = [state.provider_identity(row) for row in owner.tolist()]
    provider = [identities[i] for i in place.tolist()]
    name = [state.resource_classes[i] for i in table["resource_class"][used].tolist()]
    found = []
    for lot in holdings:
        amounts: dict[int, Amounts] = {}
        at = np.searchsorted(used, lot.inventory)
        columns = (lot.number.tolist(), at.tolist(), lot.amount.tolist())
        for n, i, amount in zip(*columns, strict=True):
            mine = amounts.get(n)
            if mine is None:
                mine = amounts[n] = {}
            of_provider = mine.get(provider[i])
            if of_provider is None:
                of_provider = mine[provider[i]] = {}
            of_provider[name[i]] = amount
        found.append(amounts)
    return found
