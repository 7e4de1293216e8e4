"""The typer application: options and help; the work is done elsewhere."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class _Commands(TyperGroup):
    """All commands; each may be stopped from the keyboard."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; Ctrl-C is told here, as typer would not say a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("kilonova: interrupted; nothing was written", err=True)
            raise SystemExit(130) from None


app = typer.Typer(
    name="kilonova",
    cls=_Commands,
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


_Cloud = Annotated[
    Path,
    typer.Argument(
        metavar="CLOUD", help="A JSON document, or a folder that Cloud.write wrote."
    ),
]
_Query = Annotated[
    str | None,
    typer.Argument(metavar="[QUERY]", help="Placement's query string."),
]
_Resource = Annotated[
    list[str] | None,
    typer.Option("--resource", metavar="CLASS=AMOUNT", help="Amount of a class."),
]
_Required = Annotated[
    list[str] | None,
    typer.Option("--required", metavar="TRAIT", help="A trait, or several: any of."),
]
_Forbidden = Annotated[
    list[str] | None, typer.Option("--forbidden", metavar="TRAIT", help="A trait.")
]
_MemberOf = Annotated[
    list[str] | None,
    typer.Option("--member-of", metavar="AGGREGATE", help="One, or several: any of."),
]
_Group = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME", help="Begins a group of its own."),
]
_Policy = Annotated[
    str | None,
    typer.Option(
        "--group-policy",
        metavar="none|isolate",
        help="Groups on one provider? [default: none]",
    ),
]
_Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", help="Most candidates.")
]
_Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of a table.")
]


@app.command()
def candidates(
    context: typer.Context,
    cloud: _Cloud,
    query: _Query = None,
    resource: _Resource = None,
    required: _Required = None,
    forbidden: _Forbidden = None,
    member_of: _MemberOf = None,
    group: _Group = None,
    group_policy: _Policy = None,
    limit: _Limit = None,
    as_json: _Json = False,
) -> None:
    """List the allocation candidates of a request, as Placement would."""
    from kilonova.cli import candidates as command
    from kilonova.cli.asking import Asked

    asked = Asked(cloud, query, context.obj, group_policy, limit)
    command.run(asked, as_json)


@app.command()
def explain(
    context: typer.Context,
    cloud: _Cloud,
    query: _Query = None,
    resource: _Resource = None,
    required: _Required = None,
    forbidden: _Forbidden = None,
    member_of: _MemberOf = None,
    group: _Group = None,
    group_policy: _Policy = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="NAME", help="Look at this host alone."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say which constraint removes how many hosts, and what would help."""
    from kilonova.cli import explain as command
    from kilonova.cli.asking import Asked

    asked = Asked(cloud, query, context.obj, group_policy, None)
    command.run(asked, host, as_json)


@app.command()
def headroom(
    context: typer.Context,
    cloud: _Cloud,
    query: _Query = None,
    resource: _Resource = None,
    required: _Required = None,
    forbidden: _Forbidden = None,
    member_of: _MemberOf = None,
    group: _Group = None,
    group_policy: _Policy = None,
    most: Annotated[
        int | None, typer.Option("--most", metavar="N", help="Stop counting there.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Count how many more of a request fit, in all and host by host."""
    from kilonova.cli import headroom as command
    from kilonova.cli.asking import Asked

    asked = Asked(cloud, query, context.obj, group_policy, None)
    command.run(asked, most, as_json)
