"""Offers: the limits of an inventory, dictionary-encoded.

Ten thousand hosts have a handful of kinds, so an inventory carries the number of its
offer, and what is derived from the limits is derived once for each distinct one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from kilonova.cloud.tables import Table
from kilonova.errors import BadInput

MAX_INT = 2**31 - 1


class Inventory(NamedTuple):
    """What a provider offers of one class: Placement's inventory without usage.

    Attributes
    ----------
    total, reserved, min_unit, max_unit, step_size
        In the unit of the class; ``total``, ``min_unit``, ``max_unit`` and
        ``step_size`` at least 1, ``reserved`` 0 to ``total``, all at most 2147483647.
    allocation_ratio
        Overcommit, finite and at least 0.
    """

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = MAX_INT
    step_size: int = 1
    allocation_ratio: float = 1.0

    @property
    def capacity(self) -> int:
        """Units that allocations may use together, at most 2^62."""
        return int(min((self.total - self.reserved) * self.allocation_ratio, 2.0**62))

    @classmethod
    def of(cls, where: str, fields: "Inventory | Mapping[str, Any]") -> "Inventory":
        """Make a checked inventory of the fields that Placement's REST body has.

        Raises
        ------
        BadInput
            As ``shaped``, or ``reserved`` is more than ``total``.
        """
        return cls.shaped(where, fields).checked(where)

    @classmethod
    def shaped(cls, where: str, fields: "Inventory | Mapping[str, Any]") -> "Inventory":
        """Make an inventory whose fields are right one by one, as a JSON schema does.

        Raises
        ------
        BadInput
            A field is unknown, missing, of a wrong type or out of range; the message
            starts with ``where``.
        """
        if isinstance(fields, Inventory):
            fields = fields._asdict()
        if not isinstance(fields, Mapping):
            raise BadInput(f"{where}: must be an object, got {fields!r:.80}.")
        known = set(cls._fields) | {"resource_provider_generation"}
        if unknown := sorted(set(fields) - known, key=repr):
            raise BadInput(
                f"{where}: unknown field {unknown[0]!r}, known: {cls._fields}."
            )
        if "total" not in fields:
            raise BadInput(f"{where}: total is missing.")
        values = {
            name: _whole(where, name, fields[name])
            for name in cls._fields[:5]
            if name in fields
        }
        ratio = fields.get("allocation_ratio", 1.0)
        if isinstance(ratio, bool) or not isinstance(
            ratio, int | float | np.integer | np.floating
        ):
            raise BadInput(
                f"{where}: allocation_ratio must be a number, got {ratio!r:.80}."
            )
        if not 0 <= ratio <= 3.40282e38:
            raise BadInput(
                f"{where}: allocation_ratio must be in 0..3.40282e+38, "
                f"got {ratio!r:.80}."
            )
        return cls(**values, allocation_ratio=float(ratio))

    def checked(self, where: str) -> "Inventory":
        """Give it back; raises BadInput if more is reserved than there is."""
        if self.reserved > self.total:
            raise BadInput(
                f"{where}: reserved must be at most total {self.total}, "
                f"got {self.reserved}."
            )
        return self


def _whole(where: str, name: str, value: object) -> int:
    low = 0 if name == "reserved" else 1
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise BadInput(f"{where}: {name} must be a whole number, got {value!r:.80}.")
    if not low <= value <= MAX_INT:
        raise BadInput(f"{where}: {name} must be in {low}..{MAX_INT}, got {value}.")
    return int(value)


class OfferDictionary:
    """Numbers of distinct offers, over the offer table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        columns = (table[name].tolist() for name in Inventory._fields)
        self._offers = list(map(Inventory._make, zip(*columns, strict=True)))
        self._numbers = {offer: row for row, offer in enumerate(self._offers)}

    def __getitem__(self, number: int) -> Inventory:
        return self._offers[number]

    def number(self, inventory: Inventory) -> int:
        """Give the number of an offer, which is entered if it is new."""
        number = self._numbers.get(inventory)
        if number is None:
            number = self._numbers[inventory] = self._table.append()
            self._offers.append(inventory)
            for name, value in inventory._asdict().items():
                self._table[name][number] = value
            self._table["capacity"][number] = inventory.capacity
        return number
