"""Rebuild: a new disk on the same host."""

from kilonova.errors import NoValidHost, StepFailed
from kilonova.hosts.rebuild import check_rebuild as suits_host
from kilonova.moves.context import Context
from kilonova.moves.holding import remove_tree
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
    server.min_disk_gb = server.flavor.root_gb
    try:
        if image != old_image:
            _check_host(context, server)
    except NoValidHost as error:
        server.image = old_image
        context.fail(server, error, "error")
        return
    try:
        server.task_state = "rebuild_spawning"
        context.run("rebuild", server, server.host)
    except StepFailed as error:
        if context.scheduler.cloud.allocations(server.uuid):
            # As if this were the destination of an evacuation: Nova forgets that the
            # server is on this host.
            remove_tree(context, server, context.root(server.node or ""))
            context.fail(server, error, before if error.rolls_back else "error")
        return
    server.vm_state = "stopped" if before == "stopped" else "active"
    server.power_state = "shutdown" if before == "stopped" else "running"
    server.task_state = None
    context.see("rebuild", server)


def _check_host(context: Context, server: Server) -> None:
    """Raise NoValidHost unless the host suits the image that the server has now."""
    scheduler = context.scheduler
    held = scheduler.cloud.allocations(server.uuid)
    suits_host(scheduler, spec_of(context, server), server.node or "", held)
