"""Further commands of the application, for operators.

Options and help; the work is done elsewhere.
"""

from typing import Annotated

import typer

from kilonova.cli import commands, options
from kilonova.cli.app import app
from kilonova.cli.authority import RuleChoice
from kilonova.cli.wanted import Divided, Evacuated, Precached, Reported, Rescued

__all__ = ["app"]

_policy = typer.Typer(
    name="policy",
    help="Who may do what, by the rules of Nova and Placement.",
    no_args_is_help=True,
)
_rescue = typer.Typer(
    name="rescue", help="Servers booted from another disk.", no_args_is_help=True
)
_vgpu = typer.Typer(
    name="vgpu", help="Mediated devices of a host.", no_args_is_help=True
)


@commands.command(_policy, "check")
def policy_check(
    operation: Annotated[
        str, typer.Argument(metavar="OPERATION", help="As listed, or a rule's name.")
    ],
    caller: options.KnownCaller,
    choice: RuleChoice,
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="project:P,user:U", help="Whose; default: the caller's."
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Say whether a caller may do an operation; exit status 1 if not."""
    from kilonova.cli import policy

    return policy.check(operation, caller, target, choice, as_json)


@commands.command(_policy, "list")
def policy_list(
    choice: RuleChoice,
    service: Annotated[
        str, typer.Option("--service", metavar="nova|placement", help="Whose rules.")
    ] = "nova",
    as_json: options.Json = False,
) -> None:
    """List the operations, and the rules that guard them."""
    from kilonova.cli import policy

    policy.show(choice, service, as_json)


@commands.command(_vgpu, "plan")
def vgpu_plan(host: Divided, as_json: options.Json = False) -> None:
    """Say which child provider each device becomes, and what it offers."""
    from kilonova.cli import vgpu

    vgpu.plan(host, as_json)


@commands.command(_vgpu, "apply")
def vgpu_apply(wanted: Reported) -> None:
    """Bring the tree of a host in line with the plan, all of it or nothing."""
    from kilonova.cli import vgpu

    vgpu.apply(wanted)


@commands.command(_rescue, "plan")
def rescue_plan(wanted: Rescued) -> int:
    """Say where the disks of a server are in a rescue; exit status 1 if refused."""
    from kilonova.cli import rescue

    return rescue.run(wanted)


@commands.command(app)
def precache(wanted: Precached) -> int:
    """Simulate pre-caching of images on the hosts of an aggregate.

    Exit status 1 where an image failed on a host; hosts that are down are skipped.
    """
    from kilonova.cli import precache

    return precache.run(wanted)


@commands.command(app)
def evacuate(
    wanted: Evacuated,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry the plan out, or go on with it.")
    ] = False,
) -> int:
    """Plan where all servers of failed hosts go; nothing moves without --apply.

    Exit status 0 where all servers have a host, 3 where some have none.
    """
    from kilonova.cli import evacuate

    return evacuate.carry_out(wanted) if apply else evacuate.plan(wanted)


app.add_typer(_policy)
app.add_typer(_rescue)
app.add_typer(_vgpu)
