"""Candidates as the bytes of Placement's REST body, from 1.34 on.

Most of a body are summaries of providers, and most of those are as they were at the
last question. Their text is kept tree by tree, and made anew where the tree changed.
"""

import json

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.enumeration import Enumeration
from kilonova.candidates.layout import Layout, layouts
from kilonova.candidates.summaries import (
    distinct_rows,
    tree_rows,
    used_providers,
    whole_summaries,
)
from kilonova.cloud.identities import provider_identities
from kilonova.cloud.kept import Kept
from kilonova.cloud.state import State

# Trees whose text is kept, at some four kilobytes each.
_MOST_KEPT = 1 << 14
_NEVER = -1


class _Texts:
    """Texts of trees, true for one numbering of rows.

    Attributes
    ----------
    stamp
        By the row of a root, when its tree had last changed as its text was made, -1
        where there is none, (P,).
    summaries
        By the row of a root, the bytes of the summaries of its tree, without braces,
        (P,) objects.
    identities
        By row, the bytes of the quoted identity, where the tree has a text, (P,).
    count
        Trees that have a text.
    """

    def __init__(self, state: State) -> None:
        self.clear(len(state.tables.provider["root"]))

    def clear(self, providers: int) -> None:
        """Forget all texts."""
        self.stamp = np.full(providers, _NEVER, np.int64)
        self.summaries = np.full(providers, None, np.object_)
        self.identities = np.full(providers, None, np.object_)
        self.count = 0


# Edits of names, traits and inventories note the tree, as claims do.
_KEPT = Kept(lambda state: (state.structure,), _Texts)


def json_body(found: Enumeration) -> bytes:
    """Render all candidates as the JSON text of GET /allocation_candidates.

    The same as ``json.dumps`` of the body at 1.39, but for white space.
    """
    found.find()
    if found.plans is None or not found.found:
        return b'{"allocation_requests": [], "provider_summaries": {}}'
    root = found.state.tables.provider["root"]
    # Of a candidate without resources its root has none to sum up, but has a name.
    touched = distinct_rows(root[used_providers(found)])
    kept = _texts(found.state, distinct_rows(root[found.provider]))
    summaries = [b", "] * (2 * len(touched))
    summaries[::2] = kept.summaries[touched].tolist()
    summaries[-1:] = [b"}}"]
    # Joined at once: each copy of a large answer costs as much as making it.
    return b"".join(
        [
            b'{"allocation_requests": [',
            *_requests(found, kept),
            b'], "provider_summaries": {',
            *summaries,
        ]
    )


def _texts(state: State, roots: NDArray[np.int32]) -> _Texts:
    """Bring the texts of some trees up to date, by root; kept ones if unchanged."""
    kept = _KEPT.of(state)
    changed = state.tables.provider["changed"]
    stale = roots[kept.stamp[roots] != changed[roots]]
    new = int((kept.stamp[stale] == _NEVER).sum())
    if new and kept.count + new > max(_MOST_KEPT, len(roots)):
        kept.clear(len(changed))
        stale, new = roots, len(roots)
    if len(stale):
        _make(state, stale, kept)
        kept.count += new
    return kept


def _make(state: State, roots: NDArray[np.int32], kept: _Texts) -> None:
    """Make the texts of some trees."""
    table = state.tables.provider
    rows = tree_rows(state, roots)
    names = provider_identities(state, rows)
    summaries = whole_summaries(state, rows, names)
    at = 0
    for root, size in zip(
        roots.tolist(), (table["subtree_end"][roots] - roots).tolist(), strict=True
    ):
        own = names[at : at + size]
        text = json.dumps(dict(zip(own, summaries[at : at + size], strict=True)))
        kept.summaries[root] = text[1:-1].encode()
        at += size
    kept.identities[rows] = [json.dumps(name).encode() for name in names]
    kept.stamp[roots] = table["changed"][roots]


def _requests(found: Enumeration, kept: _Texts) -> list[bytes]:
    """Render the candidates, as pieces to be joined."""
    assert found.plans is not None
    request, slots = found.plans.requests[0], found.plans.slots[0]
    forms, numbers = layouts(request, slots, found.provider)
    if len(forms) == 1:
        pieces = _pieces(forms[0], found.provider, kept)
        pieces[-1] = pieces[-1].removesuffix(b", ")
        return pieces
    rendered = np.full(len(numbers), None, np.object_)
    order = np.argsort(numbers, kind="stable")
    ends = np.cumsum(np.bincount(numbers, minlength=len(forms)))
    for form, places in zip(forms, np.split(order, ends[:-1]), strict=True):
        pieces = _pieces(form, found.provider[places], kept)
        width = len(pieces) // len(places)
        rendered[places] = [
            b"".join(pieces[at : at + width]) for at in range(0, len(pieces), width)
        ]
    rendered[-1] = rendered[-1].removesuffix(b", ")
    texts: list[bytes] = rendered.tolist()
    return texts


def _pieces(form: Layout, provider: NDArray[np.int32], kept: _Texts) -> list[bytes]:
    """Render candidates of one form; each ends with a comma."""
    words, slots = _template(form)
    width = len(words) + len(slots)
    pieces = [b""] * (width * len(provider))
    for place, word in enumerate(words):
        pieces[2 * place :: width] = [word] * len(provider)
    columns = {s: kept.identities[provider[:, s]].tolist() for s in set(slots)}
    for place, slot in enumerate(slots):
        pieces[2 * place + 1 :: width] = columns[slot]
    return pieces


def _template(form: Layout) -> tuple[list[bytes], list[int]]:
    """Give the text of all candidates of one form, cut where identities belong.

    The slots whose providers' identities belong there, in their order, come with it.
    """
    words, slots, text = [], [], '{"allocations": {'
    for number, (slot, amounts) in enumerate(form.allocations):
        words.append(text + (", " if number else ""))
        slots.append(slot)
        text = f': {{"resources": {json.dumps({**amounts})}}}'
    text += '}, "mappings": {'
    for number, (suffix, places) in enumerate(form.mappings):
        text += (", " if number else "") + f"{json.dumps(suffix)}: ["
        for place, slot in enumerate(places):
            words.append(text + (", " if place else ""))
            slots.append(slot)
            text = ""
        text += "]"
    words.append(text + "}}, ")
    return [word.encode() for word in words], slots
