"""What is done to a server with a port: boot, resize, migrations, evacuation, ..."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from kilonova.bench.document import uuid_of
from kilonova.bench.site import LARGE, SMALL, Site
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.moves.options import MoveOptions
from kilonova.records.server import Server
from kilonova.request.image import Image

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
    options
        Options of the operations; the defaults where None.
    """

    doing: str
    call: Step
    before: Step = lambda site: None
    after: Step = lambda site: None
    vm_state: str = "active"
    vcpus: int = SMALL.vcpus
    bridges: int = 1
    options: MoveOptions | None = None


def _resize(site: Site) -> object:
    return site.do.resize(site.uuid, site.grown())


def _other_image(site: Site) -> Image:
    """Give the one of two images that the server does not have."""
    return _IMAGES[site.server.image == _IMAGES[0]]


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


def _many(cloud: Cloud, _fleet: Fleet) -> Work:
    """Boot servers without ports that are alike, in one call."""
    site = Site(cloud, "moves: boot many")
    names = [uuid_of(f"moves: one of many {number}") for number in range(_MANY)]
    like = Server(names[0], SMALL)
    # The site's own server has a port, which no two can have.
    before = site.taken()

    def leave() -> None:
        for name in names:
            site.do.delete(name)

    def check() -> bool:
        found = site.do.boot_many(like, _MANY, names)
        right = (
            [each.uuid for each in found] == names
            and {each.vm_state for each in found} == {"active"}
            and site.taken() - before == _MANY * SMALL.vcpus
        )
        leave()
        return right and site.taken() == before

    return Work(
        call=lambda: site.do.boot_many(like, _MANY, names),
        check=check,
        after=leave,
        close=site.close,
        decisions=_MANY,
    )


_MANY = 10
_BOTH = SMALL.vcpus + LARGE.vcpus
_IMAGES = tuple(Image(uuid=uuid_of(f"moves: image {number}")) for number in (0, 1))
_OF_LOST_HOSTS = ("evacuate", "return")

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
    "return": _Operation(
        "free what a server had on its host that is up again",
        lambda site: site.do.start_service(site.lost),
        before=lambda site: site.do.evacuate(site.uuid),
        after=lambda site: site.return_home(),
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
    "offload": _Operation(
        "take a shelved server off its host",
        lambda site: site.do.shelve_offload(site.uuid),
        before=lambda site: site.do.shelve(site.uuid),
        after=lambda site: site.do.unshelve(site.uuid),
        vm_state="shelved_offloaded",
        vcpus=0,
        bridges=0,
        options=MoveOptions(shelved_offload_time=-1),
    ),
    "rebuild": _Operation(
        "build a server anew from another image, where it is",
        lambda site: site.do.rebuild(site.uuid, _other_image(site)),
    ),
    "rescue": _Operation(
        "boot a server from a rescue image",
        lambda site: site.do.rescue(site.uuid),
        after=lambda site: site.do.unrescue(site.uuid),
        vm_state="rescued",
    ),
    "unrescue": _Operation(
        "boot a rescued server from its own disk again",
        lambda site: site.do.unrescue(site.uuid),
        before=lambda site: site.do.rescue(site.uuid),
    ),
    "attach": _Operation(
        "attach a port with bandwidth",
        lambda site: site.do.attach_port(site.uuid, str(site.other["id"])),
        after=lambda site: site.do.detach_port(site.uuid, str(site.other["id"])),
        bridges=2,
    ),
    "detach": _Operation(
        "detach a port with bandwidth",
        lambda site: site.do.detach_port(site.uuid, str(site.other["id"])),
        before=lambda site: site.do.attach_port(site.uuid, str(site.other["id"])),
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
    operation = _OPERATIONS[name]
    site = Site(cloud, f"moves: {name}", operation.options)
    if name in _OF_LOST_HOSTS:
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
        if name in _OF_LOST_HOSTS:
            site.find_host()
        site.close()

    return Work(
        call=lambda: operation.call(site),
        check=check,
        before=lambda: operation.before(site),
        after=lambda: operation.after(site),
        close=close,
    )


WORKLOADS = (
    *(
        Workload(
            f"moves: {name}",
            f"{operation.doing}, with a port",
            partial(_make, name),
            shapes=("nested",),
            fills=(0.7,),
            quick=name == "resize",
        )
        for name, operation in _OPERATIONS.items()
    ),
    Workload(
        "moves: boot many",
        f"boot {_MANY} servers that are alike, without ports; of one",
        _many,
        shapes=("nested",),
        fills=(0.7,),
    ),
)
