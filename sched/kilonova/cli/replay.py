"""``kilonova replay``: play recorded clusters, show a table, write the report."""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import TimeRemainingColumn

from kilonova.cli.console import complain, print_json, progress_bar
from kilonova.cli.replay_tables import published_table, show, summary_table
from kilonova.cli.started import seconds_since_start
from kilonova.cli.wanted import Replayed
from kilonova.errors import BadInput
from kilonova.replay.openb import GpuRecording
from kilonova.replay.source import Choice, Game, Recording, open_source


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
    total, done, unit
        Events of all runs, those that were played, and what they are called.
    """

    runs: int = 0
    outcomes: list[Any] = field(default_factory=list)
    compile_s: float = 0.0
    first_decision_s: float = 0.0
    files: tuple[Path, ...] = ()
    total: int = 0
    done: int = 0
    unit: str = ""

    def interrupted(self) -> str:
        """Say how far it came before Ctrl-C."""
        if self.files:
            return f"interrupted; the report is complete: {self.files[0]}"
        if not self.runs:
            return "interrupted before the first run; nothing was written"
        done = f"{len(self.outcomes)} of {self.runs} runs"
        if len(self.outcomes) < self.runs and self.done:
            done += f" and {self.done} of {self.total} {self.unit}"
        return f"interrupted after {done}; nothing was written"


def run(wanted: Replayed) -> None:
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
        complain(course.interrupted())
        raise SystemExit(130) from None


def _run(wanted: Replayed, course: Course, screen: Console) -> None:
    if wanted.published and wanted.out is not None:
        raise BadInput("--check-published writes no report; give no --out with it.")
    out = wanted.out or Path("out") / Path(wanted.source).resolve().name
    if not wanted.published:
        from kilonova.replay.report import require_extra

        require_extra()
        _require_place_for(out)
    recording = open_source(wanted.source, wanted.like, _choice(wanted))
    games = recording.games()
    course.runs = len(games)
    course.compile_s = _warm_up(recording, screen)
    _play(recording, games, course, screen)
    if wanted.published and isinstance(recording, GpuRecording):
        _check(recording, course.outcomes, wanted.as_json)
    else:
        _report(recording, course, wanted, out, screen)


def _choice(wanted: Replayed) -> Choice:
    return Choice(
        policies=tuple(wanted.policies or ()),
        workloads=tuple(wanted.workloads or ()),
        seeds=tuple(wanted.seeds or ()),
        hosts=wanted.hosts,
        config_file=wanted.config_file,
        published=wanted.published,
    )


def _require_place_for(out: Path) -> None:
    """Refuse a folder that cannot be made, before minutes are spent; BadInput."""
    there = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not there.is_dir():
        raise BadInput(f"{there} is a file; --out must be a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"{there} cannot be written to; give another folder with --out.")


def _warm_up(recording: Recording, screen: Console) -> float:
    """Load the kernels, and say so where they must be compiled first."""
    from kilonova_kernels._jit import is_compiled

    if is_compiled(recording.kernel()):
        recording.warm_up()
        return 0.0
    begin = time.perf_counter()
    text = "compiling kernels, once"
    with screen.status(text):
        if not screen.is_terminal:
            complain(text)
        recording.warm_up()
    return time.perf_counter() - begin


def _play(
    recording: Recording, games: Sequence[Game], course: Course, screen: Console
) -> None:
    bar = progress_bar(screen, recording.unit, TimeRemainingColumn())
    course.total = sum(game.size for game in games)
    course.unit = recording.unit
    with bar:
        task = bar.add_task("replaying", total=course.total)

        def done(count: int) -> None:
            if not course.first_decision_s:
                course.first_decision_s = seconds_since_start()
            course.done += count
            bar.advance(task, count)

        for game in games:
            bar.update(task, description=f"replaying {escape(game.label)}")
            course.outcomes.append(game.play(done))


def _report(
    recording: Recording, course: Course, wanted: Replayed, out: Path, screen: Console
) -> None:
    from kilonova.replay.report import write_report
    from kilonova.replay.report_about import About

    name = recording.folder.resolve().name
    about = About(
        title=f"Replay of {name}",
        source=f"{name}: {recording.about}",
        command=shlex.join(["kilonova", *sys.argv[1:]]),
        attributions=_attributions(recording.folder),
    )
    with screen.status("drawing the report"):
        contents = recording.contents(course.outcomes)
        course.files = tuple(write_report(contents, about, out))
    if wanted.as_json:
        rows = recording.rows(course.outcomes)
        for row in rows:
            row["compile_s"] = course.compile_s
        rows[0]["first_decision_s"] = course.first_decision_s
        print_json({"runs": rows, "files": [str(path) for path in course.files]})
        return
    show(summary_table(recording.summary(course.outcomes)))
    print(f"report: {course.files[0]}")


def _attributions(folder: Path) -> tuple[str, ...]:
    """Give the notices of a recorded cluster: paragraphs of its NOTICE file."""
    path = folder / "NOTICE"
    if not path.is_file():
        return ()
    return tuple(path.read_text(encoding="utf-8").strip().split("\n\n"))


def _check(recording: GpuRecording, outcomes: Sequence[Any], as_json: bool) -> None:
    found = recording.compare(outcomes)
    if as_json:
        rows = [{**a._asdict(), "drawn": a.is_drawn, "agrees": a.agrees} for a in found]
        print_json({"published": rows})
    else:
        show(published_table(found))
    if not all(a.agrees for a in found):
        raise SystemExit(1)
