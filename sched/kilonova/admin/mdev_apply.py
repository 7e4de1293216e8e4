"""Bring the tree of a host in line with the plan of its mediated devices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kilonova.admin.mdev import MdevPlan, PlannedProvider
from kilonova.cloud.cloud import BaseCloud
from kilonova.cloud.offers import Inventory
from kilonova.cloud.providers import check_name
from kilonova.errors import Conflict, InUse


@dataclass(frozen=True, slots=True)
class MdevChanges:
    """Names of the providers that were added, changed and removed."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def apply_mdevs(
    cloud: BaseCloud, plan: MdevPlan, *, remove_absent: bool = False
) -> MdevChanges:
    """Carry out a plan, all of it or nothing.

    Parameters
    ----------
    cloud
        Where the root provider ``plan.node`` is.
    plan
        What it is to have below it.
    remove_absent
        Also remove providers of devices that the plan does not name. Nova leaves them.

    Raises
    ------
    UnknownProvider
        There is no provider of that name.
    InUse
        A provider that must go, or whose class would change, has allocations.
    Conflict
        The root offers VGPU itself, as before Stein, or a name is another provider's.
    """
    state = cloud.state
    with state.lock:
        root = _root(cloud, plan.node)
        if "VGPU" in cloud.inventories(plan.node):
            raise Conflict(
                f"Provider {plan.node!r} offers VGPU itself; move that and its "
                "allocations to its children first (Nova: ReshapeNeeded)."
            )
        below = _children(cloud, root)
        gone = [name for name in plan.withdrawn if name in below]
        if remove_absent:
            planned = {provider.name for provider in plan.providers}
            absent = below.keys() - planned - set(gone)
            ours = f"{plan.node}_pci_"
            gone += sorted(name for name in absent if name.startswith(ours))
        for name in gone:
            _check_removable(cloud, below[name])
        for provider in plan.providers:
            _check(cloud, provider, below)
        return _carry_out(cloud, plan, below, gone)


def _root(cloud: BaseCloud, node: str) -> int:
    row = cloud.state.provider_row(node)
    if cloud.state.tables.provider["root"][row] != row:
        raise Conflict(f"Provider {node!r} must be the root of a host's tree.")
    return row


def _children(cloud: BaseCloud, root: int) -> dict[str, str]:
    """Give UUIDs, or what stands for them, by the names of a provider's children."""
    state = cloud.state
    end = int(state.tables.provider["subtree_end"][root])
    parents = state.tables.provider["parent"][root:end]
    rows = root + np.flatnonzero(parents == root)
    return {
        state.provider_names[row]: state.provider_identity(row)
        for row in rows.tolist()
        if row != root
    }


def _check_removable(cloud: BaseCloud, identity: str) -> None:
    state = cloud.state
    row = state.provider_row(identity)
    name = state.provider_names[row]
    if used := {rc: n for rc, n in cloud.usages(identity).items() if n}:
        raise InUse(
            f"Provider {name!r} must go, but has allocations of {used}; move them "
            "away first."
        )
    if state.tables.provider["subtree_end"][row] > row + 1:
        raise InUse(f"Provider {name!r} must go, but has providers below it.")


def _check(
    cloud: BaseCloud, provider: PlannedProvider, below: Mapping[str, str]
) -> None:
    """Find all that could stop a change before the first one is made."""
    Inventory.of(f"{provider.name!r}", provider.inventories[provider.resource_class])
    if provider.name not in below:
        check_name(cloud.state, provider.name)
        return
    for name, used in cloud.usages(below[provider.name]).items():
        if used and name != provider.resource_class:
            raise InUse(
                f"Provider {provider.name!r} would offer {provider.resource_class}, "
                f"but has allocations of {used} {name}; move them away first."
            )


def _carry_out(
    cloud: BaseCloud, plan: MdevPlan, below: Mapping[str, str], gone: Sequence[str]
) -> MdevChanges:
    added, updated = [], []
    for name in gone:
        cloud.remove_provider(below[name])
    for provider in plan.providers:
        if provider.resource_class != "VGPU":
            cloud.add_resource_class(provider.resource_class)
        if provider.name not in below:
            cloud.add_provider(
                provider.name,
                plan.node,
                inventories=provider.inventories,
                traits=provider.traits,
            )
            added.append(provider.name)
        elif _update(cloud, below[provider.name], provider):
            updated.append(provider.name)
    return MdevChanges(tuple(added), tuple(updated), tuple(gone))


def _update(cloud: BaseCloud, identity: str, provider: PlannedProvider) -> bool:
    """Change what differs; say whether anything did. Further traits stay."""
    state = cloud.state
    before = cloud.generation(identity)
    if cloud.inventories(identity) != provider.inventories:
        cloud.set_inventories(identity, provider.inventories)
    traits = state.tables.provider["trait_set"][state.provider_row(identity)]
    has = {state.traits[number] for number in state.trait_sets[int(traits)]}
    cloud.set_traits(identity, has.union(provider.traits))
    return cloud.generation(identity) != before
