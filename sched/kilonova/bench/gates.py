"""Gates: ratios that must not grow, each measured in pairs within one run.

A bound is never a time: a workload is compared with a plain numpy pass over the same
columns, with itself on a cloud of another size, or with another workload. Both take
turns, so that whatever else the machine does slows both.
"""

import gc
import statistics
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.run import ready
from kilonova.bench.timing import clocked, repeated, uncollected
from kilonova.bench.workload import FILL, Fleet, Work
from kilonova.bench.workloads.register import find
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput

_NUMPY, _SIZE, _WORKLOAD = "numpy", "hosts", "workload"
_AGAINST = (_NUMPY, _SIZE, _WORKLOAD)
_KEYS = {"workload", "against", "of", "shape", "fill", "hosts", "at_most"}
# Seconds for the pairs of one gate, and pairs at least and at most.
_BUDGET_S = 0.6
_LEAST, _MOST = 7, 201
# A sample is so many calls that it is well above the tick of the clock.
_SAMPLE_NS = 100_000


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound.

    Attributes
    ----------
    workload
        Name of what is held to it.
    fleet
        Cloud that it is timed on.
    against
        ``"numpy"``, ``"hosts"`` or ``"workload"``.
    of
        For hosts, how many the other cloud has; for a workload, its name.
    at_most
        Largest ratio of the medians of both.
    """

    workload: str
    fleet: Fleet
    against: str
    of: int | str
    at_most: float

    @property
    def title(self) -> str:
        """Say what is compared."""
        other = {
            _NUMPY: "numpy",
            _SIZE: f"itself on {self.of} hosts",
            _WORKLOAD: f"{self.of!r}",
        }[self.against]
        hosts, shape, _ = self.fleet
        return f"{self.workload!r} against {other} ({hosts} hosts, {shape})"


class Outcome(NamedTuple):
    """What came of a gate: the median of the ratios, and how many pairs there were."""

    gate: Gate
    ratio: float
    pairs: int

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.ratio <= self.gate.at_most

    def line(self) -> str:
        """Say it in one line."""
        verdict = "holds" if self.holds else "BREACH"
        return (
            f"{verdict}: {self.gate.title} takes {self.ratio:.2f} times as long, "
            f"at most {self.gate.at_most:g} ({self.pairs} pairs)"
        )

    def row(self) -> dict[str, Any]:
        """Give it for JSON."""
        gate = self.gate
        return {
            "workload": gate.workload,
            **gate.fleet._asdict(),
            "against": gate.against,
            "of": gate.of,
            "at_most": gate.at_most,
            "ratio": self.ratio,
            "pairs": self.pairs,
            "holds": self.holds,
        }


def read_gates(path: Path) -> list[Gate]:
    """Read a file of gates.

    Raises
    ------
    BadInput
        There is none, or a gate in it cannot be right.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not TOML: {error}.") from error
    rows = document.get("gate")
    if not isinstance(rows, list) or not rows:
        raise BadInput(f"{path} must hold at least one [[gate]].")
    return [_gate(f"{path}, gate {number}", row) for number, row in enumerate(rows, 1)]


def _gate(where: str, row: Mapping[str, Any]) -> Gate:
    unknown = sorted(row.keys() - _KEYS)
    if unknown:
        raise BadInput(f"{where}: unknown {unknown[0]!r}; known: {sorted(_KEYS)}.")
    against, at_most = row.get("against"), row.get("at_most")
    if against not in _AGAINST:
        raise BadInput(f"{where}: against must be one of {_AGAINST}, got {against!r}.")
    if isinstance(at_most, bool) or not isinstance(at_most, int | float) or at_most < 0:
        raise BadInput(f"{where}: at_most must be a ratio, got {at_most!r}.")
    fleet = Fleet(row.get("hosts", 10_000), row.get("shape", "flat"), FILL)
    fleet = fleet._replace(fill=row.get("fill", FILL))
    gate = Gate(row.get("workload", ""), fleet, against, row.get("of", 0), at_most)
    _check_places(where, gate)
    return gate


