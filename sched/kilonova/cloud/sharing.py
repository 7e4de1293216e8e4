"""Which trees a sharing provider serves besides its own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.sets import SetDictionary
from kilonova.cloud.tables import Table

SHARES = "MISC_SHARES_VIA_AGGREGATE"


@dataclass(frozen=True, slots=True)
class Sharing:
    """Sharing providers and the trees that they are anchored to.

    Attributes
    ----------
    provider
        Rows of all sharing providers, ascending, (H,) int32.
    tree_start, tree_provider
        Sharing providers from outside each tree, (T + 1,) and flat, int32. Without any
        sharing provider ``tree_start`` is a single zero.
    anchor_start, anchor_tree
        Trees of each sharing provider, its own included, ascending, (H + 1,) and flat,
        int32.
    """

    provider: NDArray[np.int32]
    tree_start: NDArray[np.int32]
    tree_provider: NDArray[np.int32]
    anchor_start: NDArray[np.int32]
    anchor_tree: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        table: Table,
        roots: NDArray[np.int32],
        sharing_trait: int,
        trait_sets: SetDictionary,
        aggregate_sets: SetDictionary,
    ) -> "Sharing":
        """Derive who shares with whom from traits and aggregates.

        ``sharing_trait`` is the number of the trait, -1 where nobody has it.
        """
        shares = trait_sets.hits(frozenset({sharing_trait}))
        sharing = np.flatnonzero(shares[table["trait_set"]])
        if not len(sharing):
            empty, nothing = np.zeros(0, np.int32), np.zeros(1, np.int32)
            return cls(empty, nothing, empty, nothing, empty)
        pairs: list[NDArray[np.int64]] = []
        for h, s in enumerate(sharing.tolist()):
            members = aggregate_sets[int(table["aggregate_set"][s])]
            hit = aggregate_sets.hits(members)
            served = np.unique(table["root"][hit[table["aggregate_set"]]])
            trees = np.searchsorted(roots, np.union1d(served, table["root"][s]))
            pairs.append(np.stack([np.full(len(trees), h), trees], axis=1))
        flat = np.concatenate([np.zeros((0, 2), np.int64), *pairs])
        own = np.searchsorted(roots, table["root"][sharing])
        foreign = flat[flat[:, 1] != own[flat[:, 0]]]
        foreign = foreign[np.argsort(foreign[:, 1], kind="stable")]
        return cls(
            provider=sharing.astype(np.int32),
            tree_start=_starts(foreign[:, 1], len(roots)),
            tree_provider=sharing[foreign[:, 0]].astype(np.int32),
            anchor_start=_starts(flat[:, 0], len(sharing)),
            anchor_tree=flat[:, 1].astype(np.int32),
        )


def _starts(keys: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    starts = np.zeros(count + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=count), out=starts[1:])
    return starts
