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


_Source = Annotated[
    str,
    typer.Argument(
        metavar="DIR|NAME",
        help="A recorded cluster: openb, azure, huawei, or a folder.",
    ),
]
_Policies = Annotated[
    list[str] | None,
    typer.Option("--policy", metavar="P", help="Only this policy; may be repeated."),
]
_Workloads = Annotated[
    list[str] | None,
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
_Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of a table.")
]
_ConfigFile = Annotated[
    Path | None,
    typer.Option("--config-file", metavar="FILE", help="nova.conf, or TOML."),
]


@app.command()
def replay(
    source: _Source,
    policy: _Policies = None,
    workload: _Workloads = None,
    seed: _Seeds = None,
    hosts: _HostCount = None,
    config_file: _ConfigFile = None,
    like: _Like = None,
    out: _Out = None,
    as_json: _Json = False,
    check_published: _Published = False,
) -> None:
    """Replay a recorded cluster: a table, and a report with pictures.

    openb: GPU machines and tasks; all policies, workloads, seeds unless some are named.

    azure: servers that come in batches and leave; workload test unless dev is named.

    huawei: hosts of two NUMA cells in racks, server groups; five workloads.

    azure and huawei go through Nova's filters and weighers, by policy spread (Nova's
    defaults), pack, or a configuration file, whose name is the policy's.
    """
    from kilonova.cli import replay as command
    from kilonova.replay.source import Choice

    command.run(
        command.Wanted(
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


_KeyValue = "KEY=VALUE"
_Flavor = Annotated[
    str,
    typer.Option(
        "--flavor",
        metavar="vcpus=N,ram=MIB,...",
        help="Also disk and ephemeral in GiB, swap in MiB, name.",
    ),
]
_Properties = Annotated[
    list[str] | None,
    typer.Option("--property", metavar=_KeyValue, help="Flavor extra spec."),
]
_ImageProperties = Annotated[
    list[str] | None,
    typer.Option("--image-property", metavar=_KeyValue, help="Of the image."),
]
_Port = Annotated[
    list[str] | None,
    typer.Option("--port", metavar="JSON", help="Neutron port, or a file of them."),
]
_ServerGroup = Annotated[
    str | None,
    typer.Option(
        "--server-group", metavar="UUID", help="A group, or a new one's policy."
    ),
]


@app.command()
def select(
    cloud: _Cloud,
    flavor: _Flavor,
    count: Annotated[int, typer.Option("--count", metavar="N", help="Servers.")] = 1,
    properties: _Properties = None,
    image_properties: _ImageProperties = None,
    hint: Annotated[
        list[str] | None,
        typer.Option("--hint", metavar=_KeyValue, help="Scheduler hint."),
    ] = None,
    port: _Port = None,
    server_group: _ServerGroup = None,
    availability_zone: Annotated[
        str | None, typer.Option("--availability-zone", metavar="ZONE", help="Zone.")
    ] = None,
    config_file: _ConfigFile = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of draws.")] = 0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what filters and weighers did.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Select hosts for servers as Nova's scheduler would; the cloud is not changed."""
    from kilonova.cli import select as command

    status = command.run(
        command.Wanted(
            cloud=cloud,
            flavor=flavor,
            count=count,
            properties=tuple(properties or ()),
            image_properties=tuple(image_properties or ()),
            hints=tuple(hint or ()),
            ports=tuple(port or ()),
            server_group=server_group,
            availability_zone=availability_zone,
            config_file=config_file,
            seed=seed,
            explain=explain,
            as_json=as_json,
        )
    )
    raise typer.Exit(status)
