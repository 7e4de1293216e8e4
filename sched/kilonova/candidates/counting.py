"""How many candidates trees have, by class tables as far as these decide."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.state import State

if TYPE_CHECKING:
    from kilonova.candidates.marking import Marking

# So few candidates, for each tree of the cloud, are sooner searched for.
_FEW = 1 / 128


def count_by_tables(
    state: State,
    marking: "Marking",
    trees: NDArray[np.int32],
    per_host: int,
    most: int,
) -> tuple[int, NDArray[np.int32]]:
    """Count the candidates of those of some trees whose number the tables give.

    Parameters
    ----------
    state, marking
        Where to look for what.
    trees
        Numbers of the trees, each once, (N,) int32.
    per_host, most
        Most candidates to count of one tree, 0 for all, and of all trees together: at
        most 2^62.

    Returns
    -------
    int
        Candidates counted.
    NDArray
        The trees that are left to be searched, in their order, (M,) int32.

    Notes
    -----
    The number is a product (``count_choices``) unless in the tree one slot can be in
    another's way (``find_rivals``); required traits of the unsuffixed group bind its
    providers together; so does ``same_subtree``, or a microversion before 1.29; a group
    without resources may take any provider; or providers share. Options that differ
    are candidates that differ, even where they take the same: groups that are alike
    change places in the search, too.
    """
    from kilonova_kernels.counting import add_up, count_choices

    scan = marking.entries(state)
    count = len(state.index().roots)
    if scan is None or not scan.decides[0] or most < _FEW * count:
        return 0, trees
    fits, numbers = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    most_each = min(per_host or most, most)
    columns, plans = state.columns(), marking.plans.columns
    count_choices(columns, plans, 0, scan, most_each, fits, numbers)
    numbers = numbers[trees]
    return int(add_up(numbers, most)), trees[numbers < 0]
