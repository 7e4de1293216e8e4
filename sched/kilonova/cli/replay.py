"""``kilonova replay``: play recorded clusters, show a table, write the report."""

import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from kilonova.cli.started import seconds_since_start
from kilonova.errors import BadInput
from kilonova.hosts import weighers
from kilonova.replay.published import Agreement, compare
from kilonova.replay.run import Outcome, Workload, tables_of, warm_up
from kilonova.replay.trace import Run, Trace, find_trace, read_trace

# How often a policy that draws plays each order when its mean is compared.
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    source: str
    policies: tuple[str, ...]
    workloads: tuple[str, ...]
    seeds: tuple[int, ...]
    out: Path | None
    as_json: bool
    check_published: bool


@dataclass(slots=True)
class Start:
    """How long the start took, in seconds."""

    compile_s: float = 0.0
    first_decision_s: float = 0.0


def run(wanted: Wanted) -> None:
    """Carry out the command.

    Raises
    ------
    KilonovaError
        Something that was given cannot be right; nothing was written.
    SystemExit
        1 where a replay differs from what was published; 130 after Ctrl-C.
    """
    screen = Console(stderr=True)
    chosen = [weighers.find(name) for name in dict.fromkeys(wanted.policies)]
    chosen = chosen or list(weighers.registered())
    folder = find_trace(wanted.source)
    if not wanted.check_published:
        from kilonova.replay.report import require_extra

        require_extra()
    trace = read_trace(folder)
    runs = trace.choose(wanted.workloads, wanted.seeds)
    if wanted.check_published and trace.published is None:
        raise BadInput(f"{folder} has no published.parquet to compare with.")
    start = Start(compile_s=_warm_up(screen))
    outcomes: list[Outcome] = []
    repeats = _REPEATS if wanted.check_published else 1
    games = [
        (weigher, run, repeat)
        for weigher in chosen
        for run in runs
        for repeat in range(repeats if weigher.drawn else 1)
    ]
    try:
        _play(trace, games, start, outcomes, screen)
        if wanted.check_published:
            _check(trace, outcomes, wanted)
        else:
            _report(trace, outcomes, wanted, start, screen)
    except KeyboardInterrupt:
        screen.print(
            f"kilonova: interrupted after {len(outcomes)} of {len(games)} runs; "
            "nothing was written"
        )
        raise SystemExit(130) from None


def _warm_up(screen: Console) -> float:
    """Load the kernels, and say so where they must be compiled first."""
    from kilonova_kernels._jit import is_compiled
    from kilonova_kernels.place import place_all

    if is_compiled(place_all):
        warm_up()
        return 0.0
    begin = time.perf_counter()
    with screen.status("compiling kernels, once: less than a minute"):
        if not screen.is_terminal:
            screen.print("kilonova: compiling kernels, once: less than a minute")
        warm_up()
    return time.perf_counter() - begin


def _play(
    trace: Trace,
    games: Sequence[tuple[weighers.Weigher, Run, int]],
    start: Start,
    outcomes: list[Outcome],
    screen: Console,
) -> None:
    names = {run.workload for _, run, _ in games}
    workloads = {name: Workload(trace, name) for name in names}
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("requests"),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
    )
    total = sum(len(run.order) for _, run, _ in games)
    with bar:
        task = bar.add_task("replaying", total=total)

        def done(count: int) -> None:
            if not start.first_decision_s:
                start.first_decision_s = seconds_since_start()
            bar.advance(task, count)

        for weigher, run, repeat in games:
            text = f"{weigher.name}, {run.workload}, seed {run.seed}"
            bar.update(task, description=f"replaying {text}")
            workload = workloads[run.workload]
            outcomes.append(workload.play(run, weigher, done, repeat))


