"""Measure how fast `kilonova` starts, and write the table into README.md.

Four figures: the help, the compilation of the kernels that a first replay waits for,
that of all kernels, and the time from the start of the process to the first decision
once they are compiled. The replay counts its own, `kilonova.bench.cold` all kernels;
here they are only read and checked for sense.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import figures

COLD = "kilonova.bench.cold"
# Kernels that are named.
_LONGEST = 10
PACKAGES = ("numpy", "numba", "pyarrow")
REPLAY = "replay openb --workload default --seed 42 --policy BestFit --json"


@dataclass(frozen=True, slots=True)
class Replay:
    """What one replay said of its own start, in seconds."""

    compile_s: float
    first_decision_s: float


@dataclass(frozen=True, slots=True)
class Cold:
    """What compiling all kernels took.

    Attributes
    ----------
    compile_cpu_s
        CPU seconds of all.
    kernels
        How many Python called.
    longest
        Those with most of it, each with its share.
    missing
        Those that nothing came to.
    """

    compile_cpu_s: float
    kernels: int
    longest: tuple[str, ...]
    missing: tuple[str, ...]


def main() -> int:
    """Measure, write and show the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure how fast kilonova starts.")
    parser.add_argument("--runs", type=int, default=11, help="starts for the median")
    parser.add_argument(
        "--print", action="store_true", dest="dry", help="leave README.md as it is"
    )
    options = parser.parse_args()
    if options.runs < 1:
        parser.error(f"--runs must be at least 1, got {options.runs}.")
    try:
        body = measured(options.runs)
        print(body)
        if not options.dry:
            figures.write(figures.ROOT / "README.md", "start-times", body)
    except figures.FigureError as error:
        print(f"measure_start: {error}", file=sys.stderr)
        return 1
    return 0


def measured(runs: int) -> str:
    """Return the table with the line that says where and how it was measured."""
    help_ms = statistics.median(_help_ms() for _ in range(runs))
    with tempfile.TemporaryDirectory() as folder:
        cold = _replay(Path(folder))
        # Far fewer: a replay goes on to its end after the figure has been taken.
        warm = [_replay(Path(folder)) for _ in range(min(runs, 3))]
    if not cold.compile_s > 0:
        raise figures.FigureError(
            f"An empty kernel cache must mean compiling, got {cold.compile_s} s of it."
        )
    first_s = statistics.median(run.first_decision_s for run in warm)
    every = read_cold(_cold())
    rows = [
        (f"`kilonova --help` (median of {runs})", f"{help_ms:.0f} ms", "300 ms"),
        ("first replay: compiling kernels, once", f"{cold.compile_s:.1f} s", "20 s"),
        (
            "all kernels of a cold cache: CPU time of compiling, "
            f"for {every.kernels} that Python calls",
            f"{every.compile_cpu_s:.1f} s",
            "60 s",
        ),
        (
            f"later replays: start to first decision (median of {len(warm)})",
            f"{first_s:.2f} s",
            "2 s",
        ),
    ]
    return "\n\n".join(
        [
            figures.table(("what", "time", "at most"), rows),
            "Most of the compiling, by what Python called first: "
            f"{', '.join(every.longest)}; left out: "
            f"{', '.join(every.missing) or 'none'}.",
            f"Measured by `make start-times` with `kilonova --help`, `kilonova "
            f"{REPLAY}`\nand `python -m {COLD}` on {figures.machine(PACKAGES)}.",
        ]
    )


def _help_ms() -> float:
    """Return how long `kilonova --help` takes from outside, in milliseconds."""
    begin = time.perf_counter()
    _run(["--help"], cache=None)
    return (time.perf_counter() - begin) * 1000


def _replay(cache: Path) -> Replay:
    """Replay with the kernels cached in this folder, and return what it reports."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        report = _run([*REPLAY.split(), "--out", out], cache)
    wall_s = time.perf_counter() - begin
    replay = read_report(report)
    if replay.first_decision_s > wall_s:
        raise figures.FigureError(
            f"The first decision cannot come after {replay.first_decision_s} s: the "
            f"whole replay took {wall_s:.2f} s."
        )
    return replay


def read_report(report: str) -> Replay:
    """Read the figures of the only run in a replay's JSON.

    Raises
    ------
    FigureError
        When the text is no JSON, has not exactly one run, or a figure is missing or not
        a number of seconds.
    """
    try:
        document = json.loads(report)
    except json.JSONDecodeError as error:
        raise figures.FigureError(
            f"The replay printed no JSON ({error}), but {report[:80]!r}."
        ) from None
    runs = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(runs, list) or len(runs) != 1 or not isinstance(runs[0], dict):
        raise figures.FigureError("The replay's JSON must have one object in 'runs'.")
    return Replay(
        compile_s=_seconds(runs[0], "compile_s"),
        first_decision_s=_seconds(runs[0], "first_decision_s"),
    )


def read_cold(report: str) -> Cold:
    """Read what compiling all kernels took.

    Raises
    ------
    FigureError
        When the text is no such JSON, or nothing was compiled.
    """
    try:
        document = json.loads(report)
        seconds, parts = document["compile_cpu_s"], dict(document["kernels"])
        missing = tuple(map(str, document["not_compiled"]))
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise figures.FigureError(f"Not a report of compiling: {error!r}.") from None
    if not seconds > 0:
        raise figures.FigureError(
            f"An empty kernel cache must mean compiling, got {seconds} s of it."
        )
    longest = sorted(parts.items(), key=lambda each: -each[1])[:_LONGEST]
    shares = tuple(f"{name} {100 * part / seconds:.0f} %" for name, part in longest)
    return Cold(seconds, len(parts), shares, missing)


def _cold() -> str:
    """Compile all kernels in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", COLD],
            env=os.environ | {"NUMBA_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        raise figures.FigureError(f"python -m {COLD} ended with {done.returncode}.")
    return done.stdout


def _seconds(run: dict[str, object], name: str) -> float:
    """Return a figure of a run."""
    value = run.get(name)
    # A truth value is a number to Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise figures.FigureError(
            f"{name!r} of a run must be a number of seconds, got {value!r}. "
            f"The run has {sorted(run)}."
        )
    return float(value)


def _run(arguments: list[str], cache: Path | None) -> str:
    """Run the command beside this Python and return its output."""
    command = Path(sys.executable).with_name("kilonova")
    environment = dict(os.environ)
    if cache:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    try:
        done = subprocess.run(
            [command, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise figures.FigureError(f"{command} is missing: run `make test`.") from None
    except subprocess.CalledProcessError as error:
        line = " ".join(["kilonova", *arguments])
        raise figures.FigureError(f"{line} ended with {error.returncode}.") from None
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
