"""Rebuild: a new disk on the same host, which keeps what it holds."""

from dataclasses import replace

from kilonova.cloud.hosts import host_view
from kilonova.errors import NoValidHost, StepFailed
from kilonova.hosts.filters.register import enabled
from kilonova.moves.context import Context, note_fault
from kilonova.moves.refusals import refused
from kilonova.moves.specs import spec_of
from kilonova.records.server import Server
from kilonova.request.image import Image


def check_rebuild(server: Server, image: Image) -> None:
    """Raise Refused where Nova's API would not rebuild a server."""
    if server.is_volume_backed and image != server.image:
        raise refused(
            f"Server {server.uuid}, rebuild: its root disk is a volume, and keeps its "
            f"image, got {image.uuid!r}.",
            "ImageUnacceptable",
        )


def rebuild(context: Context, server: Server, image: Image) -> None:
    """Build a server anew from an image, where it is.

    Another image must suit the host by the filters that Nova runs for a rebuild.

    Notes
    -----
    As ``rebuild_instance`` in Nova's ``conductor/manager.py`` and
    ``compute/manager.py``.
    """
    before, old_image = server.vm_state, server.image
    server.task_state, server.image = "rebuilding", image
    try:
        if image != old_image:
            check_image_traits(context, server, image)
            _check_filters(context, server)
    except NoValidHost as error:
        server.image = old_image
        _fail(context, server, error)
        return
    try:
        server.task_state = "rebuild_spawning"
        context.run("rebuild", server, server.host)
    except StepFailed as error:
        if context.scheduler.cloud.allocations(server.uuid):
            _fail(context, server, error, before if error.rolls_back else "error")
        return
    server.vm_state = "stopped" if before == "stopped" else "active"
    server.power_state = "shutdown" if before == "stopped" else "running"
    server.task_state = None
    context.see("rebuild", server)


def check_image_traits(context: Context, server: Server, image: Image) -> None:
    """Raise NoValidHost unless the providers that are held have an image's traits.

    Notes
    -----
    As ``_validate_image_traits_for_rebuild`` in Nova's ``conductor/manager.py``.
    """
    required = image.properties.get("traits_required") or ()
    wanted = frozenset(str(trait) for trait in _texts(required))
    if not wanted:
        return
    forbidden = {
        key.partition(":")[2]
        for key, value in server.flavor.extra_specs.items()
        if key.startswith("trait") and value == "forbidden"
    }
    if wanted & forbidden:
        raise NoValidHost(
            f"The flavor forbids {sorted(wanted & forbidden)}; the image requires it."
        )
    state = context.state
    sets = state.tables.provider["trait_set"]
    present: set[str] = set()
    for provider in context.scheduler.cloud.allocations(server.uuid):
        numbers = state.trait_sets[int(sets[state.provider_row(provider)])]
        present |= {state.traits[trait] for trait in numbers}
    if not wanted <= present:
        raise NoValidHost(
            f"No provider that server {server.uuid} holds something of has "
            f"{sorted(wanted - present)}, which the image requires."
        )


def _check_filters(context: Context, server: Server) -> None:
    """Run those filters on the host that a rebuild runs."""
    options = context.scheduler.options
    spec = replace(spec_of(context, server), force_hosts=(server.host or "",))
    host = host_view(context.state, context.state.hosts.row(server.node or ""))
    for each in enabled(options):
        if each.on_rebuild and not each.passes(host, spec, options):
            raise NoValidHost(
                f"Host {server.host!r} fails {each.name} with image "
                f"{server.image.uuid or server.image.name!r}."
            )


def _texts(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _fail(
    context: Context,
    server: Server,
    error: NoValidHost | StepFailed,
    vm_state: str = "error",
) -> None:
    server.vm_state, server.task_state = vm_state, None
    note_fault(server, error)
    context.see("fail", server)
