"""Claims by name: a consumer takes amounts of classes from providers, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.offers import MAX_INT
from kilonova.cloud.servers import hand_server, leave_host
from kilonova.cloud.state import State
from kilonova.cloud.vocabulary import checked_name
from kilonova.errors import (
    BadInput,
    Conflict,
    DoesNotFit,
    GenerationConflict,
    UnknownConsumer,
)

# Amounts by resource class, by provider (its UUID, or name).
Allocations = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a consumer belongs to; None leaves it as it is, or unsaid."""

    project: str | None = None
    user: str | None = None
    consumer_type: str | None = None

    def check(self) -> None:
        """Raise BadInput unless each is None or can be kept."""
        for what in ("project", "user", "consumer_type"):
            if (name := getattr(self, what)) is not None:
                checked_name(f"A consumer's {what}", name)


def claim(
    state: State,
    consumer: str,
    allocations: Allocations,
    owner: Owner,
    generation: int | EllipsisType | None = ...,
) -> None:
    """Replace what a consumer holds, or change nothing; empty allocations remove it.

    Raises
    ------
    BadInput
        An amount is not a whole number in 1..2147483647, or a name cannot be kept.
    GenerationConflict
        ``generation`` is given and is not that of the consumer (None: a new one).
    UnknownProvider, UnknownResourceClass
        A name is unknown.
    DoesNotFit
        A provider cannot take an amount; it says which, how much and what room.

    Notes
    -----
    Of several reasons to refuse, the one that Placement names: they are in its order.
    """
    checked_name("A consumer's UUID", consumer)
    check_amounts(allocations)
    owner.check()
    row = state.consumer_uuids.find(consumer)
    check_consumer_generation(state, consumer, row, generation)
    inventories, amounts = resolve(state, allocations)
    if not len(inventories):
        if row >= 0:
            _forget(state, row, bump=True)
        return
    made = row < 0
    if made:
        row = add_consumers(state, [consumer])
    refused = claim_rows(state, row, inventories, amounts)
    if refused is not None:
        if made:
            free_consumer(state, row)
        raise DoesNotFit(refused)
    _own(state, row, owner)


def claim_rows(
    state: State,
    consumer: int,
    inventories: NDArray[np.int32],
    amounts: NDArray[np.int64],
) -> str | None:
    """Claim by row numbers; give None, or one sentence on what cannot be had.

    ``inventories`` (K,) int32 ascending, each once; ``amounts`` (K,) int64.
    """
    from kilonova_kernels.claims import claim as claim_kernel

    refused = np.zeros(1, np.int64)
    columns = state.columns(spare_allocations=len(inventories))
    code = claim_kernel(columns, consumer, inventories, amounts, refused)
    state.tables.allocation.count = int(state.counters[1])
    if code == 0:
        return None
    at = int(refused[0])
    return reason(state, int(inventories[at]), int(amounts[at]), code, consumer)


def reason(
    state: State, inventory: int, amount: int, code: int, consumer: int = -1
) -> str:
    """Say why one inventory cannot give an amount: which, how much, what room."""
    from kilonova_kernels import codes
    from kilonova_kernels.claims import held

    table = state.tables.inventory
    resource_class = state.resource_classes[int(table["resource_class"][inventory])]
    provider = state.provider_names[int(table["provider"][inventory])]
    limits = state.inventory_of(inventory)
    what = f"{provider!r} cannot give {amount} {resource_class}: "
    if code == codes.BELOW_MIN_UNIT:
        return what + f"min_unit is {limits.min_unit}."
    if code == codes.ABOVE_MAX_UNIT:
        return what + f"max_unit is {limits.max_unit}."
    if code == codes.NOT_A_STEP:
        return what + f"not a multiple of step_size {limits.step_size}."
    own = held(state.columns(), consumer, inventory) if consumer >= 0 else 0
    used = int(table["used"][inventory]) - own
    room = max(limits.capacity - used, 0)
    return what + f"room for {room} (capacity {limits.capacity}, used {used})."


