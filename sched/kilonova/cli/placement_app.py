"""Further commands of the application: those on Placement that ``nova-manage`` has.

Options and help; the work is done elsewhere.
"""

from pathlib import Path
from typing import Annotated

import typer

from kilonova.cli import commands, options
from kilonova.cli.admin_app import app
from kilonova.cli.given import Administered
from kilonova.cli.wanted import Healed

__all__ = ["app"]


@commands.command(app)
def audit(
    given: Administered,
    records: options.RecordsPath,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete what belongs to nothing.")
    ] = False,
    provider: Annotated[
        str | None,
        typer.Option("--resource_provider", metavar="UUID", help="Only this one."),
    ] = None,
    all_classes: Annotated[
        bool,
        typer.Option("--all-classes", help="Not only classes that Nova looks at."),
    ] = False,
    hosts_only: Annotated[
        bool,
        typer.Option("--hosts-only", help="Leave trees without a compute node out."),
    ] = False,
) -> int:
    """Find allocations of consumers that are not there: placement audit.

    Exit status 0 none found, 1 not all deleted, 3 found, 4 found and deleted, 127
    unknown provider or other input that cannot be right.
    """
    from kilonova.admin.audit import AuditOptions
    from kilonova.cli import audit

    wanted = AuditOptions(provider, delete, all_classes, hosts_only)
    return audit.run(given, records, wanted)


@commands.command(app)
def heal(wanted: Healed) -> int:
    """Allocate what servers lack: placement heal_allocations.

    Exit status 0 healed, 1 count reached, 2 no compute node, 3 not allocated, 4 nothing
    to heal, 5 ports not known, 6 not updated, 7 not rolled back, 8 vGPU or accelerator,
    127 input that cannot be right.
    """
    from kilonova.cli import heal

    return heal.run(wanted)


@commands.command(app, "sync-aggregates")
def sync_aggregates(
    given: Administered,
    records: Annotated[
        Path | None,
        typer.Option("--records", metavar="RECORDS.json", help="Hosts that are known."),
    ] = None,
    failing: Annotated[
        options.Texts,
        typer.Option("--fail", metavar="HOST=read|update", help="What goes wrong."),
    ] = None,
) -> int:
    """Mirror host aggregates to Placement's: placement sync_aggregates.

    Exit status 0 done, 1 host with several nodes, 2 aggregates not read, 3 not updated,
    4 host in no cell, 5 host without compute node, 6 without provider, 127 input that
    cannot be right.
    """
    from kilonova.cli import sync_aggregates

    return sync_aggregates.run(given, records, failing or ())
