"""Candidates as an Arrow table."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.enumeration import Enumeration
from kilonova.candidates.layout import slot_amounts
from kilonova.cloud.identities import provider_identities

if TYPE_CHECKING:
    import pyarrow as pa


def to_table(found: Enumeration) -> "pa.Table":
    """Give the candidates found, a row for each amount of each group of each.

    A group without resources has one row, with neither class nor amount.
    """
    import pyarrow as pa

    suffixes, slots, classes, amounts = _parts(found)
    count, width = found.found, len(slots)
    roots = found.state.index().roots[found.tree]
    columns = {
        "candidate": np.repeat(np.arange(count), width),
        "root": _providers(found, np.repeat(roots, width)),
        "suffix": _repeated(suffixes, count),
        "provider": _providers(found, found.provider[:, slots].ravel()),
        "resource_class": _repeated(classes, count),
        "amount": pa.array(amounts * count, pa.int64()),
    }
    return pa.table(columns)


def _parts(
    found: Enumeration,
) -> tuple[list[str], list[int], list[str | None], list[int | None]]:
    """Give suffix, slot, class and amount of each row that a candidate has."""
    if found.plans is None:
        return [], [], [], []
    request = found.plans.requests[0]
    parts = [
        (request.groups[found.plans.slots[0][s]].suffix, s, name, amount)
        for s, held in enumerate(slot_amounts(request))
        for name, amount in (held.items() or [(None, None)])
    ]
    suffixes, slots, classes, amounts = zip(*parts, strict=True)
    return list(suffixes), list(slots), list(classes), list(amounts)


def _providers(found: Enumeration, rows: NDArray[np.int32]) -> Any:
    """Give the identities of providers, each stored once."""
    import pyarrow as pa

    distinct, numbers = np.unique(rows, return_inverse=True)
    names = pa.array(provider_identities(found.state, distinct), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), names)


def _repeated(values: list[Any], times: int) -> Any:
    """Give a list of names again and again, each stored once."""
    import pyarrow as pa

    distinct = sorted({value for value in values if value is not None})
    numbers = pa.array(
        [None if value is None else distinct.index(value) for value in values] * times,
        pa.int32(),
    )
    return pa.DictionaryArray.from_arrays(numbers, pa.array(distinct, pa.string()))
