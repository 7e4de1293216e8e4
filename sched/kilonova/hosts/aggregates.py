"""Metadata of the aggregates of a host, as filters and weighers read it."""

import math
from collections.abc import Callable, Sequence

from kilonova.cloud.host import HostAggregate


def values(aggregates: Sequence[HostAggregate], key: str) -> set[str]:
    """Give the whole values that one key has."""
    return {each.metadata[key] for each in aggregates if key in each.metadata}


def split_values(aggregates: Sequence[HostAggregate]) -> dict[str, set[str]]:
    """Give the values of all keys, split at commas and stripped."""
    found: dict[str, set[str]] = {}
    for aggregate in aggregates:
        for key, value in aggregate.metadata.items():
            parts = (part.strip() for part in value.split(","))
            found.setdefault(key, set()).update(parts)
    return found


def smallest(
    aggregates: Sequence[HostAggregate],
    key: str,
    otherwise: float,
    number: Callable[[str], float],
) -> float:
    """Give the least number that aggregates set, or what holds otherwise.

    Parameters
    ----------
    aggregates
        Those of one host.
    key
        Key of their metadata.
    otherwise
        The option: where no aggregate has the key, or one of its values is no number.
    number
        ``int`` or ``finite``.

    Notes
    -----
    Same as ``validate_num_values`` in Nova's ``scheduler/filters/utils.py`` with what
    its callers do on ``ValueError``.
    """
    found = values(aggregates, key)
    if not found:
        return otherwise
    try:
        return min([number(value) for value in found])
    except ValueError:
        return otherwise


def finite(text: str) -> float:
    """Read a number as ``float`` does.

    Raises
    ------
    ValueError
        It is none, or not finite: Nova takes that, and can then compare no weights.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not finite.")
    return number
