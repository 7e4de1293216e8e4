"""Run the benchmarks and write their figures into bench/RESULTS.md.

Each file of benchmarks becomes a table: minimum and median of each case, the bound that
it must keep where it names one (`extra_info["at_most_s"]`), and whatever else it notes.
Cases of one `extra_info["series"]` with different `hosts` are one more table: the power
of the hosts with which each of their medians (`..._p50_s`) grows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import figures

PACKAGES = ("numpy", "numba", "openstack-placement")
RESULTS = figures.ROOT / "bench" / "RESULTS.md"
# What places a case in a table of growth, and is no column of its own.
_SERIES = frozenset({"series", "hosts"})
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def main() -> int:
    """Run, write and show; return the exit status."""
    parser = argparse.ArgumentParser(description="Run the benchmarks, write a table.")
    parser.add_argument("files", nargs="*", default=["bench"], help="what to run")
    parser.add_argument("--print", action="store_true", dest="dry")
    options = parser.parse_args()
    try:
        text = results(_run(options.files), options.files)
        if not options.dry:
            figures.write(RESULTS, "benchmarks", text)
    except figures.FigureError as error:
        print(f"measure_bench: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def _run(files: Sequence[str]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        command = [sys.executable, "-m", "pytest", *files, "--benchmark-enable", "-q"]
        command += [f"--benchmark-json={path}"]
        done = subprocess.run(command, cwd=figures.ROOT, check=False)
        if done.returncode or not path.is_file():
            raise figures.FigureError("The benchmarks failed; nothing was written.")
        found: list[dict[str, Any]] = json.loads(path.read_text())["benchmarks"]
        return found


def results(benchmarks: Sequence[Mapping[str, Any]], files: Sequence[str]) -> str:
    """Return the text of the results: a table per file of benchmarks."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for benchmark in benchmarks:
        groups[str(benchmark["fullname"]).partition("::")[0]].append(benchmark)
    parts = [
        f"Written by `python scripts/measure_bench.py {' '.join(files)}`\n"
        f"on {figures.machine(PACKAGES)}.\nMinimum and median over the rounds; each "
        "result was checked before it was timed.",
    ]
    for name, group in sorted(groups.items()):
        parts += [f"### {Path(name).stem.removeprefix('bench_')}", _table(group)]
        if growing := growth(group):
            parts.append(growing)
    return "\n\n".join(parts)


def growth(group: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the powers of the hosts with which medians grow.

    Each is the slope of a line through the logarithms. Empty where no series has cases
    of two sizes.
    """
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for benchmark in group:
        if "series" in benchmark["extra_info"]:
            found[str(benchmark["extra_info"]["series"])].append(benchmark)
    notes = [n for n in _notes(group) if n.endswith("p50_s")]
    rows = []
    for series, cases in found.items():
        infos = [case["extra_info"] for case in cases]
        hosts = np.log([info["hosts"] for info in infos])
        if len(set(hosts.tolist())) > 1:
            slopes = [_slope(hosts, [info[note] for info in infos]) for note in notes]
            rows.append((series, *slopes))
    head = ("grows with this power of hosts", *map(_title, notes))
    return figures.table(head, rows) if rows else ""


def _slope(hosts: Any, seconds: Sequence[float]) -> str:
    # The clock knows no shorter time.
    times = np.log(np.maximum(seconds, 1e-9))
    return f"{np.polyfit(hosts, times, 1)[0]:.2f}"


def _notes(group: Sequence[Mapping[str, Any]]) -> list[str]:
    found = dict.fromkeys(key for b in group for key in b["extra_info"])
    return [note for note in found if note not in _SERIES]


def _table(group: Sequence[Mapping[str, Any]]) -> str:
    notes = _notes(group)
    head = ("case", "minimum", "median", "rounds", *(_title(note) for note in notes))
    return figures.table(head, [_row(benchmark, notes) for benchmark in group])


def _title(note: str) -> str:
    return note.removesuffix("_s").replace("_", " ")


def _row(benchmark: Mapping[str, Any], notes: Sequence[str]) -> tuple[str, ...]:
    stats, info = benchmark["stats"], benchmark["extra_info"]
    cells = [duration(stats["min"]), duration(stats["median"]), str(stats["rounds"])]
    for note in notes:
        value = info.get(note, "")
        is_time = note.endswith("_s") and isinstance(value, int | float)
        cells.append(duration(value) if is_time else str(value))
    return (str(benchmark["name"]).removeprefix("bench_").removeprefix("test_"), *cells)


def duration(seconds: float) -> str:
    """Write a duration with three digits and the unit that suits it."""
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


if __name__ == "__main__":
    sys.exit(main())
