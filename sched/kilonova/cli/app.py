"""The typer application: options and help; the work is done elsewhere."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kilonova.cli import commands, options
from kilonova.cli.given import Question
from kilonova.cli.wanted import Replayed, Selected


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
        # Takes a twentieth of the time that the help may take.
        from importlib.metadata import version

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


@commands.command(app)
def replay(wanted: Replayed) -> None:
    """Replay a recorded cluster: a table, and a report with pictures.

    openb: GPU machines and tasks; all policies, workloads, seeds unless some are named.

    azure: servers that come in batches and leave; workload test unless dev is named.

    huawei: hosts of two NUMA cells in racks, server groups; five workloads.

    azure and huawei go through Nova's filters and weighers, by policy spread (Nova's
    defaults), pack, or a configuration file, whose name is the policy's.
    """
    from kilonova.cli import replay

    replay.run(wanted)


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
