"""Rescue: a server boots from another image on its host, and then from its own disks.

It keeps what it holds. Where its disks are meanwhile ``kilonova.admin.rescue`` says.
"""

from kilonova.errors import StepFailed
from kilonova.moves.context import Context, failed
from kilonova.moves.refusals import refused
from kilonova.records.server import Server
from kilonova.request.image import Image

_BFV_TRAIT = "COMPUTE_RESCUE_BFV"
_STABLE = ("hw_rescue_bus", "hw_rescue_device")


def check_rescue(context: Context, server: Server, image: Image | None) -> None:
    """Raise Refused where Nova's API would not rescue a server with an image.

    Its volumes are taken for attached; what is asked of them is in
    ``kilonova.admin.rescue``.

    Notes
    -----
    As ``rescue`` in Nova's ``compute/api.py``, from microversion 2.87 on.
    """
    where = f"Server {server.uuid}, rescue"
    if image is not None and image.properties.get("img_block_device_mapping"):
        raise refused(
            f"{where}: the image must be no snapshot of a volume, got {image.uuid!r}.",
            "UnsupportedRescueImage",
        )
    if not server.is_volume_backed:
        return
    properties = (image or server.image).properties
    if missing := [name for name in _STABLE if name not in properties]:
        raise refused(
            f"{where}: its root disk is a volume, so the image must have {missing[0]}.",
            "InstanceNotRescuable",
        )
    if server.node is None or not context.has_trait(server.node, _BFV_TRAIT):
        raise refused(
            f"{where}: its root disk is a volume, so host {server.host!r} must have "
            f"trait {_BFV_TRAIT}.",
            "InstanceNotRescuable",
        )


def rescue(context: Context, server: Server) -> None:
    """Boot a server from another image.

    Notes
    -----
    As ``rescue_instance`` in Nova's ``compute/manager.py``.
    """
    server.task_state = "rescuing"
    try:
        _boot(context, server, "rescue", "rescued")
    except StepFailed as error:
        context.fail(server, failed(str(error), "InstanceNotRescuable"), "error")


def unrescue(context: Context, server: Server) -> None:
    """Boot a rescued server from its own disks; it runs, even if it was stopped.

    Notes
    -----
    As ``unrescue_instance`` in Nova's ``compute/manager.py``.
    """
    server.task_state = "unrescuing"
    try:
        _boot(context, server, "unrescue", "active")
    except StepFailed as error:
        context.fail(server, error, "active" if error.rolls_back else "error")


def _boot(context: Context, server: Server, step: str, vm_state: str) -> None:
    context.run(step, server, server.host)
    server.vm_state, server.power_state = vm_state, "running"
    server.task_state = None
    context.see(step, server)
