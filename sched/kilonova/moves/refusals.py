"""What Nova's API refuses before anything changes, operation by operation."""

from collections.abc import Callable
from dataclasses import dataclass

from kilonova.errors import Refused
from kilonova.moves.accelerators import device_profile
from kilonova.moves.context import Context
from kilonova.moves.ports import ACCELERATOR_TYPES
from kilonova.moves.specs import asks_groups, ports_of
from kilonova.records.server import Server
from kilonova.request.guest_features import tpm, tpm_secret_security
from kilonova.request.memory_encryption import memory_encryption

_EXTENDED_MOVES = 59
_VDPA_LIVE, _VDPA_ATTACH = 63, 62
_VTPM_LIVE = 72
_ANY = None


@dataclass(frozen=True, slots=True)
class Guard:
    """What is asked before an operation.

    Attributes
    ----------
    checks
        In Nova's order.
    vm_states
        States in which it is allowed; None: in all.
    task_free
        Whether no task may be under way.
    launched
        Whether the server must have run.
    """

    checks: tuple[Callable[[Context, Server, str], None], ...]
    vm_states: tuple[str, ...] | None
    task_free: bool = True
    launched: bool = True


def check_refusals(context: Context, server: Server, operation: str) -> None:
    """Raise Refused where Nova's API would refuse an operation; changes nothing.

    Notes
    -----
    As the decorators of ``API`` in Nova's ``compute/api.py``, in their order, with the
    status that Nova's API answers.
    """
    guard = GUARDS[operation]
    for check in guard.checks:
        check(context, server, operation)
    _check_state(server, operation, guard)


def check_source_up(context: Context, server: Server, operation: str) -> None:
    """Raise Refused unless the host of a server is there, and sends heartbeats."""
    if server.host is None:
        raise refused(
            f"Server {server.uuid}, {operation}: it must be on a host, got none.",
            "InstanceNotReady",
            409,
        )
    if not context.is_up(server.node):
        raise refused(
            f"Server {server.uuid}, {operation}: its host {server.host!r} must be up.",
            "ServiceUnavailable",
            409,
        )


def refused(message: str, nova: str, status: int = 400) -> Refused:
    """Make the error of an operation that Nova's API refuses."""
    return Refused(message, status, nova)


def _check_state(server: Server, operation: str, guard: Guard) -> None:
    wrong = None
    if guard.vm_states is not None and server.vm_state not in guard.vm_states:
        wrong = f"vm_state must be one of {list(guard.vm_states)}, got "
        wrong += repr(server.vm_state)
    elif guard.task_free and server.task_state is not None:
        wrong = f"task_state must be None, got {server.task_state!r}"
    elif guard.launched and not server.launched:
        wrong = "it must have run once"
    if wrong:
        raise refused(
            f"Server {server.uuid}, {operation}: {wrong}.", "InstanceInvalidState", 409
        )


def _extended(context: Context, server: Server, operation: str) -> None:
    if context.options.compute_version >= _EXTENDED_MOVES:
        return
    for port in ports_of(context, server):
        if asks_groups(port):
            raise refused(
                f"Server {server.uuid}, {operation}: port {port['id']} asks for "
                f"request_groups, which needs nova-compute {_EXTENDED_MOVES}, got "
                f"{context.options.compute_version}.",
                "ExtendedResourceRequestOldCompute",
            )


def _port_accelerators(context: Context, server: Server, operation: str) -> None:
    for port in ports_of(context, server):
        if port.get("binding:vnic_type") in ACCELERATOR_TYPES:
            raise refused(
                f"Server {server.uuid}, {operation}: port {port['id']} has an "
                "accelerator, and must have none.",
                "ForbiddenPortsWithAccelerator",
            )


def _accelerators(until: int | None) -> Callable[[Context, Server, str], None]:
    def check(context: Context, server: Server, operation: str) -> None:
        name = device_profile(server)
        if name is None or (until and context.options.compute_version >= until):
            return
        raise refused(
            f"Server {server.uuid}, {operation}: its flavor must have no device "
            f"profile, got {name!r}.",
            "ForbiddenWithAccelerators",
        )

    return check


def _vtpm(context: Context, server: Server, operation: str) -> None:
    if tpm(server.flavor, server.image) is not None:
        raise refused(
            f"Server {server.uuid}, {operation}: it must have no vTPM.",
            "OperationNotSupportedForVTPM",
        )


def _vtpm_live(context: Context, server: Server, operation: str) -> None:
    if tpm(server.flavor, server.image) is None:
        return
    if tpm_secret_security(server.flavor) != "host":
        _vtpm(context, server, operation)
    if context.options.compute_version < _VTPM_LIVE:
        raise refused(
            f"Server {server.uuid}, {operation}: a vTPM needs nova-compute "
            f"{_VTPM_LIVE}, got {context.options.compute_version}.",
            "VTPMOldCompute",
        )


def _memory_encryption(context: Context, server: Server, operation: str) -> None:
    if memory_encryption(server.flavor, server.image) is not None:
        raise refused(
            f"Server {server.uuid}, {operation}: its memory must not be encrypted.",
            "OperationNotSupportedForMemEncryption",
        )


def _vdpa(until: int) -> Callable[[Context, Server, str], None]:
    def check(context: Context, server: Server, operation: str) -> None:
        if context.options.compute_version >= until:
            return
        if any(p.get("binding:vnic_type") == "vdpa" for p in ports_of(context, server)):
            raise refused(
                f"Server {server.uuid}, {operation}: a vdpa port needs nova-compute "
                f"{until}, got {context.options.compute_version}.",
                "OperationNotSupportedForVDPAInterface",
            )

    return check


def _lock(context: Context, server: Server, operation: str) -> None:
    if server.locked and not context.is_admin:
        raise refused(
            f"Server {server.uuid}, {operation}: it must not be locked.",
            "InstanceIsLocked",
            409,
        )


_MOVES = (_extended, _port_accelerators)
_RUNNING = ("active", "stopped")
GUARDS = {
    "resize": Guard((*_MOVES, _accelerators(None), _lock), _RUNNING),
    "confirm-resize": Guard((_lock,), ("resized",)),
    "revert-resize": Guard((_lock,), ("resized",)),
    "live-migrate": Guard(
        (
            *_MOVES,
            _vdpa(_VDPA_LIVE),
            _accelerators(None),
            _vtpm_live,
            _memory_encryption,
            _lock,
        ),
        ("active", "paused"),
    ),
    "evacuate": Guard(
        (*_MOVES, _vtpm, _accelerators(53)), ("active", "stopped", "error"), False
    ),
    "rebuild": Guard((_vtpm, _accelerators(53), _lock), (*_RUNNING, "error")),
    "rescue": Guard((_vtpm, _lock), (*_RUNNING, "error")),
    "unrescue": Guard((_lock,), ("rescued",)),
    "shelve": Guard(
        (_port_accelerators, _vtpm, _accelerators(54), _lock),
        (*_RUNNING, "paused", "suspended"),
    ),
    "shelve-offload": Guard((_port_accelerators, _lock), ("shelved",)),
    "unshelve": Guard((_extended, _lock), ("shelved", "shelved_offloaded")),
    "attach-port": Guard((_lock, _vdpa(_VDPA_ATTACH)), (*_RUNNING, "paused")),
    "detach-port": Guard((_lock, _vdpa(_VDPA_ATTACH)), (*_RUNNING, "paused")),
    "delete": Guard((_lock,), _ANY, False, False),
}
