"""Servers that come and go, in bulk: one call of a kernel for many of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kilonova.hosts.batch import Question
from kilonova.hosts.engine import Engine
from kilonova.request.server import ServerSpec

if TYPE_CHECKING:
    from kilonova_kernels.host_columns import OrderColumns


@dataclass(frozen=True, slots=True)
class Boot:
    """A server that comes.

    Attributes
    ----------
    server
        Its UUID.
    spec
        What it asks.
    call
        Servers next to each other with an equal call find all their hosts, or none of
        them keeps one; None: alone.
    """

    server: str
    spec: ServerSpec
    call: object | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """A server that leaves; one that found no host leaves nothing behind."""

    server: str


Event = Boot | Delete


class Played(NamedTuple):
    """What became of N events.

    Attributes
    ----------
    host
        Row of the host that each server got, -1 where none was found, or it left,
        (N,) int32.
    stuck
        Whether no host could take it, or it was not asked any more as no host could
        take one before it of the same call, (N,) bool.
    unknown
        Whether a server should leave that was not there, which Nova answers with 404,
        (N,) bool.
    """

    host: NDArray[np.int32]
    stuck: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


def play(
    engine: Engine,
    shapes: NDArray[np.int32],
    consumers: NDArray[np.int32],
    calls: NDArray[np.int64],
    questions: Sequence[Question],
    draws: NDArray[np.float64],
) -> Played:
    """Let servers come and go in their order.

    Parameters
    ----------
    engine
        What is kept of hosts for all shapes.
    shapes
        Number of each server's shape, -1 for one that leaves, (N,).
    consumers
        Row of its consumer, (N,).
    calls
        First event of the call that it belongs to, (N,).
    questions
        What else each asks.
    draws
        Numbers by which hosts are drawn, (N, 2).
    """
    orders = _orders(engine, shapes, consumers, calls, questions, draws)
    listed = max((len(each.listing.rows) for each in questions), default=0)
    engine.run(orders, int((orders.group >= 0).sum()) + listed)
    stuck = (orders.best[:, 0] < 0) & (shapes >= 0)
    return Played(orders.host, stuck, np.zeros(len(shapes), np.bool_))


def _orders(
    engine: Engine,
    shapes: NDArray[np.int32],
    consumers: NDArray[np.int32],
    calls: NDArray[np.int64],
    questions: Sequence[Question],
    draws: NDArray[np.float64],
) -> "OrderColumns":
    from kilonova_kernels.host_columns import OrderColumns

    count = len(shapes)
    subset = max((each.subset for each in questions), default=1)
    starts = np.zeros(count + 1, np.int64)
    np.cumsum([len(each.listing.rows) for each in questions], out=starts[1:])
    none = np.zeros(0, np.int32)
    return OrderColumns(
        shape=shapes,
        consumer=consumers,
        call=calls,
        group=np.array([each.group for each in questions], np.int32),
        policy=np.array([each.policy for each in questions], np.int32),
        most=np.array([each.most for each in questions], np.int32),
        listed_start=starts,
        listed_host=np.concatenate([none, *(e.listing.rows for e in questions)]),
        listed=np.array([each.listing.kind for each in questions], np.int32),
        draw=draws,
        subset=np.array([subset], np.int64),
        host=np.full(count, -1, np.int32),
        best=np.full((count, subset), -1, np.int32),
        weight=np.zeros((count, subset)),
        plan=np.full(count, -1, np.int32),
        provider=np.full((count, len(engine.search.option_count)), -1, np.int32),
    )
