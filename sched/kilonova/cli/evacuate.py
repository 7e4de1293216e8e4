"""``kilonova evacuate``: plan where servers of failed hosts go, and carry that out."""

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from kilonova.candidates.cloud import Cloud
from kilonova.cli.console import (
    complain,
    make_table,
    plain_console,
    print_json,
    progress_bar,
)
from kilonova.cli.reading import options_of, read_cloud
from kilonova.cli.wanted import Evacuated
from kilonova.cli.writing import write_outputs
from kilonova.errors import BadInput
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.apply import apply
from kilonova.plan.evacuation import evacuate
from kilonova.plan.failed import hosts_of, lost_servers
from kilonova.plan.files import read_plan, write_plan
from kilonova.plan.plan import CONFLICT, DONE, PLANNED, Plan
from kilonova.records.document import read_file
from kilonova.records.records import Records
from kilonova.records.server import Server

# Seconds between two writings of what was carried out.
_SAVE_S = 10.0
# Reasons and targets that are shown.
_SHOWN = 10
_INCOMPLETE, _INTERRUPTED = 3, 130


def plan(wanted: Evacuated) -> int:
    """Plan, and write the plan; give the exit status.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    if not wanted.names_hosts:
        raise BadInput("Which hosts failed? Give --host, --aggregate or --cell.")
    scheduler, records = _read(wanted)
    state = scheduler.state
    hosts = hosts_of(
        state, wanted.hosts or (), wanted.aggregates or (), wanted.cells or ()
    )
    lost = lost_servers(state, records, [state.hosts.row(name) for name in hosts])
    _check_may(wanted, (each.server for each in lost))
    _check_not_begun(wanted.plan)
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


def carry_out(wanted: Evacuated) -> int:
    """Carry the plan out, or go on with it; give the exit status.

    What was done is written every few seconds, and at the end, also after Ctrl-C.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    if wanted.names_hosts:
        raise BadInput("--apply takes the hosts from the plan; name none with it.")
    scheduler, records = _read(wanted)
    made = read_plan(wanted.plan)
    found = (records.servers.get(step.server) for step in made.steps)
    _check_may(wanted, (server for server in found if server is not None))
    saved = time.monotonic()
    total = sum(step.status == PLANNED for step in made.steps)
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
        complain(f"interrupted; {left} servers are left, run it again to go on")
        return _INTERRUPTED
    return 0 if all(step.status == DONE for step in made.steps) else _INCOMPLETE


def _read(wanted: Evacuated) -> tuple[Scheduler, Records]:
    cloud, options = read_cloud(wanted.cloud), options_of(wanted.config_file)
    return Scheduler(cloud, options, seed=wanted.seed), read_file(wanted.records)


def _check_may(wanted: Evacuated, servers: Iterable[Server]) -> None:
    """Ask the policy about the owner of each server, as Nova does; raises Forbidden."""
    who = wanted.authority.who()
    if who is None:
        return
    policy, caller = who
    owners = dict.fromkeys((each.project_id, each.user_id) for each in servers)
    for project, user in owners or [(caller.project, caller.user)]:
        target = {"project_id": project, "user_id": user}
        policy.authorize("server-evacuate", caller, target)


def _check_not_begun(path: Path) -> None:
    """Refuse to write over a plan that was carried out in part; raises BadInput."""
    if path.exists():
        begun = {DONE, CONFLICT} & read_plan(path).counts().keys()
        if begun:
            raise BadInput(
                f"{path} is a plan that was begun; go on with --apply, or name another."
            )


def _save(wanted: Evacuated, cloud: Cloud, records: Records, made: Plan) -> None:
    """Write cloud and records over what was read; the plan last, as it follows them."""
    write_outputs(
        cloud,
        wanted.cloud,
        records,
        wanted.records,
        as_document=not wanted.cloud.is_dir(),
    )
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
    with progress_bar(Console(stderr=True), "servers") as bar:
        yield bar, bar.add_task(text, total=total)


def _tell(wanted: Evacuated, made: Plan) -> None:
    if wanted.as_json:
        print_json(made.summary() | {"plan": str(wanted.plan)})
        return
    console = plain_console()
    console.print(_counts(made))
    if made.reasons():
        console.print(_reasons(made))
    console.print(f"plan: {wanted.plan}", soft_wrap=True)


def _counts(made: Plan) -> Table:
    title = f"{len(made.steps)} servers of {len(made.hosts)} hosts"
    table = make_table(title, ("what", "servers"), numbers=("servers",))
    for status, count in made.counts().items():
        table.add_row(status, str(count))
    table.add_row("with a host, in Nova's order", str(made.greedy))
    table.add_row(f"with a host, this plan ({made.method})", str(made.placed))
    table.add_row("at most, by any plan", str(made.bound))
    return table


def _reasons(made: Plan) -> Table:
    table = make_table("Why not", ("servers", "reason"), numbers=("servers",))
    found = list(made.reasons().items())
    for reason, count in found[:_SHOWN]:
        table.add_row(str(count), reason)
    if len(found) > _SHOWN:
        table.add_row(str(sum(n for _, n in found[_SHOWN:])), "other reasons")
    return table
