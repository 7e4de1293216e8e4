"""Candidates as the bytes of Placement's REST body, from 1.34 on.

Most of a body are summaries of providers, and most of those are as they were at the
last question. Their text is kept tree by tree, and made anew where the tree changed.
"""

import json
from collections import defaultdict
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.enumeration import Enumeration
from kilonova.candidates.identities import provider_identities
from kilonova.candidates.layout import Layout, layouts
from kilonova.candidates.summaries import tree_rows, used_providers, whole_summaries
from kilonova.cloud.state import State

# Trees whose text is kept, at some four kilobytes each.
_MOST_KEPT = 1 << 14


class _Tree(NamedTuple):
    """Text of one tree: its summaries without braces, and quoted identities by row."""

    changed: int
    summaries: str
    identities: list[str]


class _Kept:
    """Texts of trees, true for one numbering of rows and one set of facts."""

    def __init__(self, state: State) -> None:
        self.version = (state.structure, state.facts)
        self.trees: dict[int, _Tree] = {}


_KEPT: "WeakKeyDictionary[State, _Kept]" = WeakKeyDictionary()


def json_body(found: Enumeration) -> bytes:
    """Render all candidates as the JSON text of GET /allocation_candidates.

    The same as ``json.dumps`` of the body at 1.39, but for white space.
    """
    found.find()
    if found.plans is None or not found.found:
        return b'{"allocation_requests": [], "provider_summaries": {}}'
    state = found.state
    provider = found.provider
    root = state.tables.provider["root"][provider]
    touched = np.unique(state.tables.provider["root"][used_providers(found)])
    trees = _texts(state, np.union1d(touched, root).astype(np.int32))
    requests = _requests(found, provider, root, trees)
    summaries = [trees[r].summaries for r in touched.tolist()]
    text = (
        f'{{"allocation_requests": [{", ".join(requests)}], '
        f'"provider_summaries": {{{", ".join(summaries)}}}}}'
    )
    return text.encode()


def _texts(state: State, roots: NDArray[np.int32]) -> dict[int, _Tree]:
    """Give the texts of some trees by root, kept ones where nothing changed."""
    kept = _KEPT.get(state)
    if kept is None or kept.version != (state.structure, state.facts):
        kept = _KEPT[state] = _Kept(state)
    trees = kept.trees
    changed = state.tables.provider["changed"][roots].tolist()
    stale = [
        root
        for root, stamp in zip(roots.tolist(), changed, strict=True)
        if root not in trees or trees[root].changed != stamp
    ]
    if len(trees) + len(stale) > max(_MOST_KEPT, len(roots)):
        trees.clear()
        stale = roots.tolist()
    if stale:
        _make(state, np.array(stale, np.int32), trees)
    return trees


def _make(state: State, roots: NDArray[np.int32], trees: dict[int, _Tree]) -> None:
    """Make the texts of some trees."""
    table = state.tables.provider
    rows = tree_rows(state, roots)
    names = provider_identities(state, rows)
    summaries = whole_summaries(state, rows, names)
    at = 0
    for root, size, changed in zip(
        roots.tolist(),
        (table["subtree_end"][roots] - roots).tolist(),
        table["changed"][roots].tolist(),
        strict=True,
    ):
        own = names[at : at + size]
        text = json.dumps(dict(zip(own, summaries[at : at + size], strict=True)))
        trees[root] = _Tree(changed, text[1:-1], [json.dumps(name) for name in own])
        at += size


def _requests(
    found: Enumeration,
    provider: NDArray[np.int32],
    root: NDArray[np.int32],
    trees: dict[int, _Tree],
) -> list[str]:
    """Render each candidate."""
    assert found.plans is not None
    offsets = (provider - root).T.tolist()
    # By slot: the quoted identity of each candidate's provider.
    columns = [
        [trees[r].identities[o] for r, o in zip(roots, places, strict=True)]
        for roots, places in zip(root.T.tolist(), offsets, strict=True)
    ]
    forms = layouts(found.plans.requests[0], found.plans.slots[0], provider)
    rendered = [""] * len(forms)
    by_form: dict[int, list[int]] = defaultdict(list)
    for number, form in enumerate(forms):
        by_form[id(form)].append(number)
    for numbers in by_form.values():
        template, slots = _template(forms[numbers[0]])
        chosen = [columns[s] for s in slots]
        if len(numbers) == len(forms):
            return [template % names for names in zip(*chosen, strict=True)]
        for number in numbers:
            rendered[number] = template % tuple(names[number] for names in chosen)
    return rendered


def _template(form: Layout) -> tuple[str, list[int]]:
    """Give the text of all candidates of one form, with ``%s`` for identities.

    The slots whose providers' identities belong there, in their order, come with it.
    """
    slots = []
    allocations = []
    for slot, amounts in form.allocations:
        slots.append(slot)
        allocations.append(f'%s: {{"resources": {json.dumps({**amounts})}}}')
    mappings = []
    for suffix, places in form.mappings:
        slots += places
        mappings.append(f"{json.dumps(suffix)}: [{', '.join(['%s'] * len(places))}]")
    return (
        f'{{"allocations": {{{", ".join(allocations)}}}, '
        f'"mappings": {{{", ".join(mappings)}}}}}',
        slots,
    )
