"""The typer application: options and help; the work is done elsewhere."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="kilonova",
    help="Placement and scheduling for OpenStack-shaped clouds, in memory.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kilonova {version('kilonova')}")
        raise typer.Exit


@app.callback()
def kilonova(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Placement and scheduling for OpenStack-shaped clouds, in memory."""


@app.command()
def replay(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR|NAME",
            help="A recorded cluster: a folder of Parquet files, or openb.",
        ),
    ],
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy", metavar="P", help="Only this policy; may be repeated."
        ),
    ] = None,
    workload: Annotated[
        list[str] | None,
        typer.Option(
            "--workload", metavar="W", help="Only this workload; may be repeated."
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option("--seed", metavar="S", help="Only this seed; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where report, pictures and metrics go.  [default: out/NAME]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
    check_published: Annotated[
        bool,
        typer.Option(
            "--check-published",
            help="Compare with the published series, and write no report.",
        ),
    ] = False,
) -> None:
    """Replay a recorded cluster: a table, and a report with pictures.

    Requests arrive in their recorded order and are placed by each policy; without
    further options by all of them, for all workloads and seeds.
    """
    from kilonova.cli import replay as command

    command.run(
        command.Wanted(
            source=source,
            policies=tuple(policy or ()),
            workloads=tuple(workload or ()),
            seeds=tuple(seed or ()),
            out=out,
            as_json=as_json,
            check_published=check_published,
        )
    )
