"""Further commands of the application: ``kilonova server``.

Options and help; the work is done elsewhere.
"""

from typing import Annotated

import typer

from kilonova.cli import commands, options
from kilonova.cli.given import Served
from kilonova.cli.placement_app import app
from kilonova.cli.wanted import Booted

__all__ = ["app"]

_STATUS = (
    "Exit status 0 done, 1 refused and nothing changed, 2 input that cannot be right, "
    "3 ended with a failure: what was done until then is written."
)
_server = typer.Typer(
    name="server",
    help=f"Boot, move and delete servers; who holds what then. {_STATUS}",
    no_args_is_help=True,
)

_Server = Annotated[str, typer.Argument(metavar="SERVER", help="Its UUID.")]
_Service = Annotated[str, typer.Argument(metavar="HOST", help="A compute service.")]
_Port = Annotated[
    str, typer.Argument(metavar="PORT", help="UUID in the records, or JSON of one.")
]
_Force = Annotated[bool, typer.Option("--force", help="Ask no filter; needs --host.")]


@commands.command(_server, "boot")
def boot(wanted: Booted, given: Served, uuid: _Server) -> int:
    """Boot a server, or several alike."""
    from kilonova.cli import server_calls as calls

    return calls.boot(given, uuid, wanted)


@commands.command(_server, "resize")
def resize(
    given: Served,
    uuid: _Server,
    flavor: options.Flavor,
    properties: options.Properties = None,
) -> int:
    """Resize a server; it waits for confirm or revert."""
    from kilonova.cli import server_calls as calls

    wanted = calls.new_flavor(flavor, properties or ())
    return calls.act(given, lambda do: do.resize(uuid, wanted))


@commands.command(_server, "confirm")
def confirm(given: Served, uuid: _Server) -> int:
    """Confirm a resize or cold migration: the source is freed."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.confirm_resize(uuid))


@commands.command(_server, "revert")
def revert(given: Served, uuid: _Server) -> int:
    """Revert a resize or cold migration."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.revert_resize(uuid))


@commands.command(_server, "migrate")
def migrate(given: Served, uuid: _Server, host: options.Destination = None) -> int:
    """Migrate a server cold."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.migrate(uuid, host))


@commands.command(_server, "live-migrate")
def live_migrate(
    given: Served,
    uuid: _Server,
    host: options.Destination = None,
    force: _Force = False,
) -> int:
    """Migrate a server that runs."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.live_migrate(uuid, host, force=force))


@commands.command(_server, "evacuate")
def evacuate(
    given: Served,
    uuid: _Server,
    host: options.Destination = None,
    force: _Force = False,
    stopped: Annotated[
        bool, typer.Option("--stopped", help="Do not start it there.")
    ] = False,
) -> int:
    """Build a server anew elsewhere whose host is down."""
    from kilonova.cli import server_calls as calls

    state = "stopped" if stopped else None
    return calls.act(
        given, lambda do: do.evacuate(uuid, host, force=force, target_state=state)
    )


@commands.command(_server, "shelve")
def shelve(given: Served, uuid: _Server) -> int:
    """Shelve a server; nova.conf says when it is offloaded."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.shelve(uuid))


@commands.command(_server, "shelve-offload")
def shelve_offload(given: Served, uuid: _Server) -> int:
    """Take a shelved server off its host."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.shelve_offload(uuid))


@commands.command(_server, "unshelve")
def unshelve(
    given: Served,
    uuid: _Server,
    host: options.Destination = None,
    availability_zone: options.AvailabilityZone = None,
) -> int:
    """Start a shelved server again."""
    from kilonova.cli import server_calls as calls

    zone = {"availability_zone": availability_zone} if availability_zone else {}
    return calls.act(given, lambda do: do.unshelve(uuid, host=host, **zone))


@commands.command(_server, "rebuild")
def rebuild(
    given: Served,
    uuid: _Server,
    image: options.Image = "",
    image_properties: options.ImageProperties = None,
) -> int:
    """Build a server anew where it is, from its image or another one."""
    from kilonova.cli import server_calls as calls

    other = calls.other_image(image, image_properties or ())
    return calls.act(given, lambda do: do.rebuild(uuid, other))


@commands.command(_server, "rescue")
def rescue(
    given: Served,
    uuid: _Server,
    image: options.Image = "",
    image_properties: options.ImageProperties = None,
) -> int:
    """Boot a server from its image, or another one, to repair it."""
    from kilonova.cli import server_calls as calls

    other = calls.other_image(image, image_properties or ())
    return calls.act(given, lambda do: do.rescue(uuid, other))


@commands.command(_server, "unrescue")
def unrescue(given: Served, uuid: _Server) -> int:
    """Boot a rescued server from its own disks again."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.unrescue(uuid))


@commands.command(_server, "delete")
def delete(given: Served, uuid: _Server) -> int:
    """Delete a server."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.delete(uuid))


@commands.command(_server, "attach")
def attach(given: Served, uuid: _Server, port: _Port) -> int:
    """Attach a port."""
    from kilonova.cli import server_calls as calls

    return calls.attach(given, uuid, port)


@commands.command(_server, "detach")
def detach(given: Served, uuid: _Server, port: _Port) -> int:
    """Detach a port."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.detach_port(uuid, port))


@commands.command(_server, "start-service")
def start_service(given: Served, host: _Service) -> int:
    """Let a dead compute service come back; it frees what was evacuated from it."""
    from kilonova.cli import server_calls as calls

    return calls.start_service(given, host)


@commands.command(_server, "stop-service")
def stop_service(given: Served, host: _Service) -> int:
    """Let a compute service be dead."""
    from kilonova.cli import server_calls as calls

    return calls.stop_service(given, host)


@commands.command(_server, "list")
def list_servers(
    given: Served,
    all_projects: Annotated[
        bool, typer.Option("--all-projects", help="Not only the caller's.")
    ] = False,
) -> int:
    """List servers and what they hold."""
    from kilonova.cli import server_calls as calls

    return calls.show(given, all_projects)


app.add_typer(_server)
