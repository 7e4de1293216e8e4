"""Two services take turns: the ratio of each turn, and the medians."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

from kilonova.bench.timing import uncollected

_MOST = 20
# Of the budget: a first turn that takes more is no warming up.
_SHARE = 0.2

Found = TypeVar("Found")


class Turn(NamedTuple):
    """Seconds that both took in one turn; ours by what was done in them."""

    theirs: float
    ours: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """How a peer and Kilonova compare on one question, done by ours in one way.

    Attributes
    ----------
    peer
        Its name, with its database.
    question, hosts, shape
        What was asked, and of which cloud.
    doing
        What Kilonova did.
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
    doing: str
    theirs: float
    ours: float
    ratio: float
    turns: int

    def row(self) -> dict[str, Any]:
        """Give it for JSON."""
        return asdict(self)


def undisturbed(call: Callable[[], Found]) -> Found:
    """Call without the collector of garbage."""
    with uncollected():
        return call()


def compared(
    where: tuple[str, str, int, str], turn: Callable[[], Turn], budget_s: float
) -> Iterator[Pair]:
    """Take turns until the budget is spent; give a pair for each thing that ours did.

    The first turn warms up, and counts only where it took long.

    Parameters
    ----------
    where
        Peer, question, hosts and shape.
    turn
        Takes one.
    budget_s
        Seconds of the peer's after which no turn begins; there is one at least.
    """
    first = undisturbed(turn)
    turns = [first] if first.theirs > _SHARE * budget_s else []
    while not turns or (
        len(turns) < _MOST and sum(each.theirs for each in turns) < budget_s
    ):
        turns.append(undisturbed(turn))
    for doing in first.ours:
        yield Pair(
            *where,
            doing=doing,
            theirs=_median([each.theirs for each in turns]),
            ours=_median([each.ours[doing] for each in turns]),
            ratio=_median([each.theirs / each.ours[doing] for each in turns]),
            turns=len(turns),
        )


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
