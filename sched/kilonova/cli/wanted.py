"""What single commands with many options are given; the fields are those options."""

from pathlib import Path
from typing import Annotated

import typer

from kilonova.cli import options
from kilonova.cli.authority import Authority
from kilonova.cli.commands import Options
from kilonova.cli.given import Administered


class Replayed(Options):
    """What ``kilonova replay`` is given."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="DIR|NAME",
            help="A recorded cluster: openb, azure, huawei, or a folder.",
        ),
    ]
    policies: Annotated[
        options.Texts,
        typer.Option(
            "--policy", metavar="P", help="Only this policy; may be repeated."
        ),
    ] = None
    workloads: Annotated[
        options.Texts,
        typer.Option(
            "--workload",
            "--window",
            metavar="W",
            help="Only this workload; may be repeated.",
        ),
    ] = None
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seed", metavar="S", help="Only this seed; may be repeated."),
    ] = None
    hosts: Annotated[
        int | None,
        typer.Option("--hosts", metavar="N", help="Hosts of azure.  [default: 1100]"),
    ] = None
    config_file: options.ConfigFile = None
    like: Annotated[
        str | None,
        typer.Option(
            "--like", metavar="NAME", help="Form of a folder.  [default: openb]"
        ),
    ] = None
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where report, pictures and metrics go.  [default: out/NAME]",
        ),
    ] = None
    as_json: options.Json = False
    published: Annotated[
        bool,
        typer.Option(
            "--check-published",
            help="Compare with the published series, and write no report.",
        ),
    ] = False


class Selected(Options):
    """What ``kilonova select`` is given."""

    cloud: options.CloudPath
    flavor: options.Flavor
    count: options.Count = 1
    properties: options.Properties = None
    image_properties: options.ImageProperties = None
    hints: options.Hints = None
    ports: Annotated[
        options.Texts,
        typer.Option("--port", metavar="JSON", help="Neutron port, or a file of them."),
    ] = None
    server_group: Annotated[
        str | None,
        typer.Option(
            "--server-group", metavar="UUID", help="A group, or a new one's policy."
        ),
    ] = None
    availability_zone: options.AvailabilityZone = None
    config_file: options.ConfigFile = None
    seed: options.Seed = 0
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what filters and weighers did.")
    ] = False
    authority: Authority
    as_json: options.Json = False


class Booted(Options):
    """What ``kilonova server boot`` is given.

    Attributes
    ----------
    ports
        UUIDs of ports in the records, or JSON of new ones, or files of it.
    """

    flavor: options.Flavor
    properties: options.Properties = None
    image: options.Image = ""
    image_properties: options.ImageProperties = None
    count: options.Count = 1
    ports: Annotated[
        options.Texts,
        typer.Option("--port", metavar="PORT", help="UUID, or JSON; repeatable."),
    ] = None
    server_group: Annotated[
        str | None, typer.Option("--server-group", metavar="UUID", help="Its group.")
    ] = None
    availability_zone: options.AvailabilityZone = None
    hints: options.Hints = None
    host: options.Destination = None
    project: Annotated[
        str | None, typer.Option("--project", metavar="ID", help="Else the caller's.")
    ] = None
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Else the caller.")
    ] = None
    volume: Annotated[bool, typer.Option("--volume", help="Boot from a volume.")] = (
        False
    )


class Healed(Options):
    """What ``kilonova heal`` is given.

    Attributes
    ----------
    max_count
        As it was typed; of no effect with a server.
    failing
        ``PORT`` each, which takes no allocation, or ``PORT=rollback``, which keeps it.
    """

    records: options.RecordsPath
    max_count: Annotated[
        str | None,
        typer.Option("--max-count", metavar="N", help="Servers to heal at most."),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; exit status 4.")
    ] = False
    server: Annotated[
        str | None, typer.Option("--instance", metavar="UUID", help="Only this one.")
    ] = None
    skip_ports: Annotated[
        bool, typer.Option("--skip-port-allocations", help="Leave ports alone.")
    ] = False
    cell: Annotated[
        str | None, typer.Option("--cell", metavar="UUID", help="Only this cell.")
    ] = None
    force: Annotated[
        bool, typer.Option("--force", help="Replace what --instance holds.")
    ] = False
    failing: Annotated[
        options.Texts,
        typer.Option("--fail", metavar="PORT[=rollback]", help="What goes wrong."),
    ] = None
    records_out: options.RecordsOut = None
    given: Administered


class Precached(Options):
    """What ``kilonova precache`` is given."""

    cloud: options.CloudPath
    aggregate: Annotated[str, typer.Argument(metavar="AGGREGATE", help="UUID or name.")]
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="UUIDs of images.")
    ]
    failing: Annotated[
        options.Texts,
        typer.Option("--fail", metavar="HOST=IMAGE", help="What cannot be fetched."),
    ] = None
    config_file: options.NovaConf = None
    authority: Authority
    out: options.Out = None
    as_json: options.Json = False


class Divided(Options):
    """What the commands of ``kilonova vgpu`` share: a host, and how it is set up."""

    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The host's nova.conf.")
    ]
    devices: Annotated[
        Path, typer.Argument(metavar="DEVICES.json", help="What the host reports.")
    ]
    node: Annotated[
        str, typer.Option("--node", metavar="NAME", help="Its root provider.")
    ] = "node"
    release: Annotated[
        str, typer.Option("--release", metavar="ussuri|current", help="Nova 21 or 34.")
    ] = "current"


class Reported(Options):
    """What ``kilonova vgpu apply`` is given."""

    cloud: options.CloudPath
    host: Divided
    remove_absent: Annotated[
        bool,
        typer.Option(
            "--remove-absent", help="Also providers of devices that are gone."
        ),
    ] = False
    authority: Authority
    out: options.Out = None
    as_json: options.Json = False


class Evacuated(Options):
    """What ``kilonova evacuate`` is given."""

    cloud: options.CloudPath
    records: options.RecordsPath
    plan: Annotated[
        Path,
        typer.Option("--plan", metavar="FILE.parquet", help="The plan, and its state."),
    ]
    hosts: Annotated[
        options.Texts,
        typer.Option("--host", metavar="HOST", help="A failed host; repeatable."),
    ] = None
    aggregates: Annotated[
        options.Texts,
        typer.Option("--aggregate", "--rack", metavar="AGGREGATE", help="All of it."),
    ] = None
    cells: Annotated[
        options.Texts,
        typer.Option("--cell", metavar="UUID", help="All hosts of a cell."),
    ] = None
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Look for nothing better than Nova's.")
    ] = False
    regroup: Annotated[
        bool, typer.Option("--regroup", help="Lost affinity groups gather anew.")
    ] = False
    config_file: options.ConfigFile = None
    seed: options.Seed = 0
    authority: Authority
    as_json: options.Json = False

    @property
    def names_hosts(self) -> bool:
        """Whether the command line says what failed."""
        return bool(self.hosts or self.aggregates or self.cells)


class Rescued(Options):
    """What ``kilonova rescue plan`` is given."""

    server: Annotated[
        Path, typer.Argument(metavar="SERVER.json", help="The server with its disks.")
    ]
    image: Annotated[
        Path | None,
        typer.Option("--image", metavar="IMAGE.json", help="To boot from."),
    ] = None
    cloud: Annotated[
        Path | None,
        typer.Option("--cloud", metavar="CLOUD", help="Where its host has its traits."),
    ] = None
    host: Annotated[
        str | None, typer.Option("--host", metavar="NAME", help="Its host's node.")
    ] = None
    microversion: Annotated[
        str, typer.Option("--microversion", metavar="2.N", help="Of the call.")
    ] = "2.87"
    virt_type: Annotated[
        str, typer.Option("--virt-type", metavar="TYPE", help="kvm, qemu, lxc, ...")
    ] = "kvm"
    max_disk_devices: Annotated[
        int, typer.Option("--max-disk-devices", metavar="N", help="-1: no limit.")
    ] = -1
    admin: Annotated[
        bool, typer.Option("--admin", help="A lock does not stop the caller.")
    ] = False
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="ID", help="Whose it is; else the caller's."),
    ] = None
    authority: Authority
    as_json: options.Json = False
