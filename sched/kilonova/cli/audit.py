"""``kilonova audit``: allocations that belong to nothing."""

from pathlib import Path
from typing import Any

from kilonova.admin.audit import AuditOptions, AuditResult, audit
from kilonova.admin.audit_orphans import Orphan
from kilonova.candidates.cloud import Cloud
from kilonova.cli.administration import REFUSED, RecordFiles, administer
from kilonova.cli.console import complain, print_json
from kilonova.cli.given import Administered
from kilonova.errors import UnknownProvider
from kilonova.records.records import Records


def run(given: Administered, records_path: Path, options: AuditOptions) -> int:
    """Carry out the command; give the exit status, 0, 1, 3, 4 or 127."""

    def work(cloud: Cloud, records: Records) -> int:
        try:
            result = audit(cloud, records, options)
        except UnknownProvider as error:
            complain(str(error))
            return REFUSED
        if given.as_json:
            print_json(_document(result))
        else:
            for line in _lines(result):
                given.tell(line)
        for orphan in result.failures:
            complain(f"{_who(orphan)} could not be deleted: {orphan.failure}")
        if result.failures:
            provider = result.failures[0].provider
            complain(f"stopped after provider {provider}; mend it and run again")
        return result.code

    delete = "placement-audit-delete" if options.delete else "placement-audit"
    return administer(given, RecordFiles(records_path), delete, work)


def _lines(result: AuditResult) -> list[str]:
    found = [
        f"Provider {provider}: its tree has no compute node, so that no server can be "
        "there."
        for provider in result.without_compute_node
    ]
    done = ": deleted" if result.options.delete else ""
    for orphan in result.orphans:
        held = ", ".join(f"{name} {n}" for name, n in orphan.resources.items())
        if orphan.failure is None:
            found.append(f"{_who(orphan)} ({held}) belongs to nothing{done}.")
    if result.unnamed:
        found.append(f"Consumers without UUID, left alone: {result.unnamed}.")
    count = len(result.orphans) - len(result.failures)
    what = "deleted" if result.options.delete else "found"
    found.append(f"Orphans {what}: {count}.")
    return found


def _who(orphan: Orphan) -> str:
    return f"Provider {orphan.provider}: consumer {orphan.consumer}"


def _document(result: AuditResult) -> dict[str, Any]:
    return {
        "code": result.code,
        "orphans": [
            {
                "provider": orphan.provider,
                "consumer": orphan.consumer,
                "resources": dict(orphan.resources),
                "deleted": result.options.delete and orphan.failure is None,
                "failure": orphan.failure,
            }
            for orphan in result.orphans
        ],
        "without_compute_node": list(result.without_compute_node),
        "unnamed": result.unnamed,
    }
