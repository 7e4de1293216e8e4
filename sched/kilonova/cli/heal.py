"""``kilonova heal``: allocations that servers should have."""

from collections.abc import Sequence
from dataclasses import asdict

from kilonova.admin.heal import heal
from kilonova.admin.heal_ports import RecordedPorts
from kilonova.admin.heal_steps import HealOptions
from kilonova.candidates.cloud import Cloud
from kilonova.cli.administration import RecordFiles, administer
from kilonova.cli.console import complain, print_json
from kilonova.cli.wanted import Healed
from kilonova.errors import BadInput
from kilonova.records.records import Records

_ROLLBACK = "rollback"


def run(wanted: Healed) -> int:
    """Carry out the command; give the exit status, 0 to 8 or 127."""
    given = wanted.given

    def work(cloud: Cloud, records: Records) -> int:
        write = _ports(records, wanted.failing or ())
        result = heal(cloud, records, _options(wanted), write=write, tell=given.tell)
        if given.as_json:
            found = {
                "code": result.code,
                "message": result.message,
                "healed": result.healed,
                "dry_run": wanted.dry_run,
                "servers": [asdict(step) for step in result.steps],
            }
            print_json(found)
        if result.message:
            complain(result.message)
        return result.code

    files = RecordFiles(wanted.records, wanted.records_out)
    return administer(given, files, "placement-heal-allocations", work)


def _options(wanted: Healed) -> HealOptions:
    return HealOptions(
        max_count=None if wanted.server else _count(wanted.max_count),
        dry_run=wanted.dry_run,
        server=wanted.server,
        skip_ports=wanted.skip_ports,
        cell=wanted.cell,
        force=wanted.force,
    )


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadInput(f"--max-count must be a whole number, got {text!r}.") from error


def _ports(records: Records, failing: Sequence[str]) -> RecordedPorts:
    stuck, refused = set[str](), set[str]()
    for text in failing:
        port, equals, how = text.partition("=")
        if port not in records.ports or (equals and how != _ROLLBACK):
            raise BadInput(
                "--fail must be PORT or PORT=rollback, a port of the records; "
                f"got {text!r}."
            )
        (stuck if equals else refused).add(port)
    return RecordedPorts(records, refused, stuck)
