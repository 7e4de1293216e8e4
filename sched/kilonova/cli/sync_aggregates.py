"""``kilonova sync-aggregates``: host aggregates mirrored to Placement's."""

from collections.abc import Callable, Sequence
from pathlib import Path

from kilonova.admin.sync_aggregates import sync_aggregates
from kilonova.candidates.cloud import Cloud
from kilonova.cli.administration import RecordFiles, administer
from kilonova.cli.console import complain, print_json
from kilonova.cli.given import Administered
from kilonova.errors import BadInput, Conflict
from kilonova.records.records import Records


def run(given: Administered, records_path: Path | None, failing: Sequence[str]) -> int:
    """Carry out the command; give the exit status, 0 to 6 or 127.

    Parameters
    ----------
    given, records_path
        The command line.
    failing
        ``HOST=read`` or ``HOST=update`` each: of whose provider Placement does not
        give, or does not take, the aggregates.
    """

    def work(cloud: Cloud, records: Records) -> int:
        result = sync_aggregates(
            cloud,
            records,
            read=_failing(failing, "read"),
            update=_failing(failing, "update"),
            tell=given.tell,
        )
        if given.as_json:
            found = {
                "code": result.code,
                "message": result.message,
                "added": [
                    {"host": host, "aggregate": uuid} for host, uuid in result.added
                ],
                "unmapped": sorted(result.unmapped),
                "without_node": sorted(result.without_node),
                "without_provider": sorted(result.without_provider),
            }
            print_json(found)
        for line in result.lines():
            complain(line)
        return result.code

    return administer(
        given, RecordFiles(records_path), "placement-sync-aggregates", work
    )


def _failing(texts: Sequence[str], when: str) -> Callable[[str], None]:
    hosts = set()
    for text in texts:
        host, _, what = text.rpartition("=")
        if not host or what not in ("read", "update"):
            raise BadInput(f"--fail must be HOST=read or HOST=update, got {text!r}.")
        if what == when:
            hosts.add(host)

    def fail(host: str) -> None:
        if host in hosts:
            raise Conflict(f"Placement was to fail for {host}.")

    return fail
