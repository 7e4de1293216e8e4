"""Further commands of the application, for operators.

Options and help; the work is done elsewhere.
"""

from pathlib import Path
from typing import Annotated

import typer

from kilonova.cli.app import app

__all__ = ["app"]

policy = typer.Typer(
    name="policy", help="Who may do what, by Nova's rules.", no_args_is_help=True
)
rescue = typer.Typer(
    name="rescue", help="Servers booted from another disk.", no_args_is_help=True
)
vgpu = typer.Typer(
    name="vgpu", help="Mediated devices of a host.", no_args_is_help=True
)

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
_Names = list[str] | None
_FailedHosts = Annotated[
    _Names, typer.Option("--host", metavar="HOST", help="A failed host; repeatable.")
]
_FailedAggregates = Annotated[
    _Names,
    typer.Option("--aggregate", "--rack", metavar="AGGREGATE", help="All of it."),
]
_FailedCells = Annotated[
    _Names, typer.Option("--cell", metavar="UUID", help="All hosts of a cell.")
]
_RecordsFile = Annotated[
    Path,
    typer.Option("--records", metavar="RECORDS.json", help="Servers and ports."),
]
_PlanFile = Annotated[
    Path,
    typer.Option("--plan", metavar="FILE.parquet", help="The plan, and its state."),
]
_ConfigFile = Annotated[
    Path | None, typer.Option("--config-file", metavar="FILE", help="nova.conf.")
]
_Caller = Annotated[
    str | None,
    typer.Option("--as", metavar="role:R,project:P,scope:S", help="Ask a policy."),
]
_CloudPath = Annotated[
    Path,
    typer.Argument(
        metavar="CLOUD", help="A JSON document, or a folder that Cloud.write wrote."
    ),
]


@policy.command("check")
def policy_check(
    operation: Annotated[
        str, typer.Argument(metavar="OPERATION", help="As listed, or a rule's name.")
    ],
    caller: Annotated[
        str,
        typer.Option(
            "--as", metavar="role:R,project:P,scope:S", help="Also user:U, domain:D."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="project:P,user:U", help="Whose; default: the caller's."
        ),
    ] = None,
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    as_json: _Json = False,
) -> None:
    """Say whether a caller may do an operation; exit status 1 if not."""
    from kilonova.cli import policy as command

    asked = command.Rules(rules, policy_file)
    raise typer.Exit(command.check(operation, caller, target, asked, as_json))


@policy.command("list")
def policy_list(
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    as_json: _Json = False,
) -> None:
    """List the operations, and the rules that guard them."""
    from kilonova.cli import policy as command

    command.show(command.Rules(rules, policy_file), as_json)


@vgpu.command("plan")
def vgpu_plan(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The host's nova.conf.")
    ],
    devices: Annotated[
        Path, typer.Argument(metavar="DEVICES.json", help="What the host reports.")
    ],
    node: Annotated[
        str, typer.Option("--node", metavar="NAME", help="Its root provider.")
    ] = "node",
    release: Annotated[
        str, typer.Option("--release", metavar="ussuri|current", help="Nova 21 or 34.")
    ] = "current",
    as_json: _Json = False,
) -> None:
    """Say which child provider each device becomes, and what it offers."""
    from kilonova.cli import vgpu as command

    command.plan(config, devices, node, release, as_json)


@rescue.command("plan")
def rescue_plan(
    server: Annotated[
        Path, typer.Argument(metavar="SERVER.json", help="The server with its disks.")
    ],
    image: Annotated[
        Path | None,
        typer.Option("--image", metavar="IMAGE.json", help="To boot from."),
    ] = None,
    cloud: Annotated[
        Path | None,
        typer.Option("--cloud", metavar="CLOUD", help="Where its host has its traits."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="Its host's node.")
    ] = None,
    microversion: Annotated[
        str, typer.Option("--microversion", metavar="2.N", help="Of the call.")
    ] = "2.87",
    virt_type: Annotated[
        str, typer.Option("--virt-type", metavar="TYPE", help="kvm, qemu, lxc, ...")
    ] = "kvm",
    max_disk_devices: Annotated[
        int, typer.Option("--max-disk-devices", metavar="N", help="-1: no limit.")
    ] = -1,
    admin: Annotated[
        bool, typer.Option("--admin", help="A lock does not stop the caller.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Say where the disks of a server are in a rescue; exit status 1 if refused."""
    from kilonova.admin.rescue_devices import Hypervisor
    from kilonova.cli import rescue as command

    wanted = command.Wanted(
        server=server,
        image=image,
        cloud=cloud,
        host=host,
        microversion=microversion,
        hypervisor=Hypervisor(virt_type, max_disk_devices=max_disk_devices),
        is_admin=admin,
        as_json=as_json,
    )
    raise typer.Exit(command.run(wanted))


@app.command()
def precache(
    cloud: Annotated[
        Path,
        typer.Argument(
            metavar="CLOUD", help="A JSON document, or a folder that Cloud.write wrote."
        ),
    ],
    aggregate: Annotated[
        str, typer.Argument(metavar="AGGREGATE", help="UUID or name.")
    ],
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="UUIDs of images.")
    ],
    fail: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="HOST=IMAGE", help="What cannot be fetched."),
    ] = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config-file", metavar="FILE", help="nova.conf."),
    ] = None,
    caller: Annotated[
        str | None,
        typer.Option("--as", metavar="role:R,project:P,scope:S", help="Ask a policy."),
    ] = None,
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the cloud as it is then."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Simulate pre-caching of images on the hosts of an aggregate.

    Exit status 1 where an image failed on a host; hosts that are down are skipped.
    """
    from kilonova.cli import policy as policies
    from kilonova.cli import precache as command

    wanted = command.Wanted(
        cloud=cloud,
        aggregate=aggregate,
        images=images,
        failing=tuple(fail or ()),
        config_file=config_file,
        caller=caller,
        rules=policies.Rules(rules, policy_file),
        out=out,
        as_json=as_json,
    )
    raise typer.Exit(command.run(wanted))


@app.command()
def evacuate(
    cloud: _CloudPath,
    records: _RecordsFile,
    plan: _PlanFile,
    host: _FailedHosts = None,
    aggregate: _FailedAggregates = None,
    cell: _FailedCells = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry the plan out, or go on with it.")
    ] = False,
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Look for nothing better than Nova's.")
    ] = False,
    regroup: Annotated[
        bool, typer.Option("--regroup", help="Lost affinity groups gather anew.")
    ] = False,
    config_file: _ConfigFile = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Of hosts drawn among the best.")
    ] = 0,
    caller: _Caller = None,
    rules: _Rules = "current",
    policy_file: _PolicyFile = None,
    as_json: _Json = False,
) -> None:
    """Plan where all servers of failed hosts go; nothing moves without --apply.

    Exit status 0 where all servers have a host, 3 where some have none.
    """
    from kilonova.cli import evacuate as command
    from kilonova.cli import policy as policies

    wanted = command.Wanted(
        cloud=cloud,
        records=records,
        plan=plan,
        hosts=tuple(host or ()),
        aggregates=tuple(aggregate or ()),
        cells=tuple(cell or ()),
        greedy=greedy,
        regroup=regroup,
        config_file=config_file,
        seed=seed,
        caller=caller,
        rules=policies.Rules(rules, policy_file),
        as_json=as_json,
    )
    raise typer.Exit(command.carry_out(wanted) if apply else command.plan(wanted))


app.add_typer(policy)
app.add_typer(rescue)
app.add_typer(vgpu)
