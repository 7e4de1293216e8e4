"""Further commands of the application: those on Placement that ``nova-manage`` has.

Options and help; the work is done elsewhere.
"""

from pathlib import Path
from typing import Annotated

import typer

from kilonova.cli.admin_app import app

__all__ = ["app"]

_Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of text.")
]
_Rules = Annotated[
    str, typer.Option("--rules", metavar="ussuri|current", help="Nova 21 or 34.")
]
_PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy-file", metavar="FILE", help="Overrides: policy.yaml."),
]
_Cloud = Annotated[
    Path,
    typer.Argument(
        metavar="CLOUD", help="A JSON document, or a folder that Cloud.write wrote."
    ),
]
_Records = Annotated[
    Path,
    typer.Option("--records", metavar="RECORDS.json", help="Servers and migrations."),
]
_Caller = Annotated[
    str | None,
    typer.Option("--as", metavar="role:R,project:P,scope:S", help="Ask a policy."),
]
_Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write the cloud as it is then."),
]
_Verbose = Annotated[bool, typer.Option("--verbose", help="Tell of each step.")]


@app.command()
def audit(
    cloud: _Cloud,
    records: _Records,
    verbose: _Verbose = False,
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
    caller: _Caller = None,
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    out: _Out = None,
    as_json: _Json = False,
) -> None:
    """Find allocations of consumers that are not there: placement audit.

    Exit status 0 none found, 1 not all deleted, 3 found, 4 found and deleted, 127
    unknown provider or other input that cannot be right.
    """
    from kilonova.admin.audit import AuditOptions
    from kilonova.cli import administration, policy
    from kilonova.cli import audit as command

    given = administration.Administered(
        cloud=cloud,
        records=records,
        caller=caller,
        rules=policy.Rules(rules, policy_file),
        out=out,
        verbose=verbose,
        as_json=as_json,
    )
    options = AuditOptions(provider, delete, all_classes, hosts_only)
    raise typer.Exit(command.run(given, options))


@app.command()
def heal(
    cloud: _Cloud,
    records: _Records,
    max_count: Annotated[
        str | None,
        typer.Option("--max-count", metavar="N", help="Servers to heal at most."),
    ] = None,
    verbose: _Verbose = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; exit status 4.")
    ] = False,
    server: Annotated[
        str | None, typer.Option("--instance", metavar="UUID", help="Only this one.")
    ] = None,
    skip_ports: Annotated[
        bool, typer.Option("--skip-port-allocations", help="Leave ports alone.")
    ] = False,
    cell: Annotated[
        str | None, typer.Option("--cell", metavar="UUID", help="Only this cell.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what --instance holds.")
    ] = False,
    failing: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="PORT[=rollback]", help="What goes wrong."),
    ] = None,
    caller: _Caller = None,
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    out: _Out = None,
    records_out: Annotated[
        Path | None,
        typer.Option("--records-out", metavar="FILE", help="Write the records, too."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Allocate what servers lack: placement heal_allocations.

    Exit status 0 healed, 1 count reached, 2 no compute node, 3 not allocated, 4 nothing
    to heal, 5 ports not known, 6 not updated, 7 not rolled back, 8 vGPU or accelerator,
    127 input that cannot be right.
    """
    from kilonova.admin.heal_steps import HealOptions
    from kilonova.cli import administration, policy
    from kilonova.cli import heal as command

    given = administration.Administered(
        cloud=cloud,
        records=records,
        caller=caller,
        rules=policy.Rules(rules, policy_file),
        out=out,
        records_out=records_out,
        verbose=verbose,
        as_json=as_json,
    )
    options = HealOptions(None, dry_run, server, skip_ports, cell, force)
    raise typer.Exit(command.run(given, options, failing or (), max_count))


@app.command("sync-aggregates")
def sync_aggregates(
    cloud: _Cloud,
    records: Annotated[
        Path | None,
        typer.Option("--records", metavar="RECORDS.json", help="Hosts that are known."),
    ] = None,
    verbose: _Verbose = False,
    failing: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="HOST=read|update", help="What goes wrong."),
    ] = None,
    caller: _Caller = None,
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    out: _Out = None,
    as_json: _Json = False,
) -> None:
    """Mirror host aggregates to Placement's: placement sync_aggregates.

    Exit status 0 done, 1 host with several nodes, 2 aggregates not read, 3 not updated,
    4 host in no cell, 5 host without compute node, 6 without provider, 127 input that
    cannot be right.
    """
    from kilonova.cli import administration, policy
    from kilonova.cli import sync_aggregates as command

    given = administration.Administered(
        cloud=cloud,
        records=records,
        caller=caller,
        rules=policy.Rules(rules, policy_file),
        out=out,
        verbose=verbose,
        as_json=as_json,
    )
    raise typer.Exit(command.run(given, failing or ()))
