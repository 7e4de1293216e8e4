"""The typer application: options and help; the work is done elsewhere."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kilonova.cli import commands, options
from kilonova.cli.given import Question
from kilonova.cli.wanted import Selected


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


_Source = Annotated[
    str,
    typer.Argument(
        metavar="DIR|NAME",
        help="A recorded cluster: openb, azure, huawei, or a folder.",
    ),
]
_Policies = Annotated[
    options.Texts,
    typer.Option("--policy", metavar="P", help="Only this policy; may be repeated."),
]
_Workloads = Annotated[
    options.Texts,
    typer.Option(
        "--workload",
        "--window",
        metavar="W",
        help="Only this workload; may be repeated.",
    ),
]
_Seeds = Annotated[
    list[int] | None,
    typer.Option("--seed", metavar="S", help="Only this seed; may be repeated."),
]
_HostCount = Annotated[
    int | None,
    typer.Option("--hosts", metavar="N", help="Hosts of azure.  [default: 1100]"),
]
_Like = Annotated[
    str | None,
    typer.Option("--like", metavar="NAME", help="Form of a folder.  [default: openb]"),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Where report, pictures and metrics go.  [default: out/NAME]",
    ),
]
_Published = Annotated[
    bool,
    typer.Option(
        "--check-published",
        help="Compare with the published series, and write no report.",
    ),
]


@commands.command(app)
def replay(
    source: _Source,
    policy: _Policies = None,
    workload: _Workloads = None,
    seed: _Seeds = None,
    hosts: _HostCount = None,
    config_file: options.ConfigFile = None,
    like: _Like = None,
    out: _Out = None,
    as_json: options.Json = False,
    check_published: _Published = False,
) -> None:
    """Replay a recorded cluster: a table, and a report with pictures.

    openb: GPU machines and tasks; all policies, workloads, seeds unless some are named.

    azure: servers that come in batches and leave; workload test unless dev is named.

    huawei: hosts of two NUMA cells in racks, server groups; five workloads.

    azure and huawei go through Nova's filters and weighers, by policy spread (Nova's
    defaults), pack, or a configuration file, whose name is the policy's.
    """
    from kilonova.cli import replay
    from kilonova.replay.source import Choice

    replay.run(
        replay.Wanted(
            source=source,
            like=like,
            choice=Choice(
                policies=tuple(policy or ()),
                workloads=tuple(workload or ()),
                seeds=tuple(seed or ()),
                hosts=hosts,
                config_file=config_file,
                published=check_published,
            ),
            out=out,
            as_json=as_json,
        )
    )


@commands.command(app)
def candidates(
    context: typer.Context,
    question: Question,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Most candidates.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List the allocation candidates of a request, as Placement would."""
    from kilonova.cli import candidates
    from kilonova.cli.asking import Asked

    candidates.run(Asked(question, context.obj, limit), as_json)


@commands.command(app)
def explain(
    context: typer.Context,
    question: Question,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="NAME", help="Look at this host alone."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Say which constraint removes how many hosts, and what would help."""
    from kilonova.cli import explain
    from kilonova.cli.asking import Asked

    explain.run(Asked(question, context.obj), host, as_json)


@commands.command(app)
def headroom(
    context: typer.Context,
    question: Question,
    most: Annotated[
        int | None, typer.Option("--most", metavar="N", help="Stop counting there.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Count how many more of a request fit, in all and host by host."""
    from kilonova.cli import headroom
    from kilonova.cli.asking import Asked

    headroom.run(Asked(question, context.obj), most, as_json)


@commands.command(app)
def select(wanted: Selected) -> int:
    """Select hosts for servers as Nova's scheduler would; the cloud is not changed.

    Exit status 1 where no host takes them.
    """
    from kilonova.cli import select

    return select.run(wanted)
