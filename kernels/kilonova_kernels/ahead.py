"""The columns of looking ahead, a part of ``SearchColumns``."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova_kernels._pointed import pointed


@pointed
class AheadColumns(NamedTuple):
    """Working memory of looking ahead in one tree; nobody else reads it.

    S slots of the largest plan, M providers of the largest pool.

    Attributes
    ----------
    option_place
        Number of each option's provider in the pool of the tree, (S, M) int32.
    option_open
        Whether an option goes with what is chosen so far, (S, M) bool.
    place_room, place_load
        How many slots a provider could take, and takes in the matching, (M,) int32.
    place_from
        Slot from which a provider was reached, -1 for not yet, (M,) int32.
    place_top
        Whether a provider was tried as the top of a subtree, or could be it, (M,) bool.
    place_option
        Option of each slot that a place is, -1 for none, (S, M) int32.
    place_parent
        Place of the parent where subtrees matter, else and for none -1, (M,) int32.
    place_end
        End of the places that change places together: a subtree where these matter,
        else this place alone, (M,) int32.
    place_kind
        First place of the same parent that is equal to this one, (M,) int32.
    kind_dead
        Whether a place, standing for its equals, leads nowhere at a depth, (S, M) bool.
    found_before
        Candidates found when the choice at a depth was made, (S,) int64.
    match
        Place of the provider that a slot is matched with, (S,) int32; -1 for none yet,
        -2 for a slot that is not asked.
    queue
        Slots that a path was found to, (S,) int32.
    within
        Groups, as bits, that must lie in a range of rows; its start; its end, (3,).
    """

    option_place: NDArray[np.int32]
    option_open: NDArray[np.bool_]
    place_room: NDArray[np.int32]
    place_load: NDArray[np.int32]
    place_from: NDArray[np.int32]
    place_top: NDArray[np.bool_]
    place_option: NDArray[np.int32]
    place_parent: NDArray[np.int32]
    place_end: NDArray[np.int32]
    place_kind: NDArray[np.int32]
    kind_dead: NDArray[np.bool_]
    found_before: NDArray[np.int64]
    match: NDArray[np.int32]
    queue: NDArray[np.int32]
    within: NDArray[np.int64]
