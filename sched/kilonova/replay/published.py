"""Compare a replay with the series that the authors of a trace published."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kilonova.errors import BadInput
from kilonova.hosts import policies
from kilonova.replay.run import Outcome

COLUMNS = ("gpu_allocated_pct", "gpu_fragment_pct", "fragment_of_idle_pct")

_Key = tuple[str, str, int]


class Agreement(NamedTuple):
    """How one policy on one workload compares with what was published.

    Attributes
    ----------
    workload, policy, column
        What is compared.
    runs, orders, values
        Runs compared, orders among them (a policy that draws plays each several
        times), and values in all.
    equal, within
        Values that are equal, and those at most 0.01 off (equal ones included).
    final_equal
        Runs whose last value is equal.
    largest
        Largest difference.
    ours, theirs
        Mean over the runs of the last value.
    spread
        Standard deviation over the runs of our last value, of theirs.
    """

    workload: str
    policy: str
    column: str
    runs: int
    orders: int
    values: int
    equal: int
    within: int
    final_equal: int
    largest: float
    ours: float
    theirs: float
    spread: tuple[float, float]

    @property
    def is_drawn(self) -> bool:
        """Whether only mean and spread can be compared."""
        return policies.find(self.policy).drawn

    @property
    def agrees(self) -> bool:
        """Whether all values are equal; for a drawn policy, whether the means are near.

        Near is within four standard errors of the difference of the means.
        """
        if not self.is_drawn:
            return self.equal == self.values
        error = np.hypot(*self.spread) / np.sqrt(max(self.orders, 1))
        return bool(abs(self.ours - self.theirs) <= 4 * error)


def published_runs(published: pa.Table) -> set[tuple[str, str, int]]:
    """Give workload, policy and seed of all runs that were published."""
    return set(_published(published))


def compare(published: pa.Table, outcomes: Sequence[Outcome]) -> list[Agreement]:
    """Compare all runs that were published; others are left out.

    Raises
    ------
    BadInput
        None of the runs was published.
    """
    series = _published(published)
    found: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if (outcome.run.workload, outcome.policy, outcome.run.seed) in series:
            found[outcome.run.workload, outcome.policy].append(outcome)
    if not found:
        raise BadInput("None of these runs was published; nothing to compare.")
    return [
        _agreement(series, column, chosen)
        for chosen in found.values()
        for column in COLUMNS
    ]


def _published(table: pa.Table) -> Mapping[_Key, Mapping[str, NDArray[np.float64]]]:
    rows: dict[_Key, list[int]] = defaultdict(list)
    keys = zip(
        *(table[name].to_pylist() for name in ("workload", "policy", "seed")),
        strict=True,
    )
    for row, key in enumerate(keys):
        rows[key].append(row)
    values = {name: table[name].to_numpy() for name in ("arrived_pct", *COLUMNS)}
    return {
        key: {name: array[chosen] for name, array in values.items()}
        for key, chosen in rows.items()
    }


def _agreement(
    published: Mapping[_Key, Mapping[str, NDArray[np.float64]]],
    column: str,
    outcomes: Sequence[Outcome],
) -> Agreement:
    differences, ours, theirs, final_equal = [], [], [], 0
    for outcome in outcomes:
        key = (outcome.run.workload, outcome.policy, outcome.run.seed)
        known = published[key]
        mine = dict(
            zip(
                outcome.series.arrived_pct.tolist(),
                getattr(outcome.series, column).tolist(),
                strict=True,
            )
        )
        got = np.array([mine.get(pct, np.nan) for pct in known["arrived_pct"].tolist()])
        # Both are decimals of two places, but for the last column: then to 1e-9.
        gap = np.abs(got - known[column])
        both_missing = np.isnan(got) & np.isnan(known[column])
        gap = np.where(both_missing, 0.0, np.where(np.isnan(gap), np.inf, gap))
        differences.append(gap)
        final_equal += bool(gap[-1] < 1e-9)
        ours.append(float(got[-1]))
        theirs.append(float(known[column][-1]))
    gaps = np.concatenate(differences)
    return Agreement(
        workload=outcomes[0].run.workload,
        policy=outcomes[0].policy,
        column=column,
        runs=len(outcomes),
        orders=len({outcome.run.seed for outcome in outcomes}),
        values=len(gaps),
        equal=int((gaps < 1e-9).sum()),
        within=int((gaps < 0.01 + 1e-9).sum()),
        final_equal=final_equal,
        largest=float(gaps.max()),
        ours=float(np.mean(ours)),
        theirs=float(np.mean(theirs)),
        spread=(float(np.std(ours)), float(np.std(theirs))),
    )
