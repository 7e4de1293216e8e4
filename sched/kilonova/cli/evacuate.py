"""``kilonova evacuate``: plan where servers of failed hosts go, and carry that out."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from kilonova.admin.credentials import Credentials
from kilonova.candidates.cloud import Cloud
from kilonova.cli.asking import plain_console, read_cloud
from kilonova.cli.policy import Rules
from kilonova.errors import BadInput
from kilonova.hosts.options import Options
from kilonova.hosts.options_file import read_options
from kilonova.hosts.scheduler import Scheduler
from kilonova.newfiles import new_files
from kilonova.plan.apply import apply
from kilonova.plan.evacuation import evacuate
from kilonova.plan.failed import hosts_of
from kilonova.plan.files import read_plan, write_plan
from kilonova.plan.plan import CONFLICT, DONE, Plan
from kilonova.records.document import read_file, write_file
from kilonova.records.records import Records

# Seconds between two writings of what was carried out.
_SAVE_S = 10.0
# Reasons and targets that are shown.
_SHOWN = 10
_INCOMPLETE, _INTERRUPTED = 3, 130


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line.

    Attributes
    ----------
    cloud
        JSON document, or folder that ``Cloud.write`` wrote.
    records, plan
        JSON of the records; Parquet of the plan.
    hosts, aggregates, cells
        What failed.
    caller
        Who asks, or None where no policy is asked.
    """

    cloud: Path
    records: Path
    plan: Path
    hosts: tuple[str, ...]
    aggregates: tuple[str, ...]
    cells: tuple[str, ...]
    greedy: bool
    regroup: bool
    config_file: Path | None
    seed: int
    caller: str | None
    rules: Rules
    as_json: bool

    def read(self) -> tuple[Scheduler, Records]:
        """Ask the policy, then read cloud and records; raises KilonovaError."""
        if self.caller is not None:
            caller = Credentials.parse(self.caller)
            self.rules.policy().authorize("server-evacuate", caller, {})
        options = read_options(self.config_file) if self.config_file else Options()
        scheduler = Scheduler(read_cloud(self.cloud), options, seed=self.seed)
        return scheduler, read_file(self.records)


def plan(wanted: Wanted) -> int:
    """Plan, and write the plan; give the exit status.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    if not (wanted.hosts or wanted.aggregates or wanted.cells):
        raise BadInput("Which hosts failed? Give --host, --aggregate or --cell.")
    scheduler, records = wanted.read()
    _check_not_begun(wanted.plan)
    hosts = hosts_of(scheduler.state, wanted.hosts, wanted.aggregates, wanted.cells)
    with _bar("planning", None) as (bar, task):
        made = evacuate(
            scheduler,
            records,
            hosts,
            improve=not wanted.greedy,
            regroup=wanted.regroup,
            progress=lambda count: bar.advance(task, count),
        )
    write_plan(made, wanted.plan)
    _tell(wanted, made)
    return 0 if made.placed == len(made.steps) else _INCOMPLETE


def carry_out(wanted: Wanted) -> int:
    """Carry the plan out, or go on with it; give the exit status.

    What was done is written every few seconds, and at the end, also after Ctrl-C.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    if wanted.hosts or wanted.aggregates or wanted.cells:
        raise BadInput("--apply takes the hosts from the plan; name none with it.")
    scheduler, records = wanted.read()
    made = read_plan(wanted.plan)
    saved = time.monotonic()
    total = sum(step.status == "planned" for step in made.steps)
    with _bar("evacuating", total) as (bar, task), _interrupts() as interrupted:

        def done(step: object) -> None:
            nonlocal saved
            bar.advance(task, 1)
            if time.monotonic() - saved > _SAVE_S:
                _save(wanted, scheduler.cloud, records, made)
                saved = time.monotonic()

        left = apply(
            scheduler, records, made, stop=lambda: bool(interrupted), progress=done
        )
        if total:
            _save(wanted, scheduler.cloud, records, made)
    _tell(wanted, made)
    if left:
        Console(stderr=True, markup=False).print(
            f"kilonova: interrupted; {left} servers are left, run it again to go on"
        )
        return _INTERRUPTED
    return 0 if all(step.status == DONE for step in made.steps) else _INCOMPLETE


def _check_not_begun(path: Path) -> None:
    """Refuse to write over a plan that was carried out in part; raises BadInput."""
    if path.exists():
        begun = {DONE, CONFLICT} & read_plan(path).counts().keys()
        if begun:
            raise BadInput(
                f"{path} is a plan that was begun; go on with --apply, or name another."
            )


def _save(wanted: Wanted, cloud: Cloud, records: Records, made: Plan) -> None:
    """Write cloud, records and plan: the cloud first, as the rest follows from it."""
    if wanted.cloud.is_dir():
        cloud.write(wanted.cloud)
    else:
        path = wanted.cloud.absolute()
        with new_files(path.parent) as folder:
            text = json.dumps(cloud.to_document(), indent=1) + "\n"
            (folder / path.name).write_text(text, encoding="utf-8")
    write_file(records, wanted.records)
    write_plan(made, wanted.plan)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Note Ctrl-C instead of breaking a step off."""
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(text: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    screen = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("servers"),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
    with bar:
        yield bar, bar.add_task(text, total=total)


def _tell(wanted: Wanted, made: Plan) -> None:
    if wanted.as_json:
        print(json.dumps(made.summary() | {"plan": str(wanted.plan)}, indent=1))
        return
    console = plain_console()
    console.print(_counts(made))
    if made.reasons():
        console.print(_reasons(made))
    console.print(f"plan: {wanted.plan}", soft_wrap=True)


def _counts(made: Plan) -> Table:
    table = Table(title=f"{len(made.steps)} servers of {len(made.hosts)} hosts")
    table.add_column("what")
    table.add_column("servers", justify="right")
    for status, count in made.counts().items():
        table.add_row(status, str(count))
    table.add_row("with a host, in Nova's order", str(made.greedy))
    table.add_row(f"with a host, this plan ({made.method})", str(made.placed))
    table.add_row("at most, by any plan", str(made.bound))
    return table


def _reasons(made: Plan) -> Table:
    table = Table(title="Why not")
    table.add_column("servers", justify="right")
    table.add_column("reason", overflow="fold")
    found = list(made.reasons().items())
    for reason, count in found[:_SHOWN]:
        table.add_row(str(count), reason)
    if len(found) > _SHOWN:
        table.add_row(str(sum(n for _, n in found[_SHOWN:])), "other reasons")
    return table
