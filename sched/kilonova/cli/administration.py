"""How the commands run that ``nova-manage`` has, too.

Their exit statuses are those of ``nova-manage``, where 2 has a meaning of its own:
input that cannot be right, and a caller that may not, end them with 127.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kilonova.candidates.cloud import Cloud
from kilonova.cli.console import complain
from kilonova.cli.given import Administered
from kilonova.cli.reading import read_cloud
from kilonova.cli.writing import write_outputs
from kilonova.errors import KilonovaError
from kilonova.records.records import Records

REFUSED = 127


class RecordFiles(NamedTuple):
    """Where records come from, and where they go; None where a command does without."""

    read: Path | None = None
    written: Path | None = None


def administer(
    given: Administered,
    files: RecordFiles,
    operation: str,
    work: Callable[[Cloud, Records], int],
) -> int:
    """Ask the policy, read, work, and write what came of it; give the exit status.

    What was done before a failure is written, too: it was done.
    """
    try:
        given.authority.require(operation, target={})
        cloud = read_cloud(given.cloud)
        records = Records.from_file(files.read) if files.read else Records()
        status = work(cloud, records)
        write_outputs(cloud, given.out, records, files.written)
    except KilonovaError as error:
        complain(str(error))
        return REFUSED
    return status
