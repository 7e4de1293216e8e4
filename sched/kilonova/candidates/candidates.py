"""``Candidates``: what could serve a request, found and built only when looked at."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.enumeration import FIRST_CHUNK, Enumeration
from kilonova.candidates.layout import layouts
from kilonova.candidates.marking import marking_of
from kilonova.candidates.order import check_unknown_names
from kilonova.candidates.rendering import MAPPINGS, body
from kilonova.candidates.summaries import NESTED
from kilonova.candidates.table import to_table
from kilonova.candidates.text import json_body
from kilonova.cloud.identities import identity_rows, provider_identities
from kilonova.cloud.state import State
from kilonova.cloud.vocabulary import checked_names
from kilonova.errors import (
    BadInput,
    BadRequest,
    UnknownResourceClass,
    UnknownTrait,
)
from kilonova.request.checks import check_bound, check_request
from kilonova.request.group import Request
from kilonova.request.microversion import (
    ERROR_CODES,
    Microversion,
    check_candidates_served,
    parse_microversion,
)
from kilonova.request.query import parse_query

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Candidate:
    """One set of allocations that would serve a request.

    Attributes
    ----------
    root
        Root of the tree that it is for. Of a candidate that several trees have, which
        only sharing providers serve, the first one's.
    allocations
        Amount by resource class, by provider.
    mappings
        Providers of each group, by suffix.
    """

    root: str
    allocations: Mapping[str, Mapping[str, int]]
    mappings: Mapping[str, tuple[str, ...]]


class Candidates:
    """The allocation candidates of one request, lazily.

    Nothing is searched before it is asked for, and no further than that: the first k
    candidates cost in proportion to k. They are those of one state of usages: who
    claims while going through them asks again afterwards, as later ones may not fit, or
    be left out, and only a claim decides. Once providers, traits or aggregates changed,
    everything here raises Conflict.

    Attributes
    ----------
    found
        The columns: what was found so far, and what finds more.
    """

    def __init__(self, found: Enumeration, version: Microversion) -> None:
        self.found = found
        self._version = version

    def __len__(self) -> int:
        return self.found.count()

    def count(self) -> int:
        """Count the candidates: all are searched for, none is built or stored."""
        return self.found.count()

    def __bool__(self) -> bool:
        return self.found.find(1) > 0

    def __iter__(self) -> Iterator[Candidate]:
        first, wanted = 0, FIRST_CHUNK
        while True:
            with self.found.state.lock:
                last = min(self.found.find(wanted), wanted)
                built = self._build(first, last)
            yield from built
            if last < wanted:
                return
            first, wanted = last, min(2 * wanted, wanted + (1 << 12))

    def to_placement(self) -> dict[str, Any]:
        """Give the REST body, in the form of the microversion that was asked for."""
        with self.found.state.lock:
            self.found.find()
            return body(self.found, self._version)

    def to_json(self) -> bytes:
        """Give the REST body as JSON text; quicker than rendering ``to_placement``.

        From 1.34 on the text of each provider is kept until its tree changes.
        """
        with self.found.state.lock:
            self.found.find()
            if self._version >= MAPPINGS:
                return json_body(self.found)
            return json.dumps(body(self.found, self._version)).encode()

    def to_arrow(self) -> "pa.Table":
        """Give all candidates as a table, a row for each amount of each group.

        Columns: ``candidate`` (number), ``root``, ``suffix``, ``provider``,
        ``resource_class``, ``amount``. A group without resources has one row, with
        neither class nor amount.
        """
        with self.found.state.lock:
            self.found.find()
            return to_table(self.found)

    def _build(self, first: int, last: int) -> list[Candidate]:
        found = self.found
        if found.plans is None:
            return []
        provider = found.provider[first:last]
        roots = found.state.index().roots[found.tree[first:last]]
        forms, numbers = layouts(
            found.plans.requests[0], found.plans.slots[0], provider
        )
        return [
            Candidate(
                root=root,
                allocations={
                    names[s]: {**held} for s, held in forms[number].allocations
                },
                mappings={
                    suffix: tuple(names[s] for s in places)
                    for suffix, places in forms[number].mappings
                },
            )
            for root, number, names in zip(
                provider_identities(found.state, roots),
                numbers.tolist(),
                identity_rows(found.state, provider),
                strict=True,
            )
        ]


# More candidates of one tree than anybody can ask for.
_MOST = 2**62


def find_candidates(
    state: State,
    request: Request | str,
    limit: int | None,
    microversion: str,
    per_host: int | None = None,
    hosts: Sequence[str] | None = None,
) -> Candidates:
    """Compile a request and get ready to find its candidates.

    See ``Cloud.allocation_candidates``, of which this is the body.
    """
    version = parse_microversion(microversion)
    check_candidates_served(version)
    if isinstance(request, str):
        request = parse_query(request, microversion)
    else:
        check_request(request)
    for name, value in (("limit", limit), ("per_host", per_host)):
        check_bound(name, value)
    if request.limit is not None:
        limit = min(request.limit, limit or request.limit)
    with state.lock:
        trees = None if hosts is None else _trees(state, hosts)
        try:
            asked = replace(request, limit=None)
            marking = marking_of(state, asked, version >= NESTED)
        except (UnknownResourceClass, UnknownTrait):
            try:
                check_unknown_names(state, request)
            except BadRequest as error:
                if version < ERROR_CODES:
                    error.code = None
                raise
            marking = None
        return Candidates(
            Enumeration(state, marking, trees, min(per_host or 0, _MOST), limit),
            version,
        )


def _trees(state: State, hosts: Sequence[str]) -> NDArray[np.int32]:
    """Give the numbers of the trees of some roots, each once."""
    hosts = checked_names("A host", hosts)
    roots = state.index().roots
    rows = list(dict.fromkeys(state.provider_row(host) for host in hosts))
    trees = np.searchsorted(roots, np.array(rows, np.int32)).astype(np.int32)
    for row, tree in zip(rows, trees.tolist(), strict=True):
        if tree == len(roots) or roots[tree] != row:
            host = state.provider_names[row]
            raise BadInput(f"hosts must be roots of trees, got {host!r}.")
    return trees
