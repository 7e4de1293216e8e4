"""``kilonova server``: one operation on the servers of a cloud, done and told.

What hosts, Neutron and Cyborg would do is simulated; ``--fail`` lets steps of it fail.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from kilonova.candidates.cloud import Cloud
from kilonova.cli.console import complain, plain_console, print_json, refusal_row
from kilonova.cli.given import Served
from kilonova.cli.reading import options_of
from kilonova.cli.server_show import Shown, step_line
from kilonova.cli.writing import write_outputs
from kilonova.errors import BadInput, Forbidden, Refused
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.driver import SimulatedDriver
from kilonova.moves.operations import Operations
from kilonova.moves.options import MoveOptions
from kilonova.moves.options_file import read_move_options
from kilonova.records.records import Records
from kilonova.records.server import Server

DONE, REFUSED, FAILED = 0, 1, 3

Work = Callable[[Operations], object]


def run(given: Served, work: Work) -> int:
    """Do one operation, show what came of it, and write it; give the exit status.

    Parameters
    ----------
    given
        The command line.
    work
        Does the operation.

    Returns
    -------
    int
        0 done, 1 refused, and nothing was changed or written, 3 done as far as it went:
        it ended with a failure.

    Raises
    ------
    KilonovaError
        Input that cannot be right; nothing was written.
    """
    cloud, records = given.read()
    driver = _driver(given.failing or ())
    shown = Shown(cloud, records)
    operations = _operations(given, cloud, records, driver, shown)
    refused: Refused | Forbidden | None = None
    try:
        work(operations)
    except (Forbidden, Refused) as error:
        refused = error
    changed = bool(shown.names)
    if changed or refused is None:
        write_outputs(cloud, given.out, records, given.records_out)
    notes = operations.context.notes
    _tell(given, shown, refused, notes)
    for note in notes:
        complain(note)
    if missed := driver.waiting():
        complain(f"--fail: {', '.join(missed)} did not run")
    if refused is not None and not changed:
        return REFUSED
    return FAILED if refused is not None or shown.ended_badly else DONE


def _operations(
    given: Served, cloud: Cloud, records: Records, driver: SimulatedDriver, shown: Shown
) -> Operations:
    options, moves = options_of(given.config_file), MoveOptions()
    if given.config_file is not None:
        moves = read_move_options(given.config_file)
    who = given.authority.who()
    # Rules that held, by owner: servers that are booted together ask each rule once.
    held = defaultdict[tuple[str, str], set[str]](set)

    def allow(operation: str, server: Server) -> None:
        assert who is not None
        policy, caller = who
        target = {"project_id": server.project_id, "user_id": server.user_id}
        whose = server.project_id, server.user_id
        policy.authorize(operation, caller, target, held[whose])

    def observe(step: str, server: Server) -> None:
        shown.see(step, server)
        if given.steps and not given.as_json:
            plain_console().print(step_line(shown.rows[-1]), soft_wrap=True)

    made = Operations(
        Scheduler(cloud, options, seed=given.seed),
        records,
        driver,
        options=moves,
        allow=allow if who else None,
        observer=observe,
    )
    if who is not None:
        policy, caller = who
        made.is_admin = policy.refusal("context_is_admin", caller) is None
    return made


def _driver(failing: Sequence[str]) -> SimulatedDriver:
    driver = SimulatedDriver()
    for text in failing:
        step, at, host = text.partition("@")
        if not step or bool(at) != bool(host):
            raise BadInput(f"--fail must be STEP or STEP@HOST, got {text!r}.")
        driver.fail(step, host or None)
    return driver


def _tell(
    given: Served,
    shown: Shown,
    refused: Refused | Forbidden | None,
    notes: Sequence[str],
) -> None:
    if given.as_json:
        document: dict[str, Any] = shown.document()
        document["refused"] = None if refused is None else refusal_row(refused)
        document["notes"] = notes
        if given.steps:
            document["steps"] = shown.rows
        print_json(document)
        return
    for line in shown.lines():
        plain_console().print(line, soft_wrap=True)
    if refused is not None:
        complain(f"refused: {refused.status} {refused.nova}: {refused}")
