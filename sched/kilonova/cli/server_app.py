"""Further commands of the application: ``kilonova server``.

Options and help; the work is done elsewhere. All these commands share the options of
``_Common``, which are put behind their own.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kilonova.cli.placement_app import app

if TYPE_CHECKING:
    from kilonova.cli.server import Given

__all__ = ["app"]

_STATUS = (
    "Exit status 0 done, 1 refused and nothing changed, 2 input that cannot be right, "
    "3 ended with a failure: what was done until then is written."
)
server = typer.Typer(
    name="server",
    help=f"Boot, move and delete servers; who holds what then. {_STATUS}",
    no_args_is_help=True,
)

_Server = Annotated[str, typer.Argument(metavar="SERVER", help="Its UUID.")]
_Service = Annotated[str, typer.Argument(metavar="HOST", help="A compute service.")]
_Port = Annotated[
    str, typer.Argument(metavar="PORT", help="UUID in the records, or JSON of one.")
]
_Flavor = Annotated[
    str,
    typer.Option(
        "--flavor", metavar="vcpus=N,ram=MIB,disk=GIB", help="Also name, ephemeral."
    ),
]
_Names = list[str] | None
_Properties = Annotated[
    _Names, typer.Option("--property", metavar="KEY=VALUE", help="Of the flavor.")
]
_Image = Annotated[str, typer.Option("--image", metavar="UUID", help="Of the image.")]
_ImageProperties = Annotated[
    _Names, typer.Option("--image-property", metavar="KEY=VALUE", help="Of the image.")
]
_Host = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="Where to; else anywhere.")
]
_Force = Annotated[bool, typer.Option("--force", help="Ask no filter; needs --host.")]


@dataclass(frozen=True, slots=True)
class _Common:
    """The options that all commands share."""

    records: Annotated[
        Path,
        typer.Option("--records", metavar="RECORDS.json", help="Servers and ports."),
    ]
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the cloud as it is then."),
    ] = None
    records_out: Annotated[
        Path | None,
        typer.Option("--records-out", metavar="FILE", help="Write the records, too."),
    ] = None
    caller: Annotated[
        str | None,
        typer.Option("--as", metavar="role:R,project:P,scope:S", help="Ask a policy."),
    ] = None
    rules: Annotated[
        str, typer.Option("--rules", metavar="ussuri|current", help="Nova 21 or 34.")
    ] = "current"
    policy_file: Annotated[
        Path | None,
        typer.Option("--policy-file", metavar="FILE", help="Overrides: policy.yaml."),
    ] = None
    config_file: Annotated[
        Path | None, typer.Option("--config-file", metavar="FILE", help="nova.conf.")
    ] = None
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of draws.")] = 0
    fail: Annotated[
        list[str] | None,
        typer.Option("--fail", metavar="STEP[@HOST]", help="A step that fails once."),
    ] = None
    steps: Annotated[
        bool, typer.Option("--steps", help="Show who holds what after each step.")
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False

    def given(self, cloud: Path) -> "Given":
        """Give them as commands take them."""
        from kilonova.cli.policy import Rules
        from kilonova.cli.server import Given

        return Given(
            cloud=cloud,
            records=self.records,
            out=self.out,
            records_out=self.records_out,
            caller=self.caller,
            rules=Rules(self.rules, self.policy_file),
            config_file=self.config_file,
            seed=self.seed,
            failing=tuple(self.fail or ()),
            steps=self.steps,
            as_json=self.as_json,
        )


_Cloud = Annotated[
    Path,
    typer.Argument(
        metavar="CLOUD", help="A JSON document, or a folder that Cloud.write wrote."
    ),
]
_SHARED = inspect.signature(_Common).parameters


class _Commands:
    """Makes commands of functions of ``given`` and of options of their own."""

    def command(self, name: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
        """Make a command of that name, with the options that all share."""

        def register(function: Callable[..., int]) -> Callable[..., int]:
            own = list(inspect.signature(function).parameters.values())[1:]
            keyword = inspect.Parameter.KEYWORD_ONLY
            cloud = inspect.Parameter("cloud", keyword, annotation=_Cloud)
            both = [
                each.replace(kind=keyword) for each in (cloud, *own, *_SHARED.values())
            ]

            def command(**values: Any) -> None:
                shared = _Common(**{key: values.pop(key) for key in _SHARED})
                given = shared.given(values.pop("cloud"))
                raise typer.Exit(function(given, **values))

            command.__doc__ = function.__doc__
            told: Any = command
            told.__signature__ = inspect.Signature(both)
            told.__annotations__ = {each.name: each.annotation for each in both}
            server.command(name)(command)
            return function

        return register


common = _Commands()


@common.command("boot")
def _boot(
    given: "Given",
    uuid: _Server,
    flavor: _Flavor,
    properties: _Properties = None,
    image: _Image = "",
    image_properties: _ImageProperties = None,
    count: Annotated[int, typer.Option("--count", metavar="N", help="Servers.")] = 1,
    port: Annotated[
        _Names,
        typer.Option("--port", metavar="PORT", help="UUID, or JSON; repeatable."),
    ] = None,
    server_group: Annotated[
        str | None, typer.Option("--server-group", metavar="UUID", help="Its group.")
    ] = None,
    availability_zone: Annotated[
        str | None, typer.Option("--availability-zone", metavar="ZONE", help="Zone.")
    ] = None,
    hint: Annotated[
        _Names, typer.Option("--hint", metavar="KEY=VALUE", help="Scheduler hint.")
    ] = None,
    host: _Host = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="ID", help="Else the caller's.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Else the caller.")
    ] = None,
    volume: Annotated[
        bool, typer.Option("--volume", help="Boot from a volume.")
    ] = False,
) -> int:
    """Boot a server, or several alike."""
    from kilonova.cli import server_calls as calls

    who = given.who()
    caller = who[1] if who else None
    wanted = calls.Booted(
        server=uuid,
        flavor=calls.new_flavor(flavor, properties or ()),
        image=calls.new_image(image, image_properties or ()),
        count=count,
        ports=tuple(port or ()),
        server_group=server_group,
        availability_zone=availability_zone,
        hints=tuple(hint or ()),
        host=host,
        project=project or (caller.project if caller else None) or "",
        user=user or (caller.user if caller else None) or "",
        volume_backed=volume,
    )
    return calls.boot(given, wanted)


@common.command("resize")
def _resize(
    given: "Given", uuid: _Server, flavor: _Flavor, properties: _Properties = None
) -> int:
    """Resize a server; it waits for confirm or revert."""
    from kilonova.cli import server_calls as calls

    wanted = calls.new_flavor(flavor, properties or ())
    return calls.act(given, lambda do: do.resize(uuid, wanted))


@common.command("confirm")
def _confirm(given: "Given", uuid: _Server) -> int:
    """Confirm a resize or cold migration: the source is freed."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.confirm_resize(uuid))


