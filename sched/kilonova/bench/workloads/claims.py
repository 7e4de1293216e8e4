"""Claims by name: taken, given back, handed over, refused; and what is read of them."""

from collections.abc import Callable

from kilonova.bench.document import uuid_of
from kilonova.bench.questions import AMOUNTS, ONE_PORT, PLAIN
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.claims import Allocations
from kilonova.errors import DoesNotFit

_SERVER, _MOVED = uuid_of("bench server"), uuid_of("bench migration")


def _held(cloud: Cloud, fleet: Fleet) -> Allocations:
    """Give what the first candidate takes: of one provider, or of two."""
    query = ONE_PORT if fleet.shape == "nested" else PLAIN
    return next(iter(cloud.allocation_candidates(query, 1))).allocations


def _claim(cloud: Cloud, fleet: Fleet) -> Work:
    held = _held(cloud, fleet)

    def check() -> bool:
        cloud.claim(_SERVER, held)
        right = cloud.allocations(_SERVER) == held
        cloud.release(_SERVER)
        return right and not cloud.allocations(_SERVER)

    return Work(
        call=lambda: cloud.claim(_SERVER, held),
        check=check,
        after=lambda: cloud.release(_SERVER),
    )


def _release(cloud: Cloud, fleet: Fleet) -> Work:
    held = _held(cloud, fleet)
    provider = next(iter(held))

    def check() -> bool:
        before = cloud.usages(provider)
        cloud.claim(_SERVER, held)
        cloud.release(_SERVER)
        return cloud.usages(provider) == before

    return Work(
        call=lambda: cloud.release(_SERVER),
        check=check,
        before=lambda: cloud.claim(_SERVER, held),
    )


def _move(cloud: Cloud, fleet: Fleet) -> Work:
    held = _held(cloud, fleet)

    def check() -> bool:
        cloud.claim(_SERVER, held)
        cloud.move(_SERVER, _MOVED)
        right = cloud.allocations(_MOVED) == held and not cloud.allocations(_SERVER)
        cloud.release(_MOVED)
        return right

    return Work(
        call=lambda: cloud.move(_SERVER, _MOVED),
        check=check,
        before=lambda: cloud.claim(_SERVER, held),
        after=lambda: cloud.release(_MOVED),
    )


def _refused(cloud: Cloud, fleet: Fleet) -> Work:
    provider = next(iter(_held(cloud, fleet)))
    too_much = {provider: {**AMOUNTS, "VCPU": 1_000}}

    def call() -> bool:
        try:
            cloud.claim(_SERVER, too_much)
        except DoesNotFit:
            return True
        return False

    return Work(call=call, check=lambda: call() and not cloud.allocations(_SERVER))


def _no_room(cloud: Cloud, fleet: Fleet) -> Work:
    """Ask for as much as a claim may have at most, which is more than is left."""
    held = _held(cloud, fleet)
    provider = next(iter(held))
    disk = cloud.inventories(provider)["DISK_GB"]
    too_much = {provider: {"DISK_GB": disk.max_unit}}
    cloud.claim(_SERVER, held)

    def call() -> str:
        try:
            cloud.claim(_SERVER, too_much)
        except DoesNotFit as error:
            return str(error)
        return ""

    def check() -> bool:
        own = held[provider]["DISK_GB"]
        room = disk.capacity - cloud.usages(provider)["DISK_GB"] + own
        return f"room for {room} " in call() and cloud.allocations(_SERVER) == held

    return Work(call=call, check=check, close=lambda: cloud.release(_SERVER))


def _replaced(cloud: Cloud, fleet: Fleet) -> Work:
    """Replace what a consumer holds by nothing, as PUT of no allocations does."""
    held = _held(cloud, fleet)
    providers = list(held)

    def check() -> bool:
        cloud.claim(_SERVER, held)
        before = [cloud.generation(each) for each in providers]
        cloud.claim(_SERVER, {})
        after = [cloud.generation(each) for each in providers]
        bumped = [one + 1 for one in before] == after
        return bumped and not cloud.allocations(_SERVER)

    return Work(
        call=lambda: cloud.claim(_SERVER, {}),
        check=check,
        before=lambda: cloud.claim(_SERVER, held),
    )


def _reading(read: Callable[[Cloud, str], object]) -> Callable[[Cloud, Fleet], Work]:
    def make(cloud: Cloud, fleet: Fleet) -> Work:
        held = _held(cloud, fleet)
        cloud.claim(_SERVER, held)
        provider = next(iter(held))

        def check() -> bool:
            read(cloud, provider)
            used, offered = cloud.usages(provider), cloud.inventories(provider)
            held_now = cloud.allocations(_SERVER)
            return held_now == held and all(
                amount <= used[name] <= offered[name].capacity
                for name, amount in held[provider].items()
            )

        return Work(
            call=lambda: read(cloud, provider),
            check=check,
            close=lambda: cloud.release(_SERVER),
        )

    return make


def _allocations(cloud: Cloud, _provider: str) -> object:
    return cloud.allocations(_SERVER)


WORKLOADS = (
    Workload("claims: claim", "claim by name, and release apart", _claim, quick=True),
    Workload("claims: release", "give back what a consumer holds", _release),
    Workload("claims: move", "hand all to another consumer", _move),
    Workload("claims: refused", "be told what does not fit", _refused, fills=(0.7,)),
    Workload("claims: no room", "be told what room is left", _no_room, fills=(0.7,)),
    Workload("claims: emptied", "replace all by nothing", _replaced, fills=(0.7,)),
    *(
        Workload(f"reading: {name}", f"read {what}", _reading(read), fills=(0.7,))
        for name, what, read in (
            ("allocations", "what a consumer holds", _allocations),
            ("usages", "what is in use at a provider", Cloud.usages),
            ("inventories", "what a provider offers", Cloud.inventories),
            ("generation", "the generation of a provider", Cloud.generation),
        )
    ),
)
