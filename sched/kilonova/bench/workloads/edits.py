"""Edits: providers that come and go, other inventories, traits and aggregates."""

from collections.abc import Callable

from kilonova.bench.questions import PLAIN, TRAIT
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud

_NEW = "bench provider"
_AGGREGATE = "6a1c6b1e-7f0b-5a52-9d7e-0f6d4d1c9b12"


def _provider(cloud: Cloud, _fleet: Fleet) -> Work:
    def add() -> None:
        cloud.add_provider(_NEW, inventories={"VCPU": {"total": 4}})

    def check() -> bool:
        add()
        right = cloud.inventories(_NEW)["VCPU"].total == 4
        before = len(cloud.allocation_candidates("resources=VCPU:1", 1))
        cloud.remove_provider(_NEW)
        return right and before == 1

    return Work(
        call=add,
        check=check,
        after=lambda: cloud.remove_provider(_NEW),
    )


def _inventory(cloud: Cloud, _fleet: Fleet) -> Work:
    host = next(iter(cloud.allocation_candidates(PLAIN, 1))).root
    before = cloud.inventories(host)["DISK_GB"]
    larger = {"total": before.total + 1_000, "max_unit": before.max_unit}

    def check() -> bool:
        cloud.set_inventory(host, "DISK_GB", larger)
        right = cloud.inventories(host)["DISK_GB"].total == before.total + 1_000
        cloud.set_inventory(host, "DISK_GB", before)
        return right and cloud.inventories(host)["DISK_GB"] == before

    return Work(
        call=lambda: cloud.set_inventory(host, "DISK_GB", larger),
        check=check,
        after=lambda: cloud.set_inventory(host, "DISK_GB", before),
    )


def _rename(cloud: Cloud, _fleet: Fleet) -> Work:
    state = cloud.state
    row = state.tables.provider.count - 1
    before = state.provider_names[row]

    def rename(name: str) -> None:
        cloud.rename_provider(state.provider_identity(row), name)

    def check() -> bool:
        rename(_NEW)
        right = state.provider_names.find(_NEW) == row
        rename(before)
        return right and state.provider_names.find(before) == row

    return Work(call=lambda: rename(_NEW), check=check, after=lambda: rename(before))


def _parent(cloud: Cloud, _fleet: Fleet) -> Work:
    """Hang the last root under the first, which moves all rows between."""
    host = next(iter(cloud.allocation_candidates(PLAIN, 1))).root
    cloud.add_provider(_NEW, inventories={"VCPU": {"total": 4}})

    def check() -> bool:
        trees = len(cloud.state.index().roots)
        cloud.set_parent(_NEW, host)
        below = len(cloud.state.index().roots) == trees - 1
        offered = cloud.inventories(_NEW)["VCPU"].total == 4
        cloud.set_parent(_NEW, None)
        return below and offered and len(cloud.state.index().roots) == trees

    return Work(
        call=lambda: cloud.set_parent(_NEW, host),
        check=check,
        after=lambda: cloud.set_parent(_NEW, None),
        close=lambda: cloud.remove_provider(_NEW),
    )


def _inventories(cloud: Cloud, _fleet: Fleet) -> Work:
    """Let a new provider offer what it did not, as a service that starts does."""
    host = next(iter(cloud.allocation_candidates(PLAIN, 1))).root
    offers = cloud.inventories(host)
    cloud.add_provider(_NEW)

    def check() -> bool:
        cloud.set_inventories(_NEW, offers)
        right = cloud.inventories(_NEW) == offers
        cloud.set_inventories(_NEW, {})
        return right and not cloud.inventories(_NEW)

    return Work(
        call=lambda: cloud.set_inventories(_NEW, offers),
        check=check,
        after=lambda: cloud.set_inventories(_NEW, {}),
        close=lambda: cloud.remove_provider(_NEW),
    )


def _names(
    change: Callable[[Cloud, str, tuple[str, ...]], None],
    before: tuple[str, ...],
    after: tuple[str, ...],
    query: str,
) -> Callable[[Cloud, Fleet], Work]:
    def make(cloud: Cloud, _fleet: Fleet) -> Work:
        host = next(iter(cloud.allocation_candidates(PLAIN, 1))).root

        def check() -> bool:
            change(cloud, host, after)
            found = list(cloud.allocation_candidates(PLAIN + query))
            change(cloud, host, before)
            return [each.root for each in found] == [host]

        return Work(
            call=lambda: change(cloud, host, after),
            check=check,
            after=lambda: change(cloud, host, before),
        )

    return make


WORKLOADS = tuple(
    Workload(
        f"edits: {name}",
        doing,
        make,
        fills=(0.7,),
        # All rows move, and all names are hashed anew.
        largest=10_000 if name == "parent" else 1_000_000,
        quick=name == "inventory",
    )
    for name, doing, make in (
        ("provider", "add a root provider, and remove it apart", _provider),
        ("rename", "give a provider another name", _rename),
        ("parent", "hang the last root under the first one", _parent),
        ("inventory", "change the total of an inventory", _inventory),
        ("inventories", "let a new provider offer several classes", _inventories),
        (
            "traits",
            "give a provider one more trait",
            _names(
                Cloud.set_traits,
                ("HW_CPU_X86_AVX2",),
                ("HW_CPU_X86_AVX2", TRAIT),
                f"&required={TRAIT}",
            ),
        ),
        (
            "aggregates",
            "put a provider into an aggregate",
            _names(Cloud.set_aggregates, (), (_AGGREGATE,), f"&member_of={_AGGREGATE}"),
        ),
    )
)