def _check_places(where: str, gate: Gate) -> None:
    """Refuse a gate whose workloads are not timed where it says; raises BadInput."""
    hosts = gate.of if gate.against == _SIZE else gate.fleet.hosts
    if isinstance(hosts, bool) or not isinstance(hosts, int) or hosts < 1:
        raise BadInput(f"{where}: of must be a number of hosts, got {gate.of!r}.")
    names = [gate.workload, *([str(gate.of)] if gate.against == _WORKLOAD else [])]
    for name in names:
        if not find(name).runs_on(gate.fleet):
            raise BadInput(f"{where}: {name!r} is not timed on {gate.fleet}.")


def outcomes(
    gates: Sequence[Gate],
    repeats: Mapping[str, int] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Measure gates.

    Parameters
    ----------
    gates
        Which.
    repeats
        For tests of the gates themselves: how many times a call does its work, by the
        name of the workload.
    progress
        Told what is done.

    Raises
    ------
    WrongResult
        A workload gives another result than it must.
    BadInput
        A workload has no plain numpy pass to compare with.
    """
    cloud_of = cache(lambda fleet: busy_cloud(*fleet))
    for gate in gates:
        progress(gate.title)
        yield _outcome(gate, cloud_of, repeats or {})
        gc.collect()
        gc.freeze()


def _outcome(
    gate: Gate, cloud_of: Callable[[Fleet], Cloud], repeats: Mapping[str, int]
) -> Outcome:
    with ExitStack() as stack:

        def opened(name: str, fleet: Fleet) -> Work:
            work = ready(find(name), cloud_of(fleet), fleet)
            if work.close is not None:
                stack.callback(work.close)
            return work

        own = opened(gate.workload, gate.fleet)
        if gate.against == _NUMPY:
            if own.plain is None:
                raise BadInput(f"{gate.workload!r} has no plain numpy pass.")
            other = Work(call=own.plain, check=lambda: True)
        elif gate.against == _SIZE:
            other = opened(gate.workload, gate.fleet._replace(hosts=int(gate.of)))
        else:
            other = opened(str(gate.of), gate.fleet)
        own = _slowed(own, repeats.get(gate.workload, 1))
        return Outcome(gate, *_compared(own, other))


def _slowed(work: Work, times: int) -> Work:
    """Make a workload so many times slower; a change of state is made only once."""
    if times == 1:
        return work
    if work.before is None and work.after is None:
        slow = repeated(work.call, times)
    else:
        slow = _waiting(work.call, times)
    return Work(slow, work.check, work.before, work.after, decisions=work.decisions)


def _waiting(call: Callable[[], object], times: int) -> Callable[[], object]:
    def slow() -> None:
        begin = time.perf_counter_ns()
        call()
        until = begin + times * (time.perf_counter_ns() - begin)
        while time.perf_counter_ns() < until:
            pass

    return slow


def _compared(own: Work, other: Work) -> tuple[float, int]:
    """Let both take turns; give the median of the ratios, and how many there are."""
    samples = [_sample(work) for work in (own, other)]
    ratios: list[float] = []
    with uncollected():
        begin = time.perf_counter()
        while len(ratios) < _MOST:
            mine, theirs = (sample() for sample in samples)
            ratios.append(mine / theirs)
            if len(ratios) >= _LEAST and time.perf_counter() - begin > _BUDGET_S:
                break
    return statistics.median(ratios), len(ratios)


def _sample(work: Work) -> Callable[[], float]:
    """Give what takes a sample: the mean time of some calls, by decision."""
    first = min(clocked(work) for _ in range(3))
    calls = min(100, max(1, _SAMPLE_NS // max(first, 1)))

    def sample() -> float:
        return sum(clocked(work) for _ in range(calls)) / calls / work.decisions

    return sample
