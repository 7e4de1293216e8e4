"""Two services take turns: the ratio of each turn, and the medians."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

_MOST = 20


class Turn(NamedTuple):
    """Seconds that both took in one turn."""

    theirs: float
    ours: float


@dataclass(frozen=True, slots=True)
class Pair:
    """How a peer and Kilonova compare on one question.

    Attributes
    ----------
    peer
        Its name, with its database.
    question, hosts, shape
        What was asked, and of which cloud.
    theirs, ours
        Median seconds.
    ratio
        Median of the ratios of the turns.
    turns
        How many there were.
    """

    peer: str
    question: str
    hosts: int
    shape: str
    theirs: float
    ours: float
    ratio: float
    turns: int

    def row(self) -> dict[str, Any]:
        """Give it for JSON."""
        return asdict(self)


def pair(
    where: tuple[str, str, int, str], turn: Callable[[], Turn], budget_s: float
) -> Pair:
    """Take turns after one to warm up, until the budget is spent.

    Parameters
    ----------
    where
        Peer, question, hosts and shape.
    turn
        Takes one.
    budget_s
        Seconds; there is one turn at least.
    """
    turns: list[Turn] = []
    turn()
    begin = time.perf_counter()
    while len(turns) < _MOST:
        gc.collect()
        gc.disable()
        try:
            turns.append(turn())
        finally:
            gc.enable()
        if time.perf_counter() - begin > budget_s:
            break
    theirs, ours = (_median(column) for column in zip(*turns, strict=True))
    ratio = _median([each.theirs / each.ours for each in turns])
    return Pair(*where, theirs=theirs, ours=ours, ratio=ratio, turns=len(turns))


def median_of(call: Callable[[], float], count: int) -> float:
    """Give the median of some seconds."""
    return _median([call() for _ in range(count)])


def seconds(call: Callable[[], object]) -> float:
    """Time a call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values))