def release(state: State, consumer: str) -> None:
    """Give back all that a consumer holds; the consumer is gone afterwards.

    Raises
    ------
    UnknownConsumer
        There is no such consumer.
    """
    _forget(state, consumer_row(state, consumer), bump=False)


def move(state: State, source: str, target: str) -> None:
    """Hand all that ``source`` holds to ``target``, whose own is given back.

    Raises
    ------
    UnknownConsumer
        ``source`` holds nothing.
    BadInput
        Both are the same, or the UUID of ``target`` cannot be kept.
    DoesNotFit
        Limits of an amount were changed since ``source`` made its claim.
    """
    from kilonova_kernels.claims import move as move_kernel

    checked_name("A consumer's UUID", target)
    if source == target:
        raise BadInput(f"Consumer {source!r} cannot hand anything to itself.")
    source_row = consumer_row(state, source)
    target_row = state.consumer_uuids.find(target)
    made = target_row < 0
    if made:
        target_row = add_consumers(state, [target])
    refused = np.zeros(1, np.int64)
    columns = state.columns()
    code = move_kernel(columns, source_row, target_row, refused)
    if code != 0:
        if made:
            free_consumer(state, target_row)
        inventory = int(refused[0])
        from kilonova_kernels.claims import held

        amount = held(columns, source_row, inventory)
        raise DoesNotFit(reason(state, inventory, amount, code))
    for column in ("project", "user", "type"):
        values = state.tables.consumer[column]
        if made:
            values[target_row] = values[source_row]
    hand_server(state, source_row, target_row)
    free_consumer(state, source_row)


def check_amounts(allocations: Allocations) -> None:
    """Refuse allocations that no cloud could take.

    Raises
    ------
    BadInput
        An amount is not a whole number in 1..2147483647, a provider has none, or
        something is of another type.
    """
    if not isinstance(allocations, Mapping):
        raise BadInput(f"Allocations must be an object, got {allocations!r:.80}.")
    for identity, amounts in allocations.items():
        if not isinstance(amounts, Mapping):
            raise BadInput(
                f"{identity!r}: amounts must be an object, got {amounts!r:.80}."
            )
        if not amounts:
            raise BadInput(f"Allocations of provider {identity!r} are empty.")
        for name, amount in amounts.items():
            if isinstance(amount, bool) or not isinstance(amount, int | np.integer):
                raise BadInput(
                    f"{identity!r}, {name}: the amount must be a whole number, "
                    f"got {amount!r:.80}."
                )
            if not 1 <= amount <= MAX_INT:
                raise BadInput(
                    f"{identity!r}, {name}: the amount must be in 1..{MAX_INT}, "
                    f"got {amount}."
                )


