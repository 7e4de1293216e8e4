"""Many servers that come and go: prepared for the kernel, or taken one by one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud import claims
from kilonova.cloud.servers import note_hosts
from kilonova.cloud.state import State
from kilonova.errors import BadInput, NoValidHost
from kilonova.hosts.careful import takes_turns
from kilonova.hosts.events import Boot, Delete, Event, Played, play
from kilonova.hosts.occupying import needs_occupying
from kilonova.hosts.shape import Shape

if TYPE_CHECKING:
    from kilonova.hosts.scheduler import Scheduler


def play_events(scheduler: "Scheduler", events: Sequence[Event]) -> Played:
    """Let servers come and go in their order; see ``Scheduler.play``."""
    shapes = [
        scheduler.shape(event.spec) if isinstance(event, Boot) else None
        for event in events
    ]
    rows, nobody = _rows(scheduler, events)
    try:
        played = _played(scheduler, events, shapes, rows)
        if nobody >= 0:
            played.unknown[rows == nobody] = True
        return played
    finally:
        _settle(scheduler.state, rows)


def _played(
    scheduler: "Scheduler",
    events: Sequence[Event],
    shapes: Sequence[Shape | None],
    rows: NDArray[np.int32],
) -> Played:
    known = scheduler.together(shape for shape in shapes if shape is not None)
    if any(_occupies(scheduler.state, event) for event in events):
        return _one_by_one(scheduler, events, rows)
    engine = scheduler.common_engine(known)
    if engine is None or takes_turns(engine):
        return _one_by_one(scheduler, events, rows)
    numbers = {id(shape): i for i, shape in enumerate(known)} | {id(None): -1}
    return play(
        engine,
        np.array([numbers[id(shape)] for shape in shapes], np.int32),
        rows,
        _calls(events),
        [
            scheduler.asked(event.spec) if isinstance(event, Boot) else scheduler.plain
            for event in events
        ],
        scheduler.draws(len(events)),
    )


def _rows(
    scheduler: "Scheduler", events: Sequence[Event]
) -> tuple[NDArray[np.int32], int]:
    """Give the consumer row of each event, new ones for servers that come.

    One consumer without anything stands for all that leave and are not there; its row
    is given too, -1 without them. Nova answers 404 to each of them, and goes on.
    """
    state, nobody = scheduler.state, -1
    boots = [event.server for event in events if isinstance(event, Boot)]
    coming = set(boots)
    if len(coming) < len(boots):
        twice = next(name for name in boots if boots.count(name) > 1)
        raise BadInput(f"Server {twice!r} comes twice; UUIDs are unique.")
    rows: dict[str, int] = {}
    if boots:
        rows |= zip(boots, scheduler.add_consumers(boots).tolist(), strict=True)
    for event in events:
        if not isinstance(event, Delete) or event.server in coming:
            continue
        row = state.consumer_uuids.find(event.server)
        if not claims.holds(state, row):
            if nobody < 0:
                nobody = claims.add_consumers(state, [""])
            row = nobody
        rows[event.server] = row
    return np.array([rows[event.server] for event in events], np.int32), nobody


def _occupies(state: State, event: Event) -> bool:
    """Say whether a server takes or leaves NUMA cells or PCI devices."""
    if isinstance(event, Boot):
        return needs_occupying(event.spec)
    uses = state.hosts.uses
    return bool(uses) and state.consumer_uuids.find(event.server) in uses


def _one_by_one(
    scheduler: "Scheduler", events: Sequence[Event], rows: NDArray[np.int32]
) -> Played:
    """Take each server by itself: cells and devices are chosen in between."""
    state = scheduler.state
    none = np.zeros((2, len(rows)), np.bool_)
    played = Played(np.full(len(rows), -1, np.int32), *none)
    calls = _calls(events)
    failed = -1
    for n, event in enumerate(events):
        row = rows[n : n + 1]
        if isinstance(event, Delete):
            claims.vacate(state, int(row[0]))
            continue
        if calls[n] == failed:
            played.stuck[n] = True
            continue
        engine = scheduler.engine((scheduler.shape(event.spec),))
        try:
            scheduler.place(engine, event.spec, (event.server,), row)
        except NoValidHost:
            failed = int(calls[n])
            played.stuck[n] = True
            for before in range(failed, n):
                claims.vacate(state, int(rows[before]))
                played.host[before] = -1
            continue
        played.host[n] = state.tables.consumer["host"][row[0]]
    return played


def _settle(state: State, rows: NDArray[np.int32]) -> None:
    """Forget servers that left or found no host; the others are active."""
    table, hosts = state.tables.consumer, state.hosts.table
    own = np.unique(rows)
    alive = own[table["host"][own] >= 0]
    building = alive[table["building"][alive] == 1]
    np.subtract.at(hosts["num_io_ops"], table["host"][building], 1)
    table["building"][building] = 0
    note_hosts(state, np.unique(table["host"][building]))
    for row in own[table["first"][own] < 0].tolist():
        claims.free_consumer(state, row)


def _calls(events: Sequence[Event]) -> NDArray[np.int64]:
    """Give the first event of the call of each event."""
    first = np.arange(len(events), dtype=np.int64)
    for n in range(1, len(events)):
        event, before = events[n], events[n - 1]
        if (
            isinstance(event, Boot)
            and isinstance(before, Boot)
            and event.call is not None
            and event.call == before.call
        ):
            first[n] = first[n - 1]
    return first