@common.command("revert")
def _revert(given: "Given", uuid: _Server) -> int:
    """Revert a resize or cold migration."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.revert_resize(uuid))


@common.command("migrate")
def _migrate(given: "Given", uuid: _Server, host: _Host = None) -> int:
    """Migrate a server cold."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.migrate(uuid, host))


@common.command("live-migrate")
def _live_migrate(
    given: "Given", uuid: _Server, host: _Host = None, force: _Force = False
) -> int:
    """Migrate a server that runs."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.live_migrate(uuid, host, force=force))


@common.command("evacuate")
def _evacuate(
    given: "Given",
    uuid: _Server,
    host: _Host = None,
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


@common.command("shelve")
def _shelve(given: "Given", uuid: _Server) -> int:
    """Shelve a server; nova.conf says when it is offloaded."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.shelve(uuid))


@common.command("shelve-offload")
def _shelve_offload(given: "Given", uuid: _Server) -> int:
    """Take a shelved server off its host."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.shelve_offload(uuid))


@common.command("unshelve")
def _unshelve(
    given: "Given",
    uuid: _Server,
    host: _Host = None,
    availability_zone: Annotated[
        str | None, typer.Option("--availability-zone", metavar="ZONE", help="Zone.")
    ] = None,
) -> int:
    """Start a shelved server again."""
    from kilonova.cli import server_calls as calls

    zone = {"availability_zone": availability_zone} if availability_zone else {}
    return calls.act(given, lambda do: do.unshelve(uuid, host=host, **zone))


@common.command("rebuild")
def _rebuild(
    given: "Given",
    uuid: _Server,
    image: _Image = "",
    image_properties: _ImageProperties = None,
) -> int:
    """Build a server anew where it is, from its image or another one."""
    from kilonova.cli import server_calls as calls

    other = calls.new_image(image, image_properties or ()) if image else None
    return calls.act(given, lambda do: do.rebuild(uuid, other))


@common.command("delete")
def _delete(given: "Given", uuid: _Server) -> int:
    """Delete a server."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.delete(uuid))


@common.command("attach")
def _attach(given: "Given", uuid: _Server, port: _Port) -> int:
    """Attach a port."""
    from kilonova.cli import server_calls as calls

    return calls.attach(given, uuid, port)


@common.command("detach")
def _detach(given: "Given", uuid: _Server, port: _Port) -> int:
    """Detach a port."""
    from kilonova.cli import server_calls as calls

    return calls.act(given, lambda do: do.detach_port(uuid, port))


@common.command("start-service")
def _start_service(given: "Given", host: _Service) -> int:
    """Let a dead compute service come back; it frees what was evacuated from it."""
    from kilonova.cli import server_calls as calls

    return calls.start_service(given, host)


@common.command("stop-service")
def _stop_service(given: "Given", host: _Service) -> int:
    """Let a compute service be dead."""
    from kilonova.cli import server_calls as calls

    return calls.stop_service(given, host)


@common.command("list")
def _list(
    given: "Given",
    all_projects: Annotated[
        bool, typer.Option("--all-projects", help="Not only the caller's.")
    ] = False,
) -> int:
    """List servers and what they hold."""
    from kilonova.cli import server_calls as calls

    return calls.show(given, all_projects)


app.add_typer(server)