def resolve(
    state: State, allocations: Allocations
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Find the inventory row of each checked allocation; ascending, with its amounts.

    Raises
    ------
    UnknownProvider, UnknownResourceClass
        A name is unknown.
    BadInput
        Two names mean the same provider.
    DoesNotFit
        A provider does not offer a class at all.
    """
    providers = {state.provider_row(identity): identity for identity in allocations}
    if len(providers) < len(allocations):
        twice = set(allocations) - set(providers.values())
        raise BadInput(f"Provider {min(twice)!r} is named twice, once by its UUID.")
    for name in {name for amounts in allocations.values() for name in amounts}:
        state.resource_classes.check(name)
    rows: dict[int, int] = {}
    for provider, identity in providers.items():
        for name, amount in allocations[identity].items():
            row = state.inventory_row(provider, state.resource_classes.find(name))
            if row < 0:
                raise DoesNotFit(
                    f"{identity!r} cannot give {amount} {name}: it has no inventory "
                    "of that class, so room for 0."
                )
            rows[row] = int(amount)
    ascending = sorted(rows)
    return (
        np.array(ascending, np.int32),
        np.array([rows[row] for row in ascending], np.int64),
    )


def consumer_row(state: State, consumer: str) -> int:
    """Give the row of a consumer that holds something.

    Raises
    ------
    UnknownConsumer
        No consumer with this UUID holds anything.
    """
    row = state.consumer_uuids.find(consumer)
    if not holds(state, row):
        raise UnknownConsumer(f"No consumer {consumer!r} holds allocations.")
    return row


def holds(state: State, row: int) -> bool:
    """Say whether a consumer holds anything; not so for row -1."""
    # A row that was made for a batch may have got nothing: for Placement it is not.
    return row >= 0 and int(state.tables.consumer["first"][row]) >= 0


def check_consumer_generation(
    state: State, consumer: str, row: int, generation: int | EllipsisType | None
) -> None:
    """Compare a consumer's generation; ``...`` does not, None wants a new consumer."""
    if isinstance(generation, EllipsisType):
        return
    known = holds(state, row)
    now = int(state.tables.consumer["generation"][row]) if known else None
    if generation != now:
        raise GenerationConflict(
            f"Consumer {consumer!r} is at generation {now}, not {generation}."
        )


def add_consumers(state: State, uuids: list[str]) -> int:
    """Add consumers without allocations; give the first row. They lie in sequence.

    An empty UUID makes an anonymous consumer, known by its row alone.

    Raises
    ------
    BadInput
        A UUID cannot be kept, or is taken.
    """
    table = state.tables.consumer
    if len(uuids) == 1 and state.free_consumers:
        row = state.free_consumers[-1]
        state.consumer_uuids.set(row, uuids[0])
        state.free_consumers.pop()
    else:
        state.consumer_uuids.append(uuids)
        if table.reserve(len(uuids)):
            state.arrays_replaced()
        row = table.append(len(uuids))
    # One number is written in a third of the time that a slice of one takes.
    rows = row if len(uuids) == 1 else slice(row, row + len(uuids))
    for column in ("project", "user", "type", "first", "host", "group"):
        table[column][rows] = -1
    table["generation"][rows] = 0
    return row


def free_consumer(state: State, row: int) -> None:
    """Take a consumer that holds nothing out; its row may be used again."""
    if state.tables.consumer["first"][row] >= 0:
        raise Conflict(f"Consumer {state.consumer_uuids[row]!r} holds allocations.")
    state.consumer_uuids.set(row, "")
    state.tables.consumer["generation"][row] = 0
    state.free_consumers.append(row)


def holdings(state: State, row: int) -> list[tuple[int, int]]:
    """Give what a consumer holds: pairs of inventory row and amount."""
    table = state.tables.allocation
    found = []
    at = int(state.tables.consumer["first"][row])
    while at >= 0:
        found.append((int(table["inventory"][at]), int(table["amount"][at])))
        at = int(table["next"][at])
    return found


def amounts(state: State, consumer: str) -> dict[str, dict[str, int]]:
    """Give what a consumer holds: amounts by class, by provider; may be empty."""
    row = state.consumer_uuids.find(consumer)
    table = state.tables.inventory
    found: dict[str, dict[str, int]] = {}
    for at, amount in holdings(state, row) if row >= 0 else ():
        provider = state.provider_identity(int(table["provider"][at]))
        name = state.resource_classes[int(table["resource_class"][at])]
        found.setdefault(provider, {})[name] = amount
    return found


def _forget(state: State, row: int, *, bump: bool) -> None:
    from kilonova_kernels import claims

    columns = state.columns()
    if bump:
        claims.touch_providers(columns, row)
    vacate(state, row)
    free_consumer(state, row)


def vacate(state: State, row: int) -> None:
    """Give back all that a consumer holds, and keep its row."""
    from kilonova_kernels import claims

    leave_host(state, row)
    claims.release(state.columns(), row)


def _own(state: State, row: int, owner: Owner) -> None:
    table = state.tables.consumer
    for column, names, value in (
        ("project", state.projects, owner.project),
        ("user", state.users, owner.user),
        ("type", state.consumer_types, owner.consumer_type),
    ):
        if value is not None:
            table[column][row] = names.number(value)
