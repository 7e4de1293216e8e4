"""The command that measures. Options and help; the work is done elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from kilonova.cli import commands, options
from kilonova.cli.server_app import app

__all__ = ["app"]


@commands.command(app)
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer workloads and sizes: two minutes.")
    ] = False,
    peers: Annotated[
        str,
        typer.Option(
            "--peers", metavar="placement,nova", help="Services to measure beside."
        ),
    ] = "",
    hosts: Annotated[
        options.Texts,
        typer.Option("--hosts", metavar="N", help="Sizes; repeated, or with commas."),
    ] = None,
    only: Annotated[
        str,
        typer.Option("--only", metavar="NAME", help="Workloads that begin so, alone."),
    ] = "",
    gates: Annotated[
        Path | None,
        typer.Option("--gates", metavar="FILE", help="Hold these bounds instead."),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Measure this machine: workloads, growth, limits, peers, replays.

    With --gates: exit status 1 and a line for each bound that is breached.
    """
    from kilonova.cli import bench

    wanted = bench.Wanted(quick, peers, tuple(hosts or ()), only, gates, as_json)
    return bench.run(wanted)
