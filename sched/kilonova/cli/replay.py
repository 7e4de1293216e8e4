"""``kilonova replay``: play recorded clusters, show a table, write the report."""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from kilonova.cli.replay_tables import print_json, published_table, replay_table, show
from kilonova.cli.started import seconds_since_start
from kilonova.errors import BadInput
from kilonova.hosts import policies
from kilonova.replay.published import compare, published_runs
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
class Course:
    """How far a command has come.

    Attributes
    ----------
    runs
        Runs to play.
    outcomes
        Those that were played.
    compile_s, first_decision_s
        How long compiling took, and how old the process was at the first decision.
    files
        What was written.
    """

    runs: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    compile_s: float = 0.0
    first_decision_s: float = 0.0
    files: tuple[Path, ...] = ()

    def interrupted(self) -> str:
        """Say how far it came before Ctrl-C."""
        if self.files:
            return f"interrupted; the report is complete: {self.files[0]}"
        if not self.runs:
            return "interrupted before the first run; nothing was written"
        done = f"{len(self.outcomes)} of {self.runs} runs"
        return f"interrupted after {done}; nothing was written"


def run(wanted: Wanted) -> None:
    """Carry out the command.

    Raises
    ------
    KilonovaError
        Something that was given cannot be right; nothing was written.
    SystemExit
        1 where a replay differs from what was published; 130 after Ctrl-C.
    """
    screen, course = Console(stderr=True), Course()
    try:
        _run(wanted, course, screen)
    except KeyboardInterrupt:
        print(f"kilonova: {course.interrupted()}", file=sys.stderr)
        raise SystemExit(130) from None


def _run(wanted: Wanted, course: Course, screen: Console) -> None:
    chosen = [policies.find(name) for name in dict.fromkeys(wanted.policies)]
    chosen = chosen or list(policies.registered())
    if wanted.check_published and wanted.out is not None:
        raise BadInput("--check-published writes no report; give no --out with it.")
    folder = find_trace(wanted.source)
    out = wanted.out or Path("out") / folder.resolve().name
    if not wanted.check_published:
        from kilonova.replay.report import require_extra

        require_extra()
        _require_place_for(out)
    trace = read_trace(folder)
    runs = trace.choose(wanted.workloads, wanted.seeds)
    repeats = _REPEATS if wanted.check_published else 1
    games = [
        (weigher, run, repeat)
        for weigher in chosen
        for run in runs
        for repeat in range(repeats if weigher.drawn else 1)
    ]
    if wanted.check_published:
        games = _published_only(trace, games)
    course.runs = len(games)
    course.compile_s = _warm_up(screen)
    _play(trace, games, course, screen)
    if wanted.check_published:
        _check(trace, course.outcomes, wanted)
    else:
        _report(trace, course, wanted, out, screen)


def _require_place_for(out: Path) -> None:
    """Refuse a folder that cannot be made, before minutes are spent; BadInput."""
    there = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not there.is_dir():
        raise BadInput(f"{there} is a file; --out must be a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"{there} cannot be written to; give another folder with --out.")


_Game = tuple[policies.Weigher, Run, int]


def _published_only(trace: Trace, games: Sequence[_Game]) -> list[_Game]:
    if trace.published is None:
        raise BadInput(f"{trace.folder} has no published.parquet to compare with.")
    known = published_runs(trace.published)
    chosen = [
        (weigher, run, repeat)
        for weigher, run, repeat in games
        if (run.workload, weigher.name, run.seed) in known
    ]
    if not chosen:
        raise BadInput("None of these runs was published; nothing to compare.")
    return chosen


def _warm_up(screen: Console) -> float:
    """Load the kernels, and say so where they must be compiled first."""
    from kilonova_kernels._jit import is_compiled
    from kilonova_kernels.place import place_all

    if is_compiled(place_all):
        warm_up()
        return 0.0
    begin = time.perf_counter()
    text = "compiling kernels, once"
    with screen.status(text):
        if not screen.is_terminal:
            print(f"kilonova: {text}", file=sys.stderr)
        warm_up()
    return time.perf_counter() - begin


def _play(
    trace: Trace, games: Sequence[_Game], course: Course, screen: Console
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
        # Into a file it would write an empty line.
        disable=not screen.is_terminal,
    )
    total = sum(len(run.order) for _, run, _ in games)
    with bar:
        task = bar.add_task("replaying", total=total)

        def done(count: int) -> None:
            if not course.first_decision_s:
                course.first_decision_s = seconds_since_start()
            bar.advance(task, count)

        for weigher, run, repeat in games:
            text = f"{weigher.name}, {run.workload}, seed {run.seed}"
            bar.update(task, description=f"replaying {escape(text)}")
            workload = workloads[run.workload]
            course.outcomes.append(workload.play(run, weigher, done, repeat))


def _report(
    trace: Trace, course: Course, wanted: Wanted, out: Path, screen: Console
) -> None:
    from kilonova.replay.report import write_report
    from kilonova.replay.report_about import About

    about = About(
        title=f"Replay of {trace.folder.resolve().name}",
        source=_source(trace),
        command=shlex.join(["kilonova", *sys.argv[1:]]),
        attributions=_attributions(trace),
    )
    tables = tables_of(trace, course.outcomes)
    with screen.status("drawing the report"):
        course.files = tuple(write_report(tables, about, out))
    if wanted.as_json:
        rows = tables.runs.to_pylist()
        for row in rows:
            row["compile_s"] = course.compile_s
        rows[0]["first_decision_s"] = course.first_decision_s
        print_json({"runs": rows, "files": [str(path) for path in course.files]})
        return
    show(replay_table(course.outcomes))
    print(f"report: {course.files[0]}")


def _source(trace: Trace) -> str:
    name, gpus = trace.folder.resolve().name, trace.gpu_milli // 1000
    return f"{name}: {len(trace.machines)} machines with {gpus} GPUs"


def _attributions(trace: Trace) -> tuple[str, ...]:
    """Give the notices of a recorded cluster: paragraphs of its NOTICE file."""
    path = trace.folder / "NOTICE"
    if not path.is_file():
        return ()
    return tuple(path.read_text(encoding="utf-8").strip().split("\n\n"))


def _check(trace: Trace, outcomes: Sequence[Outcome], wanted: Wanted) -> None:
    assert trace.published is not None
    found = compare(trace.published, outcomes)
    if wanted.as_json:
        rows = [{**a._asdict(), "drawn": a.is_drawn, "agrees": a.agrees} for a in found]
        print_json({"published": rows})
    else:
        show(published_table(found))
    if not all(a.agrees for a in found):
        raise SystemExit(1)
