"""``Scheduler``: which hosts servers go to, by Nova's options, filters and weighers."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from uuid import uuid4
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.cloud.hosts import derive_hosts
from kilonova.cloud.server_groups import POLICIES, Group
from kilonova.cloud.vocabulary import Vocabulary
from kilonova.errors import BadInput, NoValidHost
from kilonova.hosts.batch import Batch, Question
from kilonova.hosts.careful import batch_of, takes_turns
from kilonova.hosts.draws import draws
from kilonova.hosts.engine import Engine, versions
from kilonova.hosts.events import Event, Played
from kilonova.hosts.extremes import Extremes
from kilonova.hosts.listing import (
    EXCEPT,
    NOTHING,
    ONLY,
    Listing,
    check_target,
    listed_hosts,
    sole_target,
)
from kilonova.hosts.naming import joined, selection_of
from kilonova.hosts.occupying import needs_occupying, occupy
from kilonova.hosts.options import Options
from kilonova.hosts.options_file import check_options
from kilonova.hosts.playing import play_events
from kilonova.hosts.prefilters.register import run as run_prefilters
from kilonova.hosts.reasons import Reasons, reasons
from kilonova.hosts.refusal import refusal
from kilonova.hosts.selection import Selection
from kilonova.hosts.shape import (
    Shape,
    anonymous,
    are_weighed_alike,
    shape_of,
    weighed_by,
)
from kilonova.request.server import ServerSpec

# Engines and shapes that are kept; the least recently used are forgotten.
_MOST_ENGINES = 256
_MOST_SHAPES = 4096
# Shapes of one engine, beyond those that one call needs.
_MOST_TOGETHER = 256


class Scheduler:
    """Selects hosts for servers, claims what they take, and remembers shapes.

    Parameters
    ----------
    cloud
        What is claimed from. A cloud without hosts gets one for each root provider that
        offers CPUs.
    options
        Nova's options; defaults where left out.
    seed
        Of all draws. The same seed and the same calls give the same hosts.

    Raises
    ------
    BadOption
        An option has a value that Nova would not take, or that cannot be compared.
    """

    def __init__(
        self, cloud: Cloud, options: Options | None = None, *, seed: int = 0
    ) -> None:
        self.cloud = cloud
        self.state = cloud.state
        self.options = options or Options()
        check_options(self.options)
        self.seed = seed
        self._decisions = 0
        self._shapes: OrderedDict[ServerSpec, Shape] = OrderedDict()
        # By the identity of shapes, which an engine keeps alive: hashing them is slow.
        self._engines: OrderedDict[tuple[int, ...], Engine] = OrderedDict()
        # As long as an engine has them: each takes memory for all hosts.
        self._extremes: WeakValueDictionary[tuple[Hashable, ...], Extremes]
        self._extremes = WeakValueDictionary()
        self._extremes_version: tuple[int, ...] = ()
        self._exact: dict[ServerSpec, Shape] = {}
        # Shapes that `play` met: one engine for all of them serves the next call, too.
        self._met: dict[int, Shape] = {}
        self.plain = Question(subset=self.options.filter_scheduler.host_subset_size)
        self._enabled = frozenset(
            name.rpartition(".")[2]
            for name in self.options.filter_scheduler.enabled_filters
        )
        self._facts: tuple[int, int] | None = None
        with self.state.lock:
            if not len(self.state.hosts):
                derive_hosts(self.state)

    def select(
        self,
        spec: ServerSpec,
        count: int = 1,
        servers: Sequence[str] | None = None,
    ) -> Selection:
        """Select and claim hosts for servers that ask the same, or for none of them.

        Parameters
        ----------
        spec
            What each of them asks.
        count
            Number of servers.
        servers
            Their UUIDs; new ones where left out.

        Raises
        ------
        NoValidHost
            Some server finds no host; nothing was claimed.
        BadInput
            The spec contradicts itself, or a UUID is taken.
        SearchTooLong
            Whether a host has a candidate could not be found out in time.

        Notes
        -----
        As ``select_destinations`` in Nova's ``scheduler/manager.py``.
        """
        names = _names(spec, count, servers)
        with self.state.lock:
            shape = self.shape(spec)
            engine = self.engine((shape,))
            rows = self.add_consumers(names)
            try:
                return self.place(engine, spec, names, rows)
            except BaseException:
                for row in rows.tolist():
                    if self.state.tables.consumer["first"][row] >= 0:
                        claims.release(self.state, self.state.consumer_uuids[row])
                    else:
                        claims.free_consumer(self.state, row)
                raise

    def asked(self, spec: ServerSpec) -> Question:
        """Give what a spec asks beside its shape."""
        listing = self._listing(spec)
        if spec.server_group is None and listing.kind == NOTHING:
            return self.plain
        return Question(listing, *self._group(spec), self.plain.subset)

    def play(self, events: Sequence[Event]) -> Played:
        """Let servers come and go in their order, many in one call.

        Refusals are part of the answer, also of a server that leaves and is unknown.
        Servers are active at once: they do not count as I/O operations of their hosts
        afterwards.

        Raises
        ------
        BadInput
            A server is there already, or comes twice, or a spec contradicts itself.
            Nothing was done.
        SearchTooLong
            Whether a host has a candidate could not be found out in time. What came
            before is done.
        """
        with self.state.lock:
            return play_events(self, events)

    def prepare(self, specs: Iterable[ServerSpec]) -> None:
        """Compile what servers will ask of ``play``, together; raises as ``shape``."""
        with self.state.lock:
            self.common_engine(self.together(map(self.shape, specs)))

    def together(self, shapes: Iterable[Shape]) -> list[Shape]:
        """Give these shapes and those met before, unless they have become many."""
        found = {id(shape): shape for shape in shapes}
        if not found.keys() <= self._met.keys():
            both = {**self._met, **found}
            self._met = both if len(both) <= _MOST_TOGETHER else found
        return list(self._met.values())

    def explain(self, spec: ServerSpec, first: int = 10) -> Reasons:
        """Say what would remove which hosts, and what weighs for the ``first`` best.

        Nothing is claimed. Each host is looked at by itself, which takes some ten
        microseconds a host. Raises as ``select`` does before it looks at hosts.
        """
        return reasons(self, spec, first)

    def notes(self, spec: ServerSpec) -> tuple[str, ...]:
        """Say what is ignored in a spec, a line each; raises as ``shape``."""
        # A shape has lost what was noted of the server's own ports and profiles.
        return (*spec.notes, *self.shape(spec).notes)

    def named_rows(self, spec: ServerSpec) -> NDArray[np.int64] | None:
        """Give the rows of the hosts that a spec leaves by name, None for all."""
        listing = self._listing(spec)
        if listing.kind == ONLY:
            return listing.rows.astype(np.int64)
        if listing.kind == EXCEPT:
            rows = np.arange(len(self.state.hosts))
            return np.setdiff1d(rows, listing.rows)
        return None

    def shape(self, spec: ServerSpec) -> Shape:
        """Give the shape of a spec, made at its first sight; raises as ``select``."""
        now = (self.state.facts, self.state.hosts.version)
        if self._facts != now:
            # Pre-filters read host aggregates and traits.
            self._shapes.clear()
            self._exact.clear()
            self._met.clear()
            self._facts = now
        exact = self._exact.get(spec)
        if exact is not None:
            return exact
        # Without sharing providers a list of one host says the same, in one shape.
        shared = len(self.state.sharing().provider) > 0
        node = sole_target(self.state, spec) if shared else None
        plain = anonymous(spec, node)
        shape = self._shapes.get(plain)
        if shape is None:
            aggregates = self.state.hosts.aggregates
            narrowed = run_prefilters(
                replace(plain, force_hosts=()), aggregates, self.options, self.traits
            )
            narrowed = replace(narrowed, force_hosts=plain.force_hosts)
            shape = self._shapes[plain] = shape_of(narrowed, self.options, node)
            if len(self._shapes) > _MOST_SHAPES:
                self._shapes.popitem(last=False)
        if len(self._exact) > _MOST_SHAPES:
            self._exact.clear()
        self._exact[spec] = shape
        return shape

    @property
    def traits(self) -> Vocabulary:
        """Traits that a server may ask for."""
        return self.state.traits

    def engine(self, shapes: tuple[Shape, ...]) -> Engine:
        """Give the columns for some shapes, kept from before or made now."""
        key = tuple(map(id, shapes))
        engine = self._engines.get(key)
        if engine is None or not engine.is_current():
            extremes = self._extremes_for(shapes[0])
            engine = Engine(self.state, shapes, self.options, extremes)
            self._engines[key] = engine
            if len(self._engines) > _MOST_ENGINES:
                self._engines.popitem(last=False)
        self._engines.move_to_end(key)
        return engine

    def common_engine(self, shapes: Sequence[Shape]) -> Engine | None:
        """Give the columns for shapes whose hosts are weighed alike, None if not."""
        known = tuple(map(id, shapes)) in self._engines
        if known or (shapes and are_weighed_alike(shapes, self.options)):
            return self.engine(tuple(shapes))
        return None

    def _extremes_for(self, shape: Shape) -> Extremes:
        """Give what a shape shares with all that are weighed alike."""
        now = versions(self.state)
        if self._extremes_version != now:
            self._extremes.clear()
            self._extremes_version = now
        key = weighed_by(shape, self.options)
        found = self._extremes.get(key)
        if found is None:
            found = self._extremes[key] = Extremes(self.state, shape, self.options)
        return found

    def add_consumers(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Add a consumer for each server; give their rows."""
        try:
            first = claims.add_consumers(self.state, list(names))
        except BadInput:
            for name in names:
                if self.state.consumer_uuids.find(name) >= 0:
                    raise BadInput(
                        f"Server {name!r} is there already; UUIDs are unique."
                    ) from None
            raise
        return np.arange(first, first + len(names), dtype=np.int32)

    def place(
        self,
        engine: Engine,
        spec: ServerSpec,
        names: tuple[str, ...],
        rows: NDArray[np.int32],
    ) -> Selection:
        """Place servers of one spec, whose consumers are there."""
        count = len(rows)
        numbers = self.draws(count)
        spare = self.options.scheduler.max_attempts - 1
        check_target(self.state, spec)
        if needs_occupying(spec) or takes_turns(engine):
            return self._select_each(engine, spec, names, rows, numbers)
        batch = Batch(engine, self.asked(spec), rows, numbers, spare)
        if not batch.run():
            raise NoValidHost(refusal(engine, 0, count))
        found = selection_of(batch, spec, names)
        batch.close()
        return found

    def _select_each(
        self,
        engine: Engine,
        spec: ServerSpec,
        names: tuple[str, ...],
        rows: NDArray[np.int32],
        numbers: NDArray[np.float64],
    ) -> Selection:
        """Place servers one by one: each changes what the next one is compared by."""
        spare = self.options.scheduler.max_attempts - 1
        found: list[Selection] = []
        for n, name in enumerate(names):
            part = slice(n, n + 1)
            batch = batch_of(engine, self.asked(spec), rows[part], numbers[part], spare)
            if not batch.run():
                raise NoValidHost(refusal(engine, 0, len(names)))
            found.append(selection_of(batch, spec, (name,)))
            batch.close()
            if needs_occupying(spec):
                # Those of groups from outside the flavor are asked for.
                mappings = found[-1].hosts[0].mappings if spec.groups else {}
                occupy(self.state, int(rows[n]), spec, self.options, mappings)
        return joined(found)

    def draws(self, count: int) -> NDArray[np.float64]:
        """Give the numbers of the next decisions, (N, 2); zeros where none is drawn."""
        first, self._decisions = self._decisions, self._decisions + count
        shuffles = self.options.filter_scheduler.shuffle_best_same_weighed_hosts
        if self.plain.subset == 1 and not shuffles:
            return np.zeros((count, 2))
        return draws(self.seed, first, count)

    def _listing(self, spec: ServerSpec) -> Listing:
        return listed_hosts(self.state, spec, self._enabled, frozenset())

    def _group(self, spec: ServerSpec) -> tuple[int, int, int]:
        """Give number, policy and limit of a spec's server group."""
        group = spec.server_group
        if group is None:
            return -1, 0, 1
        most = group.max_server_per_host
        number = self.state.groups.find(group.uuid)
        if number < 0:
            made = Group(group.uuid or str(uuid4()), group.policy, most)
            number = self.state.groups.add(made)
            self._adopt(number, group.members)
        return number, POLICIES.index(group.policy) + 1, most

    def _adopt(self, number: int, members: Iterable[str]) -> None:
        """Make servers members of a group that was not known."""
        table = self.state.tables.consumer
        for uuid in members:
            row = self.state.consumer_uuids.find(uuid)
            if row >= 0:
                table["group"][row] = number
        self.state.groups.recount()


def _names(
    spec: ServerSpec, count: int, servers: Sequence[str] | None
) -> tuple[str, ...]:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadInput(f"count must be at least 1, got {count!r}.")
    if servers is None:
        single = count == 1 and spec.instance_uuid
        return (spec.instance_uuid,) if single else _new_names(count)
    if len(servers) != count or len(set(servers)) != count:
        raise BadInput(f"servers must be {count} different UUIDs, got {servers!r:.80}.")
    return tuple(servers)


def _new_names(count: int) -> tuple[str, ...]:
    return tuple(str(uuid4()) for _ in range(count))
