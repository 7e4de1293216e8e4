"""What several commands are given alike: each field is an argument or an option."""

from typing import TYPE_CHECKING, Annotated

import typer

from kilonova.cli import options
from kilonova.cli.authority import Authority
from kilonova.cli.commands import Options

if TYPE_CHECKING:
    from kilonova.candidates.cloud import Cloud
    from kilonova.records.records import Records


class Administered(Options):
    """What commands share that ``nova-manage`` has.

    Attributes
    ----------
    verbose, as_json
        Whether each step is told, and whether all as one object.
    """

    cloud: options.CloudPath
    verbose: options.Verbose = False
    authority: Authority
    out: options.Out = None
    as_json: options.Json = False

    def tell(self, line: str) -> None:
        """Show a line where everything is told."""
        from kilonova.cli.console import plain_console

        if self.verbose and not self.as_json:
            plain_console().print(line, soft_wrap=True)


class Served(Options):
    """What the commands of ``kilonova server`` share.

    Attributes
    ----------
    out, records_out
        Both or none.
    failing
        ``STEP`` or ``STEP@HOST`` each: what fails, once for each time it is given.
    steps, as_json
        Whether each step is shown, and whether all is one JSON object.
    """

    cloud: options.CloudPath
    records: options.RecordsPath
    out: options.Out = None
    records_out: options.RecordsOut = None
    authority: Authority
    config_file: options.NovaConf = None
    seed: options.Seed = 0
    failing: Annotated[
        options.Texts,
        typer.Option("--fail", metavar="STEP[@HOST]", help="A step that fails once."),
    ] = None
    steps: Annotated[
        bool, typer.Option("--steps", help="Show who holds what after each step.")
    ] = False
    as_json: options.Json = False

    def read(self) -> "tuple[Cloud, Records]":
        """Read cloud and records; raises BadInput."""
        from kilonova.cli.reading import read_cloud
        from kilonova.errors import BadInput
        from kilonova.records.document import read_file

        if (self.out is None) != (self.records_out is None):
            raise BadInput(
                "Cloud and records go together: give --out and --records-out."
            )
        return read_cloud(self.cloud), read_file(self.records)


class Question(Options):
    """What commands share that ask Placement's question of a cloud.

    Options of groups count in their order, so they are read from the command line as a
    whole: here they are only checked and explained.
    """

    cloud: options.CloudPath
    query: Annotated[
        str | None,
        typer.Argument(metavar="[QUERY]", help="Placement's query string."),
    ] = None
    resource: Annotated[
        options.Texts,
        typer.Option("--resource", metavar="CLASS=AMOUNT", help="Amount of a class."),
    ] = None
    required: Annotated[
        options.Texts,
        typer.Option(
            "--required", metavar="TRAIT", help="A trait, or several: any of."
        ),
    ] = None
    forbidden: Annotated[
        options.Texts, typer.Option("--forbidden", metavar="TRAIT", help="A trait.")
    ] = None
    member_of: Annotated[
        options.Texts,
        typer.Option(
            "--member-of", metavar="AGGREGATE", help="One, or several: any of."
        ),
    ] = None
    group: Annotated[
        options.Texts,
        typer.Option("--group", metavar="NAME", help="Begins a group of its own."),
    ] = None
    group_policy: Annotated[
        str | None,
        typer.Option(
            "--group-policy",
            metavar="none|isolate",
            help="Groups on one provider? [default: none]",
        ),
    ] = None
    authority: Authority
