"""Provider trees in preorder: roots and ends of subtrees."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.columns import Int32


@kernel
def close_trees(parent: Int32, root: Int32, subtree_end: Int32) -> None:
    """Derive root and end of subtree of each provider from its parent.

    Parameters
    ----------
    parent
        Row of the parent, (P,) int32, -1 for a root; rows lie in preorder.
    root, subtree_end
        Outputs, (P,) int32.
    """
    for p in range(parent.shape[0]):
        subtree_end[p] = p + 1
        root[p] = p if parent[p] < 0 else root[parent[p]]
    for p in range(parent.shape[0] - 1, -1, -1):
        if parent[p] >= 0:
            subtree_end[parent[p]] = max(subtree_end[parent[p]], subtree_end[p])


@part
def tree_of(roots: Int32, root: int) -> int:
    """Give the number of the tree that has this root."""
    low, high = 0, roots.shape[0]
    while low < high:
        middle = (low + high) // 2
        if roots[middle] < root:
            low = middle + 1
        else:
            high = middle
    return low
