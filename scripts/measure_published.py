"""Replay the recorded cluster, and write how it compares with the published runs.

The comparison is that of `kilonova replay openb --check-published`; its figures are
only summed over the workloads here and put into README.md.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import figures

COMMAND = ("replay", "openb", "--check-published", "--json")
COLUMNS = {
    "gpu_allocated_pct": "allocated",
    "gpu_fragment_pct": "fragment",
    "fragment_of_idle_pct": "fragment of idle",
}


def main() -> int:
    """Measure, write and show the table; return the exit status."""
    try:
        body = measured()
        print(body)
        figures.write(figures.ROOT / "README.md", "published", body)
    except figures.FigureError as error:
        print(f"measure_published: {error}", file=sys.stderr)
        return 1
    return 0


def measured() -> str:
    """Return the table with the line that says how it was made."""
    rows = read(_run())
    policies = list(dict.fromkeys(str(row["policy"]) for row in rows))
    lines = [_line(p, [row for row in rows if row["policy"] == p]) for p in policies]
    head = ("policy", "runs", *(f"{name}: equal" for name in COLUMNS.values()), "")
    return "\n\n".join(
        [
            figures.table(head, lines),
            "Values of the published series that come out equal, of all. A policy that "
            "draws is\ncompared by the mean of its last value, ± its spread: ours, "
            "published; per workload.\nMeasured by `kilonova "
            f"{' '.join(COMMAND)}`.",
        ]
    )


def _run() -> str:
    command = [str(Path(sys.executable).with_name("kilonova")), *COMMAND]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # 1 says that something differs: that is a result, too.
    if done.returncode not in (0, 1):
        raise figures.FigureError(f"The replay failed: {done.stderr.strip()[-200:]}")
    return done.stdout


def read(report: str) -> list[dict[str, object]]:
    """Read the rows of a comparison.

    Raises
    ------
    FigureError
        When the text is not the JSON of a comparison.
    """
    try:
        rows = json.loads(report)["published"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise figures.FigureError(f"Not a comparison: {error!r}.") from None
    if not isinstance(rows, list) or not rows:
        raise figures.FigureError("The comparison has no rows.")
    return rows


def _line(policy: str, rows: Sequence[dict[str, object]]) -> tuple[str, ...]:
    cells = []
    for column in COLUMNS:
        chosen = [row for row in rows if row["column"] == column]
        cells.append(_cell(chosen))
    runs = sum(int(str(row["runs"])) for row in rows) // len(COLUMNS)
    agrees = all(row["agrees"] for row in rows)
    return (policy, str(runs), *cells, "agrees" if agrees else "**differs**")


def _cell(rows: Sequence[dict[str, object]]) -> str:
    if all(row["drawn"] for row in rows):
        return "; ".join(
            f"{row['ours']:.2f} ± {row['spread'][0]:.2f}, "  # type: ignore[index]
            f"{row['theirs']:.2f} ± {row['spread'][1]:.2f}"  # type: ignore[index]
            for row in rows
        )
    equal, values = (sum(int(str(row[k])) for row in rows) for k in ("equal", "values"))
    return f"{equal} of {values}"


if __name__ == "__main__":
    sys.exit(main())
