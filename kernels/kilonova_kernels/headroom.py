"""How often a request can be claimed until no candidate is left, tree by tree."""

from kilonova_kernels._jit import kernel, part
from kilonova_kernels.columns import (
    CloudColumns,
    Int32,
    Int64,
    PlanColumns,
    ScanColumns,
    SearchColumns,
)
from kilonova_kernels.headroom_claims import (
    MOST,
    FamilyColumns,
    HeadroomColumns,
    claim_one_by_one,
    count_claims,
    family_claims,
    room_of,
)
from kilonova_kernels.headroom_entries import bound_by_entries, clear_tree
from kilonova_kernels.options import list_options
from kilonova_kernels.place import merge_rows
from kilonova_kernels.search import next_candidate, start_search


@kernel
def count_headroom(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    scan: ScanColumns,
    search: SearchColumns,
    most: int,
    out: HeadroomColumns,
) -> int:
    """Count the claims that each tree has room for, as if it were alone.

    Parameters
    ----------
    cloud
        Columns. Where trees are walked, ``inventory_used`` and ``largest`` must be
        copies: claims are made in them and taken back.
    plans, families
        One compiled request with its families.
    scan
        Its entries, for trees that are not walked; not ``plain`` where all are.
    search
        Working memory.
    most
        Stop after the tree with which so many were found.
    out
        Outputs; zero before, and -1.

    Returns
    -------
    int
        Trees that were looked at.
    """
    trees, block = cloud.roots.shape[0], families.ways.shape[0]
    families.at[:] = 0
    found = 0
    for start in range(0, trees, block):
        stop = min(start + block, trees)
        if scan.plain[0]:
            bound_by_entries(cloud, plans, families, scan, start, out)
        for tree in range(start, stop):
            if found >= most:
                for ahead in range(tree, stop):
                    clear_tree(out, ahead)
                return tree
            if families.walked[tree]:
                _walk(cloud, plans, families, search, tree, out)
            else:
                out.lower[tree] = out.upper[tree]
            found += out.lower[tree]
    return int(trees)


@kernel
def claim_trees(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    search: SearchColumns,
    upper: Int64,
) -> int:
    """Claim tree after tree, at most ``upper`` (T,) in each; give how many it were.

    Claims stay in the columns of ``cloud``, which must be copies.
    """
    total = 0
    for tree in range(cloud.roots.shape[0]):
        total += claim_one_by_one(cloud, plans, search, tree, upper[tree], True)
    return total


@kernel
def list_claims(
    cloud: CloudColumns,
    plans: PlanColumns,
    search: SearchColumns,
    tree: int,
    rows: Int32,
    amounts: Int64,
) -> int:
    """List the candidates of a tree as claims, (C, K) each, padded with row -1.

    Returns
    -------
    int
        How many there are, or -1 if there are more than C.
    """
    if not list_options(cloud, plans, 0, tree, search):
        return 0
    start_search(cloud, plans, 0, search)
    count = 0
    while next_candidate(cloud, plans, 0, search):
        if count == rows.shape[0]:
            return -1
        width = merge_rows(plans, 0, search)
        for i in range(rows.shape[1]):
            rows[count, i] = search.claim_inventory[i] if i < width else -1
            amounts[count, i] = search.claim_amount[i] if i < width else 0
        count += 1
    return count


@kernel
def shared_choices(
    cloud: CloudColumns,
    plans: PlanColumns,
    family: int,
    families: FamilyColumns,
    search: SearchColumns,
    edges: Int64,
) -> int:
    """List which trees could put members of one family on which shared providers.

    ``edges`` is (E, 3): tree, provider, how many members it takes. Returns how many
    rows were written.
    """
    count = 0
    for tree in range(cloud.roots.shape[0]):
        if not list_options(cloud, plans, 0, tree, search):
            continue
        _list_fits(cloud, plans, families, family, search)
        lead = families.lead[family]
        for i in range(search.option_count[lead]):
            provider = search.option_provider[lead, i]
            if families.shared[provider]:
                edges[count, 0] = tree
                edges[count, 1] = provider
                edges[count, 2] = families.fit[i]
                count += 1
    return count


@part
def _walk(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    search: SearchColumns,
    tree: int,
    out: HeadroomColumns,
) -> None:
    """Count the claims of one tree by walking it."""
    clear_tree(out, tree)
    if list_options(cloud, plans, 0, tree, search):
        _bound(cloud, plans, families, search, tree, out)
        if out.upper[tree] > 0:
            count_claims(cloud, plans, families, search, tree, out)


@part
def _bound(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    search: SearchColumns,
    tree: int,
    out: HeadroomColumns,
) -> None:
    """Bound the claims of a tree by each family, as if the others took nothing."""
    out.upper[tree] = MOST
    for f in range(families.lead.shape[0]):
        _list_fits(cloud, plans, families, f, search)
        lead = families.lead[f]
        total = 0
        for i in range(search.option_count[lead]):
            total += families.fit[i]
            if families.shared[search.option_provider[lead, i]]:
                out.reaches[f, tree] = True
            else:
                out.own[f, tree] += families.fit[i]
        count = family_claims(families, f, search.option_count[lead], total)
        out.family[f, tree] = count
        if count < out.upper[tree] or out.resource[tree] < 0:
            out.upper[tree] = count
            out.resource[tree] = _scarcest(cloud, plans, lead, search)


@part
def _list_fits(
    cloud: CloudColumns,
    plans: PlanColumns,
    families: FamilyColumns,
    family: int,
    search: SearchColumns,
) -> None:
    """Fill ``fit`` and ``bulk`` for each option of one family."""
    s = families.lead[family]
    apart = plans.plan_isolate[0] and plans.group_suffixed[plans.slot_group[s]]
    for i in range(search.option_count[s]):
        fit = MOST
        bulk = 1 if apart else MOST
        for k in range(plans.slot_resource[s], plans.slot_resource[s + 1]):
            inventory = search.option_inventory[k, i]
            offer = cloud.inventory_offer[inventory]
            fit = min(fit, room_of(cloud, inventory) // plans.resource_amount[k])
            bulk = min(bulk, cloud.offer_max_unit[offer] // plans.resource_amount[k])
        families.fit[i] = fit
        families.bulk[i] = bulk


@part
def _scarcest(
    cloud: CloudColumns, plans: PlanColumns, slot: int, search: SearchColumns
) -> int:
    """Give the resource of a slot of which the options have least, in its amounts."""
    best, least = -1, 0
    for k in range(plans.slot_resource[slot], plans.slot_resource[slot + 1]):
        count = 0
        for i in range(search.option_count[slot]):
            room = room_of(cloud, search.option_inventory[k, i])
            count += min(room // plans.resource_amount[k], MOST)
        if best < 0 or count < least:
            best, least = k, count
    return best
