"""All that a cloud holds: tables, dictionaries, names, and what is derived of them."""

from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud import vocabulary
from kilonova.cloud.hosts import Hosts
from kilonova.cloud.index import Index
from kilonova.cloud.names import NameColumn
from kilonova.cloud.offers import Inventory, OfferDictionary
from kilonova.cloud.server_groups import ServerGroups
from kilonova.cloud.sets import SetDictionary
from kilonova.cloud.sharing import SHARES, Sharing
from kilonova.cloud.tables import Tables
from kilonova.errors import UnknownProvider

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns


class State:
    """Tables of the register with the dictionaries that give their numbers a meaning.

    Providers lie in tree preorder, inventories by provider and class. ``structure``
    counts changes that move rows, ``facts`` changes of traits and aggregates,
    ``limits`` inventories that were given other limits where they are, and
    ``odd_limits`` those that were given a ``min_unit`` or ``step_size`` other than 1:
    who keeps something that was derived compares them, and reads the journal for trees
    whose usage changed.
    """

    def __init__(self) -> None:
        self.tables = Tables()
        self.offers = OfferDictionary(self.tables.offer)
        self.hosts = Hosts(self.tables.host)
        self.groups = ServerGroups(self.tables.consumer)
        self.provider_names = NameColumn()
        self.provider_uuids = NameColumn()
        self.consumer_uuids = NameColumn()
        self.resource_classes = vocabulary.resource_classes()
        self.traits = vocabulary.traits()
        self.aggregates = vocabulary.Vocabulary()
        self.projects = vocabulary.Vocabulary()
        self.users = vocabulary.Vocabulary()
        self.consumer_types = vocabulary.Vocabulary()
        self.trait_sets = SetDictionary()
        self.aggregate_sets = SetDictionary()
        self.structure = 0
        self.facts = 0
        self.limits = 0
        self.odd_limits = 0
        self.lock = RLock()
        # Writes so far (with leaps where rows moved), allocation rows ever used, first
        # free one, rows in use.
        self.counters = np.array([0, 0, -1, 0], np.int64)
        self.journal = np.zeros(1024, np.int32)
        self.free_consumers: list[int] = []
        self._index: Index | None = None
        # Providers that the index is true of: those before a row.
        self._indexed = 0
        self._sharing: Sharing | None = None
        self._columns: CloudColumns | None = None

    @property
    def host_names(self) -> NameColumn:
        """Names of the hosts' nodes, by row."""
        return self.hosts.names

    # Who is meant.

    def provider_row(self, identity: str) -> int:
        """Give the row of a provider by UUID, or by name where it has none of its own.

        Raises
        ------
        UnknownProvider
            No provider has this UUID or name.
        """
        row = self.find_provider(identity)
        if row < 0:
            count = self.tables.provider.count
            raise UnknownProvider(
                f"No resource provider {identity!r} among the {count} of this cloud."
            )
        return row

    def find_provider(self, identity: str) -> int:
        """Give the row of a provider by UUID or name, or -1."""
        row = self.provider_uuids.find(identity)
        return row if row >= 0 else self.provider_names.find(identity)

    def provider_identity(self, row: int) -> str:
        """Give the UUID of a provider, or its name where it has none."""
        return self.provider_uuids[row] or self.provider_names[row]

    def inventory_row(self, provider: int, resource_class: int) -> int:
        """Give the inventory of a class at a provider, or -1."""
        rows = self.inventory_rows(provider)
        classes = self.tables.inventory["resource_class"][rows.start : rows.stop]
        found = np.flatnonzero(classes == resource_class)
        return rows.start + int(found[0]) if len(found) else -1

    def inventory_rows(self, provider: int) -> range:
        """Give the rows of all inventories of a provider."""
        if self._index is not None and provider < self._indexed:
            start = self._index.inventory_start
            return range(int(start[provider]), int(start[provider + 1]))
        # They lie by provider; an edit does not wait for the index.
        owner = self.tables.inventory["provider"]
        ends = np.array([provider, provider + 1], owner.dtype)
        return range(*np.searchsorted(owner, ends).tolist())

    def inventory_of(self, row: int) -> Inventory:
        """Give the limits of one inventory."""
        return self.offers[int(self.tables.inventory["offer"][row])]

    # What is derived.

    def index(self) -> Index:
        """Give the derived look-up columns, made anew for rows that moved."""
        known, first = self._index, self._indexed
        if known is not None and first == self.tables.provider.count == known.providers:
            return known
        classes = len(self.resource_classes)
        if known is not None and 2 * first > known.providers:
            found = known.followed(self.tables, classes, first)
        else:
            found = Index.of(self.tables, classes)
        self._index, self._indexed = found, found.providers
        trees = len(found.roots)
        if trees > len(self.journal):
            # When trees come one by one it is to grow now and then.
            grown = 0 if known is None else len(self.journal) * 3 // 2
            self.journal = np.zeros(max(trees, grown), np.int32)
            self._outdate_journal()
        return found

    def sharing(self) -> Sharing:
        """Give who shares with whom, as traits and aggregates now say."""
        if self._sharing is None:
            self._sharing = Sharing.of(
                self.tables.provider,
                self.index().roots,
                self.traits.find(SHARES),
                self.trait_sets,
                self.aggregate_sets,
            )
        return self._sharing

    def largest_pool(self) -> int:
        """Give the most providers that serve one tree, sharing ones included."""
        index, sharing = self.index(), self.sharing()
        sizes = self.tables.provider["subtree_end"][index.roots] - index.roots
        if len(sharing.provider):
            sizes = sizes + np.diff(sharing.tree_start)
        return int(sizes.max(initial=1))

    def columns(self, spare_allocations: int = 0) -> "CloudColumns":
        """Give what kernels read and write, with room for more allocation rows."""
        grown = self.tables.allocation.reserve(spare_allocations)
        if self._columns is None or grown:
            self._columns = _columns_of(self)
        return self._columns

    def refresh(self, inventory: int) -> None:
        """Derive anew what hangs on the limits and usage of one inventory."""
        from kilonova_kernels.claims import refresh_largest

        refresh_largest(self.columns(), inventory)

    def rows_moved(self, first: int = 0) -> None:
        """Forget what was derived: rows were added, removed or moved.

        Those of the providers before ``first``, and what they offer, were not.
        """
        self.structure += 1
        self._indexed = min(self._indexed, first)
        self._sharing = None
        self._columns = None
        self._outdate_journal()

    def facts_changed(self, *, shares: bool = False) -> None:
        """Forget what was derived of traits and aggregates.

        Who shares with whom stays known where nobody does, unless ``shares`` says that
        a provider may share from now on.
        """
        self.facts += 1
        if shares or (self._sharing is not None and len(self._sharing.provider)):
            self._sharing = None
            self._columns = None

    def arrays_replaced(self) -> None:
        """Forget the columns given out: a table grew, its rows stayed."""
        self._columns = None

    def journal_since(self, stamp: int) -> NDArray[np.int32] | None:
        """Give roots of trees changed after ``stamp`` writes, repeats included.

        None when the journal does not go back that far, or rows moved since: then any
        tree may have changed.
        """
        writes = int(self.counters[0])
        size = len(self.journal)
        if writes - stamp > size:
            return None
        entries = self.journal[np.arange(stamp, writes) % size]
        return np.where(entries < 0, ~entries, entries)

    def note(self, provider: int) -> None:
        """Enter the tree of a provider in the journal, as ``record_change`` does.

        It costs a fifth of that, as numba looks at all columns to find its code.
        """
        table, writes = self.tables.provider, int(self.counters[0])
        # The journal is made as long as there are trees.
        self.index()
        root = table["root"][provider]
        self.journal[writes % len(self.journal)] = root
        table["changed"][root] = writes + 1
        self.counters[0] = writes + 1

    def _outdate_journal(self) -> None:
        """Put every earlier stamp out of the journal's reach: its rows moved."""
        self.counters[0] += len(self.journal) + 1


def _columns_of(state: State) -> "CloudColumns":
    from kilonova_kernels.columns import CloudColumns

    tables, index, sharing = state.tables, state.index(), state.sharing()
    found: dict[str, NDArray[Any]] = {
        "inventory_start": index.inventory_start,
        "class_start": index.class_start,
        "class_row": index.class_row,
        "inventory_position": index.inventory_position,
        "largest": index.largest,
        "roots": index.roots,
        "sharing": sharing.provider,
        "share_start": sharing.tree_start,
        "share_provider": sharing.tree_provider,
        "anchor_start": sharing.anchor_start,
        "anchor_tree": sharing.anchor_tree,
        "journal": state.journal,
        "counters": state.counters,
    }
    for field in CloudColumns._fields:
        if field not in found:
            table, _, column = field.partition("_")
            # Claims append to these two, so kernels see their spare rows.
            spared = table in ("consumer", "allocation")
            rows = tables[table]
            found[field] = rows.whole(column) if spared else rows[column]
    return CloudColumns(**found)
