"""What the providers of a host's tree have left, as weighers of our own look at it."""

from kilonova.cloud.host import Room
from kilonova.cloud.state import State


def rooms_of(state: State, row: int) -> tuple[Room, ...]:
    """Give free and whole amounts of each provider of a host's tree, root first.

    Providers without inventories are left out. What is reserved counts neither as free
    nor as there, and allocation ratios are counted in.
    """
    root = int(state.hosts.table["provider"][row])
    if root < 0:
        return ()
    inventory, provider = state.tables.inventory, state.tables.provider
    found = []
    for p in range(root, int(provider["subtree_end"][root])):
        whole, free = {}, {}
        for i in state.inventory_rows(p):
            name = state.resource_classes[int(inventory["resource_class"][i])]
            whole[name] = state.inventory_of(i).capacity
            free[name] = whole[name] - int(inventory["used"][i])
        if whole:
            traits = state.trait_sets[int(provider["trait_set"][p])]
            names = frozenset(state.traits[t] for t in traits)
            found.append(Room(names, whole, free))
    return tuple(found)
