"""What the commands share that ``nova-manage`` has: cloud and records in and out.

Their exit statuses are those of ``nova-manage``, where 2 has a meaning of its own:
input that cannot be right, and a caller that may not, end them with 127.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kilonova.admin.credentials import Credentials
from kilonova.candidates.cloud import Cloud
from kilonova.cli.asking import plain_console, read_cloud
from kilonova.cli.policy import Rules
from kilonova.errors import KilonovaError
from kilonova.records.records import Records

REFUSED = 127


@dataclass(frozen=True, slots=True)
class Administered:
    """What is worked on, and who asks.

    Attributes
    ----------
    cloud
        JSON document, or folder that ``Cloud.write`` wrote.
    records
        JSON document of records, or None where the command can do without.
    caller
        Who asks, or None where no policy is asked.
    out, records_out
        Folder for the cloud as it is then, and file for the records.
    verbose, as_json
        Whether each step is told, and whether as one object.
    """

    cloud: Path
    records: Path | None
    caller: str | None
    rules: Rules
    out: Path | None = None
    records_out: Path | None = None
    verbose: bool = False
    as_json: bool = False

    def tell(self, line: str) -> None:
        """Show a line where everything is told."""
        if self.verbose and not self.as_json:
            plain_console().print(line, soft_wrap=True)


def administer(
    given: Administered, operation: str, work: Callable[[Cloud, Records], int]
) -> int:
    """Read, ask the policy, work, and write what came of it; give the exit status.

    What was done before a failure is written, too: it was done.
    """
    try:
        if given.caller is not None:
            caller = Credentials.parse(given.caller)
            given.rules.policy().authorize(operation, caller, {})
        cloud = read_cloud(given.cloud)
        records = Records.from_file(given.records) if given.records else Records()
        status = work(cloud, records)
        if given.out is not None:
            cloud.write(given.out)
        if given.records_out is not None:
            records.save(given.records_out)
    except KilonovaError as error:
        print(f"kilonova: {error}", file=sys.stderr)
        return REFUSED
    return status


def complain(line: str) -> None:
    """Show what went wrong."""
    print(f"kilonova: {line}", file=sys.stderr)
