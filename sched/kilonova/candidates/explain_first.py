"""First failing constraint of each tree, written in names when somebody looks."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.explain_constraints import Constraint
from kilonova.cloud.state import State


class FirstFailing(Mapping[str, Constraint | None]):
    """First failing constraint of each tree, by the name of its root, or None.

    Parameters
    ----------
    state
        Where the names are; it may change afterwards.
    trees
        Numbers of the trees, (N,) int32.
    constraints, first
        Constraints, and the number of that of each tree, -1 for none, (N,) int64.
    """

    def __init__(
        self,
        state: State,
        trees: NDArray[np.int32],
        constraints: Sequence[Constraint],
        first: NDArray[np.int64],
    ) -> None:
        roots = state.index().roots[trees]
        # Names as they are now: to make strings of them takes ten times as long.
        self._names = state.provider_names.copied(roots)
        self._unnamed = np.flatnonzero(~self._names.named())
        self._uuids = state.provider_uuids.copied(roots[self._unnamed])
        self._constraints = (*constraints, None)
        self._first = first

    def __getitem__(self, name: str) -> Constraint | None:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return repr(self._by_name)

    @cached_property
    def _by_name(self) -> dict[str, Constraint | None]:
        names = self._names.to_list()
        uuids = self._uuids.to_list()
        for place, uuid in zip(self._unnamed.tolist(), uuids, strict=True):
            names[place] = uuid
        constraints = (self._constraints[c] for c in self._first.tolist())
        return dict(zip(names, constraints, strict=True))
