"""Mappings that nobody can change, so that what holds them can be hashed."""

from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")


class FrozenMapping(Mapping[K, V]):
    """A copy of a mapping that cannot be changed; equal ones have equal hashes.

    It keeps the order of what it copied, which plays no part in equality. The hash is
    made once, at its first use.
    """

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        self._items: dict[K, V] = dict(items or {})
        self._hash: int | None = None

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenMapping):
            return self._items == other._items
        return self._items == other

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._items.items()))
        return self._hash

    def __reduce__(self) -> tuple[type["FrozenMapping[K, V]"], tuple[dict[K, V]]]:
        # The hash of a text differs from process to process.
        return FrozenMapping, (self._items,)

    def __repr__(self) -> str:
        return repr(self._items)


def frozen_mapping(items: Mapping[K, V]) -> FrozenMapping[K, V]:
    """Copy a mapping with all that is in it; a frozen one is given back as it is."""
    if isinstance(items, FrozenMapping):
        return items
    return FrozenMapping({key: cast(V, frozen(v)) for key, v in items.items()})


def frozen(value: object) -> object:
    """Copy a value with all that is in it: lists become tuples, sets frozen sets."""
    if isinstance(value, Mapping):
        return frozen_mapping(value)
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, set | frozenset):
        return frozenset(map(frozen, value))
    return value
