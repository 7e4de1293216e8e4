"""The end of a search that would take too long."""

from typing import TYPE_CHECKING

from kilonova.cloud.state import State
from kilonova.errors import SearchTooLong

if TYPE_CHECKING:
    from kilonova_kernels.columns import SearchColumns


def check_not_given_up(state: State, search: "SearchColumns") -> None:
    """Raise if a kernel has given up a search; call it after each that searches.

    Raises
    ------
    SearchTooLong
        What the kernel found is not to be trusted.
    """
    from kilonova_kernels.columns import Cursor

    if not search.cursor[Cursor.GIVEN_UP]:
        return
    root = int(state.index().roots[search.cursor[Cursor.TREE]])
    raise SearchTooLong(
        f"A search must come to a candidate within {search.cursor[Cursor.MOST]} steps, "
        f"got none in the tree of {state.provider_names[root]!r}; ask for fewer groups."
    )
