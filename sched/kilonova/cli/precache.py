"""``kilonova precache``: what pre-caching images would come to, and the cloud after."""

from collections.abc import Sequence

from rich.table import Table

from kilonova.admin.precache import (
    STATUSES,
    PrecacheResult,
    Progress,
    run_precache,
)
from kilonova.admin.precache_plan import plan_precache, read_precache_concurrency
from kilonova.admin.precache_simulated import SimulatedFetcher
from kilonova.cli.console import make_table, plain_console, print_json
from kilonova.cli.reading import options_of, read_cloud
from kilonova.cli.wanted import Precached
from kilonova.cli.writing import write_outputs
from kilonova.errors import BadInput


def run(wanted: Precached) -> int:
    """Carry out the command; give the exit status, 1 where an image failed.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    wanted.authority.require("aggregate-cache-images", target={})
    cloud = read_cloud(wanted.cloud)
    down_time = options_of(wanted.config_file).default.service_down_time
    concurrency = 1
    if wanted.config_file:
        concurrency = read_precache_concurrency(wanted.config_file)
    plan = plan_precache(cloud, wanted.aggregate, wanted.images, down_time)
    fetcher = SimulatedFetcher(cloud, _failing(wanted.failing or ()))
    console = plain_console()

    def tell(progress: Progress) -> None:
        if not wanted.as_json:
            results = ", ".join(f"{i} {s}" for i, s in progress.results.items())
            done = f"{progress.completed}/{progress.total}"
            console.print(f"{done} {progress.host}: {results}", soft_wrap=True)

    result = run_precache(cloud, plan, fetcher, concurrency=concurrency, progress=tell)
    write_outputs(cloud, wanted.out)
    if wanted.as_json:
        print_json(_document(result))
    else:
        console.print(_table(result))
        for line in (*result.warnings(), result.summary()):
            console.print(line, soft_wrap=True)
    return 1 if result.errors else 0


def _failing(texts: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for text in texts:
        host, equals, image = text.partition("=")
        if not host or not equals:
            raise BadInput(f"--fail must be HOST=IMAGE, got {text!r}.")
        found.setdefault(host, set()).add(image)
    return found


def _document(result: PrecacheResult) -> dict[str, object]:
    return {
        "aggregate": result.plan.aggregate,
        "cells": [
            {
                "cell": cell.cell_uuid,
                "hosts": list(cell.hosts),
                "down": [host for host in cell.hosts if host in cell.down],
            }
            for cell in result.plan.cells
        ],
        "hosts": result.hosts,
        "images": result.images(),
        "totals": result.totals(),
        "errors": [
            {"host": host, "image": image, "error": text}
            for (host, image), text in sorted(result.errors.items())
        ],
        "summary": result.summary(),
        "warnings": result.warnings(),
    }


def _table(result: PrecacheResult) -> Table:
    table = make_table("Hosts by image", ("image", *STATUSES), numbers=STATUSES)
    for image, counts in result.images().items():
        table.add_row(image, *(str(counts[status]) for status in STATUSES))
    return table
