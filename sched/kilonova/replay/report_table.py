"""The table of runs in a report, as HTML: a row per workload and policy."""

import math
from collections.abc import Callable, Sequence
from html import escape

from kilonova.replay.report_about import written
from kilonova.replay.report_data import PolicyEnd, Spread


def _none(mean: float) -> int:
    return 0


def _two(mean: float) -> int:
    return 2


def _for_three_digits(mean: float) -> int:
    """Give the decimals that leave three significant digits."""
    return max(0, 2 - math.floor(math.log10(mean))) if mean > 0 else 2


# Head, column of the runs, factor to the unit in the head, decimals for a mean.
_COLUMNS: Sequence[tuple[str, str, float, Callable[[float], int]]] = (
    ("GPUs allocated,<br>% of all", "gpu_allocated_pct", 1, _two),
    ("Fragment,<br>% of all GPUs", "gpu_fragment_pct", 1, _two),
    ("Requests<br>placed", "placed", 1, _none),
    ("Requests<br>refused", "refused", 1, _none),
    ("Run,<br>s", "seconds", 1, _for_three_digits),
    ("First decision,<br>ms", "first_decision_s", 1000, _for_three_digits),
)


def runs_table(ends: Sequence[PolicyEnd]) -> str:
    """Write the table: means over the seeds with their standard deviations.

    The largest allocation of each workload is in bold.
    """
    heads = "".join(f"<th scope=col>{head}</th>" for head, *_ in _COLUMNS)
    lines = [
        "<table class=runs><thead><tr><th scope=col>Policy</th>"
        f"<th scope=col>Seeds</th>{heads}</tr></thead>"
    ]
    for workload in dict.fromkeys(end.workload for end in ends):
        rows = [end for end in ends if end.workload == workload]
        best = max(end.spreads["gpu_allocated_pct"].mean for end in rows)
        lines.append(
            f"<tbody><tr><th scope=rowgroup class=workload "
            f"colspan={len(_COLUMNS) + 2}>{escape(workload)}</th></tr>"
        )
        lines += [_row(end, best) for end in rows]
        lines.append("</tbody>")
    return "\n".join([*lines, "</table>"])


def _row(end: PolicyEnd, best: float) -> str:
    is_best = end.spreads["gpu_allocated_pct"].mean == best
    cells = "".join(
        f"<td>{_cell(end.spreads[name], factor, decimals)}</td>"
        for _, name, factor, decimals in _COLUMNS
    )
    return (
        f"<tr{' class=best' if is_best else ''}><th scope=row>{escape(end.policy)}</th>"
        f"<td>{end.seed_count}</td>{cells}</tr>"
    )


def _cell(spread: Spread, factor: float, decimals: Callable[[float], int]) -> str:
    count = decimals(factor * spread.mean)
    mean = written(factor * spread.mean, count)
    if spread.deviation is None:
        return mean
    return f"{mean} <small>± {written(factor * spread.deviation, count)}</small>"
