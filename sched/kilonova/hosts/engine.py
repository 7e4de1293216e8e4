"""The columns of a selection: plans, marks, extremes and weights for some shapes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import Plans, compile_requests
from kilonova.candidates.giving_up import check_not_given_up
from kilonova.cloud.hosts import tree_hosts
from kilonova.cloud.servers import note_host
from kilonova.cloud.state import State
from kilonova.errors import SearchTooLong
from kilonova.hosts import clock
from kilonova.hosts.allowed import allowed
from kilonova.hosts.changing import Changing
from kilonova.hosts.extremes import Extremes
from kilonova.hosts.first import FirstCandidates
from kilonova.hosts.options import Options
from kilonova.hosts.renumbered import Renumbered
from kilonova.hosts.rooted import is_rooted
from kilonova.hosts.shape import Shape
from kilonova.hosts.single_orders import SingleOrders
from kilonova.hosts.taken import Slots
from kilonova.hosts.verdicts import Verdicts
from kilonova.hosts.weights import Weights

if TYPE_CHECKING:
    from kilonova_kernels.columns import CloudColumns, SearchColumns
    from kilonova_kernels.host_columns import (
        ChoiceColumns,
        FleetColumns,
        HostColumns,
        OrderColumns,
        ShapeColumns,
        TreeColumns,
    )

_LIMITS = {"num_io_ops": "IO_OPS", "num_instances": "INSTANCES"}
_MOST_LIMITS = 2

Place = tuple[str, str, str, str | None]


class Engine:
    """What is kept for shapes whose hosts are weighed alike.

    Parameters
    ----------
    state
        The cloud; what is derived is true for its present rows, traits, aggregates and
        facts of hosts.
    shapes
        Shapes of requests; servers name them by their place here.
    options
        Options of the scheduler.
    extremes
        What is shared with others whose hosts are weighed alike; else of its own.
    """

    def __init__(
        self,
        state: State,
        shapes: Sequence[Shape],
        options: Options,
        extremes: Extremes | None = None,
    ) -> None:
        self.state = state
        self.shapes = tuple(shapes)
        self.options = options
        second = [s.fallback for s in self.shapes if s.fallback is not None]
        self.plans: Plans = compile_requests(
            state, [*(s.request for s in self.shapes), *second]
        )
        self.search: SearchColumns = self.plans.search(state.largest_pool())
        self.tree_host, self.host_tree = tree_hosts(state)
        self._extremes = extremes or Extremes(state, self.shapes[0], options)
        self.weights: Weights = self._extremes.weights
        self.tree: TreeColumns = self._extremes.tree
        self.kept: ShapeColumns = self._shape_columns()
        self.changing = Changing(
            state, self.shapes, options, self.weights, self.tree_host, self._allow
        )
        self._versions = versions(state)
        self._valid = _validity(state, options)
        self._verdicts = [Verdicts(state, shape, options) for shape in self.shapes]
        read = set[str]().union(*(each.columns for each in self._verdicts))
        self._renumbered = Renumbered(state.hosts, read)
        self._choice: ChoiceColumns | None = None
        self._fleet: FleetColumns | None = None
        self._hosts: HostColumns | None = None
        self._columns: CloudColumns | None = None
        self._is_dead = False
        self._slots: dict[int, Slots] = {}
        self._places: dict[int, Place] = {}
        self.first = FirstCandidates(self)
        self.orders = SingleOrders(len(self.search.option_count))

    def is_current(self) -> bool:
        """Say whether rows, traits, aggregates and facts are those it was made for."""
        first, last = self._valid
        if self._is_dead:
            return False
        return self._versions == versions(self.state) and first <= clock.now() <= last

    def check(self) -> None:
        """Raise if the search was given up: this engine is not to be used any more.

        Raises
        ------
        SearchTooLong
            What kernels marked since is not to be trusted.
        """
        try:
            check_not_given_up(self.state, self.search)
        except SearchTooLong:
            self._is_dead = True
            raise

    def slots(self, plan: int) -> Slots:
        """Give the slots of one plan."""
        if plan not in self._slots:
            self._slots[plan] = Slots(self.state, self.plans, plan)
        return self._slots[plan]

    def place(self, host: int) -> Place:
        """Give what a host is called: host, node, root provider, cell."""
        found = self._places.get(host)
        if found is None:
            hosts, table = self.state.hosts, self.state.hosts.table
            cell = int(table["cell"][host])
            found = self._places[host] = (
                hosts.services[int(table["service"][host])],
                hosts.names[host],
                self.state.provider_identity(int(table["provider"][host])),
                hosts.cells[cell] if cell >= 0 else None,
            )
        return found

    def columns(self, best: int, pool: int) -> "FleetColumns":
        """Give what kernels read and write.

        Parameters
        ----------
        best
            Best hosts that a choice keeps.
        pool
            Hosts that one request lists, at most.
        """
        from kilonova_kernels.host_columns import FleetColumns

        self._catch_up()
        groups = self.state.groups.columns(spare=pool)
        # A host that is alone is known by there being no second one.
        choice = self._choices(max(best, 2), pool + len(groups.host))
        hosts, known = self._hosts_now(), self._fleet
        if (
            known is None
            or known.hosts is not hosts
            or known.groups is not groups
            or known.choice is not choice
        ):
            known = self._fleet = FleetColumns(
                hosts=hosts,
                weights=self.weights.columns,
                tree=self.tree,
                shapes=self.kept,
                groups=groups,
                choice=choice,
            )
        return known

    def run(self, orders: "OrderColumns", pool: int) -> int:
        """Carry out orders; give how many servers have a host.

        Parameters
        ----------
        orders
            Servers, and outputs.
        pool
            Hosts that one of them lists, and members that groups gain, at most.

        Raises
        ------
        SearchTooLong
            As ``check``.
        """
        from kilonova_kernels._jit import call
        from kilonova_kernels.select import select_all

        rows = len(orders.shape) * len(self.search.claim_inventory)
        columns = self.state.columns(spare_allocations=rows)
        fleet = self.columns(orders.best.shape[1], pool)
        given = (columns, self.plans.columns, self.search, fleet, orders)
        placed = call(select_all, *given)
        self.state.tables.allocation.count = int(self.state.counters[1])
        self.check()
        return placed

    def passing(self, shape: int) -> NDArray[np.bool_]:
        """Mark the hosts that pass for a shape now, server groups apart, (H,) bool."""
        from kilonova_kernels.host_extremes import catch_up
        from kilonova_kernels.host_passing import mark_passing

        fleet, columns = self.columns(2, 0), self.state.columns()
        catch_up(columns, fleet)
        marks = np.zeros(self.kept.allowed.shape[1], np.bool_)
        mark_passing(columns, self.plans.columns, self.search, fleet, shape, marks)
        self.check()
        return marks

    def _catch_up(self) -> None:
        """Look again at hosts whose NUMA cells or PCI pools are others now."""
        self._extremes.catch_up()
        rows = self._renumbered.rows()
        if rows:
            # Who took or gave back has noted these hosts in the journal.
            for s, verdicts in enumerate(self._verdicts):
                if verdicts.columns:
                    self._mark(s, rows, verdicts.marks(rows))
        self.changing.catch_up()

    def _allow(
        self, shape: int, rows: NDArray[np.int64], marks: NDArray[np.bool_]
    ) -> None:
        """Note new marks; hosts whose mark is another one are looked at again."""
        before = self.kept.allowed[shape, rows]
        self._mark(shape, rows.tolist(), marks.tolist())
        for row in rows[before != marks].tolist():
            note_host(self.state, row)

    def _mark(self, shape: int, rows: list[int], marks: list[bool]) -> None:
        """Set which hosts are allowed, and bar the others: kernels look at bars."""
        from kilonova_kernels.host_columns import WIDTH

        barred, open_to = self.kept.barred[shape], self.kept.allowed[shape]
        for row, mark in zip(rows, marks, strict=True):
            # They are mostly few: an assignment of a list takes as long as a dozen.
            open_to[row] = mark
            if not mark:
                barred[row // WIDTH] |= 1 << row % WIDTH

    def _shape_columns(self) -> "ShapeColumns":
        from kilonova_kernels.host_columns import REFERENCES, WIDTH, ShapeColumns

        state, count = self.state, len(self.shapes)
        hosts, weighers = self.state.hosts.table.count, len(self.weights.names)
        families, blocks = len(self.tree.highest), len(self.weights.columns.value)
        limit_measure, limit = self._limits()
        flavors = [shape.spec.flavor for shape in self.shapes]
        return ShapeColumns(
            allowed=np.array(
                [allowed(state, shape, self.options) for shape in self.shapes]
            ).reshape(count, hosts),
            barred=np.zeros((count, blocks), np.uint16),
            rooted=np.array([is_rooted(state, s) for s in self.shapes], np.bool_),
            stamp=np.full(count, -1, np.int64),
            witness=np.full(count, -1, np.int64),
            high=np.full((count, weighers), -np.inf),
            low=np.full((count, weighers), np.inf),
            high_host=np.full((count, weighers), -1, np.int64),
            low_host=np.full((count, weighers), -1, np.int64),
            bound=np.full((count, families, WIDTH), np.inf),
            least=np.full(count, -np.inf),
            reference=np.zeros((count, families), np.int64),
            last_reference=np.zeros(count, np.int64),
            reference_low=np.zeros((count, REFERENCES, weighers)),
            reference_range=np.zeros((count, REFERENCES, weighers)),
            limit_measure=limit_measure,
            limit=limit,
            vcpus=np.array([f.vcpus for f in flavors], np.int32),
            memory_mb=np.array([f.memory_mb for f in flavors], np.int32),
            disk_mb=np.array([f.disk_mb for f in flavors], np.int32),
            plan=self._plan_numbers(),
        )

    def _plan_numbers(self) -> NDArray[np.int32]:
        """Give the plan of each shape, and that of its fallback, (S, 2)."""
        found = np.full((len(self.shapes), 2), -1, np.int32)
        found[:, 0] = np.arange(len(self.shapes))
        second = [s for s, shape in enumerate(self.shapes) if shape.fallback]
        found[second, 1] = np.arange(len(second)) + len(self.shapes)
        return found

    def _limits(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Give what hosts must be below: measures (S, 2), and limits (S, 2, H)."""
        from kilonova_kernels.host_columns import Measure

        table = self.state.hosts.table
        measure = np.full((len(self.shapes), _MOST_LIMITS), -1, np.int64)
        found: dict[tuple[int, int], NDArray[np.float64]] = {}
        for s, shape in enumerate(self.shapes):
            used: dict[str, int] = {}
            for each in shape.filters:
                if each.threshold is None:
                    continue
                column = each.threshold.column
                i = used.setdefault(column, len(used))
                measure[s, i] = getattr(Measure, _LIMITS[column])
                sets, group = np.unique(table["aggregate_set"], return_inverse=True)
                limits = np.array(
                    [
                        each.threshold.limit(
                            self.state.hosts.aggregates_of(number), self.options
                        )
                        for number in sets.tolist()
                    ],
                    np.float64,
                )[group]
                known = found.get((s, i), np.full(table.count, np.inf))
                found[s, i] = np.minimum(known, limits)
        width = table.count if found else 1
        limit = np.full((len(self.shapes), _MOST_LIMITS, width), np.inf)
        for (s, i), values in found.items():
            limit[s, i] = values
        return measure, limit

    def _hosts_now(self) -> "HostColumns":
        """Give the columns of hosts, new ones where arrays were replaced."""
        columns = self.state.columns()
        if self._hosts is None or self._columns is not columns:
            self._hosts, self._columns = self._host_columns(), columns
        return self._hosts

    def _host_columns(self) -> "HostColumns":
        from kilonova_kernels.host_columns import HostColumns

        host, consumer = self.state.hosts.table, self.state.tables.consumer
        found: dict[str, NDArray[Any]] = {
            "tree_host": self.tree_host,
            "host_tree": self.host_tree,
        }
        for field in HostColumns._fields:
            if field not in found:
                table, _, column = field.partition("_")
                found[field] = (
                    host[column] if table == "host" else consumer.whole(column)
                )
        return HostColumns(**found)

    def _choices(self, best: int, pool: int) -> "ChoiceColumns":
        from kilonova_kernels.host_columns import MOST_LEVELS, WIDTH, ChoiceColumns

        known = self._choice
        if known is None or len(known.host) != best or len(known.pool) < pool:
            rows, weighers = self.weights.columns.multiplier.shape
            self._choice = known = ChoiceColumns(
                low=np.zeros(weighers),
                range=np.zeros(weighers),
                slope=np.zeros((rows, weighers)),
                offset=np.zeros(rows),
                slack=np.zeros(2),
                bound=np.zeros((MOST_LEVELS, WIDTH)),
                kept=np.zeros((MOST_LEVELS + 1, WIDTH)),
                sum=np.zeros(WIDTH),
                most=np.zeros(WIDTH),
                node=np.zeros(MOST_LEVELS, np.int64),
                host=np.zeros(best, np.int32),
                weight=np.zeros(best),
                found=np.zeros(1, np.int64),
                pool=np.zeros(2 * pool + 16, np.int32),
                opened=np.zeros(1, np.int64),
            )
        return known


def versions(state: State) -> tuple[int, ...]:
    """Give what changes whenever rows, traits, aggregates or facts do."""
    return (state.structure, state.facts, state.odd_limits, state.hosts.version)


def _validity(state: State, options: Options) -> tuple[float, float]:
    """Give the first and last time at which the same services are up as now."""
    seen = state.hosts.table["last_seen_up"]
    seen = seen[~np.isnan(seen)]
    down = options.default.service_down_time
    edges = np.concatenate([seen - down, seen + down])
    now = clock.now()
    before, after = edges[edges <= now], edges[edges >= now]
    return before.max(initial=-np.inf), after.min(initial=np.inf)
