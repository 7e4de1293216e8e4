"""``kilonova server``: one operation on the servers of a cloud, done and told.

What hosts, Neutron and Cyborg would do is simulated; ``--fail`` lets steps of it fail.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kilonova.admin.credentials import Credentials
from kilonova.admin.policy import Policy
from kilonova.candidates.cloud import Cloud
from kilonova.cli.administration import complain
from kilonova.cli.asking import plain_console, read_cloud
from kilonova.cli.policy import Rules
from kilonova.cli.server_show import Shown, step_line
from kilonova.errors import BadInput, Forbidden, Refused
from kilonova.hosts.options import Options
from kilonova.hosts.options_file import read_options
from kilonova.hosts.scheduler import Scheduler
from kilonova.moves.driver import SimulatedDriver
from kilonova.moves.operations import Operations
from kilonova.moves.options import MoveOptions
from kilonova.moves.options_file import read_move_options
from kilonova.records.document import read_file
from kilonova.records.records import Records
from kilonova.records.server import Server

DONE, REFUSED, FAILED = 0, 1, 3

Work = Callable[[Operations], object]


@dataclass(frozen=True, slots=True)
class Given:
    """The command line, as far as all operations share it.

    Attributes
    ----------
    cloud
        JSON document, or folder that ``Cloud.write`` wrote.
    records
        JSON document of records.
    out, records_out
        Folder for the cloud as it is then, and file for the records; both or none.
    caller
        Who asks, or None where no policy is asked.
    config_file
        nova.conf, or None.
    failing
        ``STEP`` or ``STEP@HOST`` each: what fails, once for each time it is given.
    steps, as_json
        Whether each step is shown, and whether all is one JSON object.
    """

    cloud: Path
    records: Path
    out: Path | None = None
    records_out: Path | None = None
    caller: str | None = None
    rules: Rules = field(default_factory=Rules)
    config_file: Path | None = None
    seed: int = 0
    failing: Sequence[str] = ()
    steps: bool = False
    as_json: bool = False

    def read(self) -> tuple[Cloud, Records]:
        """Read cloud and records; raises BadInput."""
        if (self.out is None) != (self.records_out is None):
            raise BadInput(
                "Cloud and records go together: give --out and --records-out."
            )
        return read_cloud(self.cloud), read_file(self.records)

    def who(self) -> tuple[Policy, Credentials] | None:
        """Give whom to ask and who asks; None where no policy is asked."""
        if self.caller is None:
            return None
        return self.rules.policy(), Credentials.parse(self.caller)


def run(given: Given, work: Work) -> int:
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
    driver = _driver(given.failing)
    shown = Shown(cloud, records)
    operations = _operations(given, cloud, records, driver, shown)
    refused: Refused | Forbidden | None = None
    try:
        work(operations)
    except (Forbidden, Refused) as error:
        refused = error
    changed = bool(shown.names)
    if changed or refused is None:
        _write(given, cloud, records)
    _tell(given, shown, refused)
    if missed := driver.waiting():
        complain(f"--fail: {', '.join(missed)} did not run")
    if refused is not None and not changed:
        return REFUSED
    return FAILED if refused is not None or shown.ended_badly else DONE


def _operations(
    given: Given, cloud: Cloud, records: Records, driver: SimulatedDriver, shown: Shown
) -> Operations:
    options, moves = Options(), MoveOptions()
    if given.config_file is not None:
        options = read_options(given.config_file)
        moves = read_move_options(given.config_file)
    who = given.who()

    def allow(operation: str, server: Server) -> None:
        assert who is not None
        policy, caller = who
        target = {"project_id": server.project_id, "user_id": server.user_id}
        policy.authorize(operation, caller, target)

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


def _write(given: Given, cloud: Cloud, records: Records) -> None:
    """Write the cloud, then the records: these are looked through before."""
    if given.out is None or given.records_out is None:
        return
    records.to_document()
    cloud.write(given.out)
    records.save(given.records_out)


def _tell(given: Given, shown: Shown, refused: Refused | Forbidden | None) -> None:
    if given.as_json:
        document: dict[str, Any] = shown.document()
        document["refused"] = None if refused is None else _refusal(refused)
        if given.steps:
            document["steps"] = shown.rows
        print(json.dumps(document, indent=1))
        return
    for line in shown.lines():
        plain_console().print(line, soft_wrap=True)
    if refused is not None:
        complain(f"refused: {refused.status} {refused.nova}: {refused}")


def _refusal(refused: Refused | Forbidden) -> dict[str, object]:
    return {
        "status": refused.status,
        "nova": refused.nova,
        "message": str(refused),
        "rule": getattr(refused, "rule", None),
    }
