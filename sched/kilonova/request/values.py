"""The values of query parameters: one function for each form.

Each takes the name of the parameter, only to say in an error where it stands.
"""

import re
from typing import NamedTuple

from kilonova.errors import BadRequest

AMOUNT_MAX = 2**31 - 1
"""Largest amount: the largest whole number in a column of Placement's database."""

_UUID_DIGITS = re.compile("[0-9a-f]{32}")
# Python reads at most 4300 digits; Placement fails on more (500).
_LIMIT = re.compile("[1-9][0-9]{0,4299}")


class Clauses(NamedTuple):
    """What a parameter demands of a set: clauses that must hold, and what may not be.

    Attributes
    ----------
    required
        Sets of which one member must be there.
    forbidden
        Members that may not be there.
    """

    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()

    def __or__(self, other: "Clauses") -> "Clauses":
        """Demand both."""
        return Clauses(self.required + other.required, self.forbidden | other.forbidden)


def parse_resources(name: str, value: str) -> dict[str, int]:
    """Read ``VCPU:2,MEMORY_MB:1024``; of a class named twice the last amount counts.

    A class is taken as it stands, spaces included: whether there is such a class is
    for the cloud to say, and only if the group is reached.

    Raises
    ------
    BadRequest
        If the form is another one, or an amount is not in 1..2147483647.
    """
    resources: dict[str, int] = {}
    for item in value.split(","):
        resource_class_name, colon, amount = item.partition(":")
        if not colon or ":" in amount:
            raise BadRequest(
                f"{name} must be like 'VCPU:2,MEMORY_MB:1024', got {value!r}."
            )
        where = f"{name}: {resource_class_name}"
        resources[resource_class_name] = parse_amount(where, amount)
    return resources


def parse_amount(where: str, text: str) -> int:
    """Read an amount as Python reads a whole number, and check its range.

    Raises
    ------
    BadRequest
        If it is not a whole number in 1..2147483647. Placement fails on larger ones
        (500), or answers that nothing fits, depending on its database.
    """
    try:
        amount = int(text)
    except ValueError:
        raise BadRequest(f"{where} must be a whole number, got {text!r}.") from None
    check_amount(where, amount)
    return amount


def check_amount(where: str, amount: int) -> None:
    """Refuse an amount that is not a whole number in 1..2147483647."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise BadRequest(f"{where} must be a whole number, got {amount!r}.")
    if amount < 1:
        raise BadRequest(f"{where} must be at least 1, got {amount}.")
    if amount > AMOUNT_MAX:
        raise BadRequest(f"{where} must be at most {AMOUNT_MAX}, got {amount}.")


def parse_traits(name: str, value: str) -> Clauses:
    """Read ``A,!B`` (A and not B) or ``in:A,B`` (A or B).

    Any number of ``!`` counts as one, as in Placement. Names are taken as they stand
    but for spaces around them.

    Raises
    ------
    BadRequest
        If a name is empty, or forbidden within ``in:``.
    """
    any_of = value.startswith("in:")
    names = [item.strip() for item in value.removeprefix("in:").split(",")]
    bare = [item.lstrip("!") for item in names]
    if not all(bare):
        raise BadRequest(f"{name} must name a trait between commas, got {value!r}.")
    forbidden = frozenset(
        trait for trait, item in zip(bare, names, strict=True) if item[0] == "!"
    )
    if not any_of:
        required = [frozenset([item]) for item in names if item[0] != "!"]
        return Clauses(tuple(required), forbidden)
    if forbidden:
        raise BadRequest(f"{name} cannot forbid a trait after 'in:', got {value!r}.")
    return Clauses((frozenset(names),))


def parse_member_of(name: str, value: str) -> Clauses:
    """Read an aggregate, ``in:`` several of them, or ``!`` or ``!in:`` to forbid.

    Raises
    ------
    BadRequest
        If one of them is not a UUID, or there are several without ``in:``.
    """
    forbidden = value.startswith("!")
    rest = value[1:] if forbidden else value
    several = rest.startswith("in:")
    if "," in rest and not several:
        raise BadRequest(
            f"{name} must have 'in:' or '!in:' before several UUIDs, got {value!r}."
        )
    aggregates = frozenset(rest.removeprefix("in:").split(","))
    for aggregate in sorted(aggregates):
        if not is_uuid(aggregate):
            raise BadRequest(f"{name} must name aggregates by UUID, got {aggregate!r}.")
    return Clauses((), aggregates) if forbidden else Clauses((aggregates,))


def parse_in_tree(name: str, value: str) -> str:
    """Read the UUID of a provider, spaces around it allowed."""
    provider_uuid = value.strip()
    if not is_uuid(provider_uuid):
        raise BadRequest(f"{name} must be the UUID of a provider, got {value!r}.")
    return provider_uuid


def parse_same_subtree(value: str) -> frozenset[str]:
    """Read suffixes between commas.

    Raises
    ------
    BadRequest
        If one is empty: the group without a suffix may have several providers.
    """
    suffixes = frozenset(item.strip() for item in value.split(","))
    if "" in suffixes:
        raise BadRequest(
            f"same_subtree must name a suffix between commas, got {value!r}.",
            code="placement.query.bad_value",
        )
    return suffixes


def parse_limit(text: str) -> int:
    """Read a limit.

    Raises
    ------
    BadRequest
        If it is not a whole number from 1, written without sign or leading zeros.
    """
    if not _LIMIT.fullmatch(text):
        raise BadRequest(f"limit must be a whole number from 1, got {text!r}.")
    return int(text)


def is_uuid(text: str) -> bool:
    """Tell whether Placement takes a text for a UUID, with or without its hyphens.

    Notes
    -----
    Same answers as ``is_uuid_like`` in oslo.utils.
    """
    for decoration in ("urn:", "uuid:"):
        text = text.replace(decoration, "")
    digits = text.strip("{}").replace("-", "").lower()
    return _UUID_DIGITS.fullmatch(digits) is not None
