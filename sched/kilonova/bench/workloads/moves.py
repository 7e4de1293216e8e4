"""What is done to a server with a port: boot, resize, migrations, evacuation, ..."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from kilonova.bench.site import LARGE, SMALL, Site
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud

Step = Callable[[Site], object]


@dataclass(frozen=True, slots=True)
class _Operation:
    """What is timed, and what makes it possible again and again.

    Attributes
    ----------
    doing
        In one line.
    call
        What is timed.
    before, after
        Done around it.
    vm_state
        That of the server when it is done; empty where it is gone.
    vcpus
        What is in use for it then, wherever.
    bridges
        Providers of bandwidth of which it then holds.
    """

    doing: str
    call: Step
    before: Step = lambda site: None
    after: Step = lambda site: None
    vm_state: str = "active"
    vcpus: int = SMALL.vcpus
    bridges: int = 1


def _resize(site: Site) -> object:
    return site.do.resize(site.uuid, site.grown())


def _revert(site: Site) -> None:
    site.do.revert_resize(site.uuid)
    site.forget()


def _shrink(site: Site) -> None:
    """Bring the flavor back for what is confirmed."""
    site.forget()
    if site.server.flavor == LARGE:
        _resize(site)
        site.do.confirm_resize(site.uuid)
        site.forget()


_BOTH = SMALL.vcpus + LARGE.vcpus

_OPERATIONS = {
    "boot": _Operation(
        "boot a server", lambda site: site.boot(), before=lambda site: site.close()
    ),
    "resize": _Operation(
        "resize a server, up to where it waits to be confirmed",
        _resize,
        after=_revert,
        vm_state="resized",
        vcpus=_BOTH,
    ),
    "confirm": _Operation(
        "confirm a resize",
        lambda site: site.do.confirm_resize(site.uuid),
        before=_resize,
        after=_shrink,
        vcpus=LARGE.vcpus,
    ),
    "revert": _Operation("revert a resize", _revert, before=_resize),
    "migrate": _Operation(
        "migrate a server cold, up to where it waits to be confirmed",
        lambda site: site.do.migrate(site.uuid),
        after=_revert,
        vm_state="resized",
        vcpus=2 * SMALL.vcpus,
    ),
    "live migrate": _Operation(
        "migrate a running server",
        lambda site: site.do.live_migrate(site.uuid),
        after=lambda site: site.forget(),
    ),
    "evacuate": _Operation(
        "build a server anew whose host is down",
        lambda site: site.do.evacuate(site.uuid),
        after=lambda site: site.return_home(),
        vcpus=2 * SMALL.vcpus,
        bridges=2,
    ),
    "shelve": _Operation(
        "shelve a server, and take it off its host",
        lambda site: site.do.shelve(site.uuid),
        after=lambda site: site.do.unshelve(site.uuid),
        vm_state="shelved_offloaded",
        vcpus=0,
        bridges=0,
    ),
    "unshelve": _Operation(
        "start a shelved server again",
        lambda site: site.do.unshelve(site.uuid),
        before=lambda site: site.do.shelve(site.uuid),
    ),
    "attach": _Operation(
        "attach a port with bandwidth",
        lambda site: site.do.attach_port(site.uuid, str(site.other["id"])),
        after=lambda site: site.do.detach_port(site.uuid, str(site.other["id"])),
        bridges=2,
    ),
    "delete": _Operation(
        "delete a server",
        lambda site: site.do.delete(site.uuid),
        after=lambda site: site.boot(),
        vm_state="",
        vcpus=0,
        bridges=0,
    ),
}


def _make(name: str, cloud: Cloud, _fleet: Fleet) -> Work:
    operation, site = _OPERATIONS[name], Site(cloud, f"moves: {name}")
    if name == "evacuate":
        site.lose_host()

    def check() -> bool:
        operation.before(site)
        operation.call(site)
        found = site.do.records.servers.get(site.uuid)
        vm_state, host = (found.vm_state, found.host) if found else ("", None)
        right = (vm_state, site.taken(), site.bridges(), site.bound()) == (
            operation.vm_state,
            operation.vcpus,
            operation.bridges,
            host,
        )
        operation.after(site)
        return right

    def close() -> None:
        if name == "evacuate":
            site.find_host()
        site.close()

    return Work(
        call=lambda: operation.call(site),
        check=check,
        before=lambda: operation.before(site),
        after=lambda: operation.after(site),
        close=close,
    )


WORKLOADS = tuple(
    Workload(
        f"moves: {name}",
        f"{operation.doing}, with a port",
        partial(_make, name),
        shapes=("nested",),
        fills=(0.7,),
        largest=100_000,
        quick=name == "resize",
    )
    for name, operation in _OPERATIONS.items()
)