def _report(
    trace: Trace,
    outcomes: Sequence[Outcome],
    wanted: Wanted,
    start: Start,
    screen: Console,
) -> None:
    from kilonova.replay.report import write_report
    from kilonova.replay.report_about import About

    out = wanted.out or Path("out") / trace.folder.name
    about = About(
        title=f"Replay of {trace.folder.name}",
        source=_source(trace),
        command=shlex.join(["kilonova", *sys.argv[1:]]),
        attributions=_attributions(trace),
    )
    with screen.status("drawing the report"):
        files = write_report(tables_of(trace, outcomes), about, out)
    if wanted.as_json:
        rows = tables_of(trace, outcomes).runs.to_pylist()
        for row in rows:
            row["compile_s"] = start.compile_s
        rows[0]["first_decision_s"] = start.first_decision_s
        found = {"runs": rows, "files": [str(path) for path in files]}
        print(json.dumps(found, indent=1))
        return
    console = Console()
    console.print(_table(outcomes))
    console.print(f"report: {files[0]}", soft_wrap=True)


def _source(trace: Trace) -> str:
    gpus = trace.gpu_milli // 1000
    return f"{trace.folder.name}: {len(trace.machines)} machines with {gpus} GPUs"


def _attributions(trace: Trace) -> tuple[str, ...]:
    """Give the notices of a recorded cluster: paragraphs of its NOTICE file."""
    path = trace.folder / "NOTICE"
    if not path.is_file():
        return ()
    return tuple(path.read_text(encoding="utf-8").strip().split("\n\n"))


def _table(outcomes: Sequence[Outcome]) -> Table:
    """Give the means over the seeds, one row per workload and policy."""
    import numpy as np

    table = Table(
        title="When all requests have arrived: mean over the seeds",
        caption="GPU %: allocated, of all GPUs; +-: its spread over the seeds\n"
        "idle %: of all GPUs, of no use to a typical request; s: of one run",
    )
    table.add_column("workload", no_wrap=True)
    table.add_column("policy", no_wrap=True)
    for name in ("runs", "placed", "refused", "GPU %", "+-", "idle %", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.run.workload, outcome.policy), []).append(outcome)
    for (workload, policy), found in groups.items():
        allocated = [o.series.gpu_allocated_pct[-1] for o in found]
        fragment = [o.series.gpu_fragment_pct[-1] for o in found]
        placed = np.mean([(o.tree >= 0).sum() for o in found])
        refused = np.mean([(o.tree < 0).sum() for o in found])
        table.add_row(
            workload,
            policy,
            str(len(found)),
            f"{placed:.0f}",
            f"{refused:.0f}",
            f"{np.mean(allocated):.2f}",
            f"{np.std(allocated):.2f}",
            f"{np.mean(fragment):.2f}",
            f"{np.mean([o.seconds for o in found]):.2f}",
        )
    return table


def _check(trace: Trace, outcomes: Sequence[Outcome], wanted: Wanted) -> None:
    assert trace.published is not None
    found = compare(trace.published, outcomes)
    if wanted.as_json:
        rows = [{**a._asdict(), "drawn": a.is_drawn, "agrees": a.agrees} for a in found]
        print(json.dumps({"published": rows}, indent=1))
    else:
        Console().print(_check_table(found))
    wrong = [a for a in found if not a.agrees]
    if wrong:
        raise SystemExit(1)


def _check_table(found: Sequence[Agreement]) -> Table:
    """Give one row per workload and policy, one cell per published column."""
    table = Table(
        title="Against the published series",
        caption="Values that are equal, of all; for a policy that draws, mean and "
        "spread of the last value: ours, published",
    )
    for name in ("workload", "policy"):
        table.add_column(name, no_wrap=True)
    for name in ("allocated", "fragment", "of idle"):
        table.add_column(name, justify="right")
    table.add_column("")
    rows: dict[tuple[str, str], list[Agreement]] = {}
    for agreement in found:
        rows.setdefault((agreement.workload, agreement.policy), []).append(agreement)
    for (workload, policy), cells in rows.items():
        agrees = all(cell.agrees for cell in cells)
        table.add_row(
            workload,
            policy,
            *(_cell(cell) for cell in cells),
            "agrees" if agrees else "[bold red]differs[/]",
        )
    return table


def _cell(a: Agreement) -> str:
    if a.is_drawn:
        return f"{a.ours:.2f}±{a.spread[0]:.2f}, {a.theirs:.2f}±{a.spread[1]:.2f}"
    if a.equal == a.values:
        return f"{a.equal}/{a.values}"
    return f"{a.equal}/{a.values}, {a.within} within 0.01, most {a.largest:.2g}"
