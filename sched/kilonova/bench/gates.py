"""Gates: ratios that must not grow, each measured in pairs within one run.

A bound is never a time: a workload is compared with a plain numpy pass over the same
columns, with itself on a cloud of another size, or with another workload. Both take
turns, so that whatever else the machine does slows both.
"""

import gc
import math
import statistics
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.run import ready
from kilonova.bench.timing import clocked, repeated, uncollected
from kilonova.bench.workload import FILL, SIZES, Fleet, Work
from kilonova.bench.workloads.register import find, workloads
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
    gates = [_gate(f"{path}, gate {number}", row) for number, row in enumerate(rows, 1)]
    for number, gate in enumerate(gates, 1):
        if gate in gates[: number - 1]:
            raise BadInput(f"{path}, gate {number}: there is one just like it before.")
    return gates


def _gate(where: str, row: object) -> Gate:
    if not isinstance(row, dict):
        raise BadInput(f"{where}: it must be a table, got {row!r}.")
    unknown = sorted(row.keys() - _KEYS)
    if unknown:
        raise BadInput(f"{where}: unknown {unknown[0]!r}; known: {sorted(_KEYS)}.")
    against, fill = row.get("against"), row.get("fill")
    if against not in _AGAINST:
        raise BadInput(f"{where}: against must be one of {_AGAINST}, got {against!r}.")
    at_most = _ratio(where, row.get("at_most"))
    hosts = _hosts(where, "hosts", row.get("hosts", 10_000))
    fleet = Fleet(hosts, row.get("shape", "flat"), FILL if fill is None else fill)
    name = _workload(where, "workload", row.get("workload"), fleet)
    of: int | str = 0
    if against == _NUMPY and "of" in row:
        raise BadInput(f"{where}: against numpy there is no of, got {row['of']!r}.")
    if against == _WORKLOAD:
        of = _workload(where, "of", row.get("of"), fleet)
    if against == _SIZE:
        of = _hosts(where, "of", row.get("of"))
        _workload(where, "workload", name, fleet._replace(hosts=of))
    if of in (hosts, name):
        raise BadInput(f"{where}: of must be another one, got {of!r}.")
    return Gate(name, fleet, against, of, at_most)


def _ratio(where: str, value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < cast(float, value) < math.inf:
        raise BadInput(f"{where}: at_most must be a ratio above 0, got {value!r}.")
    return cast(float, value)


def _hosts(where: str, key: str, value: object) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not 1 <= cast(int, value) <= SIZES[-1]:
        right = f"a number of hosts in 1..{SIZES[-1]}"
        raise BadInput(f"{where}: {key} must be {right}, got {value!r}.")
    return cast(int, value)


def _workload(where: str, key: str, name: object, fleet: Fleet) -> str:
    """Refuse what is no workload, or is not timed on a cloud; raises BadInput."""
    known = {each.name: each for each in workloads()}
    if not isinstance(name, str) or name not in known:
        raise BadInput(
            f"{where}: {key} must be a workload, as `kilonova bench` names it, "
            f"got {name!r}."
        )
    if not known[name].runs_on(fleet):
        hosts, shape, fill = fleet
        raise BadInput(
            f"{where}: {name!r} is not timed on {hosts} hosts, shape {shape!r}, "
            f"fill {fill!r}."
        )
    return name


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
