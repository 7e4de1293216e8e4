"""``kilonova precache``: what pre-caching images would come to, and the cloud after."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from kilonova.admin.credentials import Credentials
from kilonova.admin.precache import (
    STATUSES,
    PrecacheResult,
    Progress,
    run_precache,
)
from kilonova.admin.precache_plan import plan_precache, read_precache_concurrency
from kilonova.admin.precache_simulated import SimulatedFetcher
from kilonova.cli.asking import plain_console, read_cloud
from kilonova.cli.policy import Rules
from kilonova.errors import BadInput
from kilonova.hosts.options_file import read_options


@dataclass(frozen=True, slots=True)
class Wanted:
    """The command line.

    Attributes
    ----------
    cloud
        JSON document, or folder that ``Cloud.write`` wrote.
    failing
        ``HOST=IMAGE`` each: what cannot be fetched.
    caller
        Who asks, or None where no policy is asked.
    out
        Folder for the cloud as it is then.
    """

    cloud: Path
    aggregate: str
    images: Sequence[str]
    failing: Sequence[str]
    config_file: Path | None
    caller: str | None
    rules: Rules
    out: Path | None
    as_json: bool


def run(wanted: Wanted) -> int:
    """Carry out the command; give the exit status, 1 where an image failed.

    Raises
    ------
    KilonovaError
        Input that cannot be right, or a caller that may not.
    """
    if wanted.caller is not None:
        caller = Credentials.parse(wanted.caller)
        wanted.rules.policy().authorize("aggregate-cache-images", caller, {})
    cloud = read_cloud(wanted.cloud)
    down_time, concurrency = 60, 1
    if wanted.config_file:
        down_time = read_options(wanted.config_file).default.service_down_time
        concurrency = read_precache_concurrency(wanted.config_file)
    plan = plan_precache(cloud, wanted.aggregate, wanted.images, down_time)
    fetcher = SimulatedFetcher(cloud, _failing(wanted.failing))
    console = plain_console()

    def tell(progress: Progress) -> None:
        if not wanted.as_json:
            results = ", ".join(f"{i} {s}" for i, s in progress.results.items())
            done = f"{progress.completed}/{progress.total}"
            console.print(f"{done} {progress.host}: {results}", soft_wrap=True)

    result = run_precache(cloud, plan, fetcher, concurrency=concurrency, progress=tell)
    if wanted.out is not None:
        cloud.write(wanted.out)
    if wanted.as_json:
        print(json.dumps(_document(result), indent=1))
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
    table = Table(title="Hosts by image")
    table.add_column("image", overflow="fold")
    for status in STATUSES:
        table.add_column(status, justify="right")
    for image, counts in result.images().items():
        table.add_row(image, *(str(counts[status]) for status in STATUSES))
    return table
