"""Edits: providers that come and go, other inventories, traits and aggregates."""

from collections.abc import Callable
from functools import partial

from kilonova.bench.questions import PLAIN, TRAIT
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadRequest

_NEW = "bench provider"
_WORD = "CUSTOM_BENCH"
_AGGREGATE = "6a1c6b1e-7f0b-5a52-9d7e-0f6d4d1c9b12"


def _provider(goes: bool, cloud: Cloud, _fleet: Fleet) -> Work:
    """Let a root provider come at the end, or go from there."""

    def add() -> None:
        cloud.add_provider(_NEW, inventories={"VCPU": {"total": 4}})

    def remove() -> None:
        cloud.remove_provider(_NEW)

    def check() -> bool:
        count = cloud.state.tables.provider.count
        add()
        right = cloud.inventories(_NEW)["VCPU"].total == 4
        before = len(cloud.allocation_candidates("resources=VCPU:1", 1))
        remove()
        return right and before == 1 and cloud.state.tables.provider.count == count

    if goes:
        return Work(call=remove, check=check, before=add)
    return Work(call=add, check=check, after=remove)


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


def _inventory_gone(cloud: Cloud, _fleet: Fleet) -> Work:
    """Let the last provider cease to offer one of its classes."""
    offers = {name: {"total": 4} for name in ("VCPU", "MEMORY_MB")}
    cloud.add_provider(_NEW, inventories=offers)

    def check() -> bool:
        cloud.remove_inventory(_NEW, "MEMORY_MB")
        right = list(cloud.inventories(_NEW)) == ["VCPU"]
        cloud.set_inventory(_NEW, "MEMORY_MB", offers["MEMORY_MB"])
        return right and list(cloud.inventories(_NEW)) == list(offers)

    return Work(
        call=lambda: cloud.remove_inventory(_NEW, "MEMORY_MB"),
        check=check,
        after=lambda: cloud.set_inventory(_NEW, "MEMORY_MB", offers["MEMORY_MB"]),
        close=lambda: cloud.remove_provider(_NEW),
    )


def _word(
    add: Callable[[Cloud, str], None],
    remove: Callable[[Cloud, str], None],
    query: str,
    goes: bool,
) -> Callable[[Cloud, Fleet], Work]:
    """Let a resource class or a trait be known, or be known no more."""

    def make(cloud: Cloud, _fleet: Fleet) -> Work:
        def come() -> None:
            add(cloud, _WORD)

        def go() -> None:
            remove(cloud, _WORD)

        def check() -> bool:
            come()
            known = not list(cloud.allocation_candidates(query, 1))
            go()
            try:
                cloud.allocation_candidates(query, 1)
            except BadRequest:
                return known
            return False

        if goes:
            return Work(call=go, check=check, before=come)
        return Work(call=come, check=check, after=go)

    return make


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


_CLASS = (
    Cloud.add_resource_class,
    Cloud.remove_resource_class,
    f"resources={_WORD}:1",
)
_TRAIT = (Cloud.add_trait, Cloud.remove_trait, f"{PLAIN}&required={_WORD}")

WORKLOADS = tuple(
    Workload(
        f"edits: {name}",
        doing,
        make,
        fills=(0.7,),
        # All rows move, and all names are hashed anew.
        largest=100_000 if name == "parent" else 1_000_000,
        quick=name == "inventory",
    )
    for name, doing, make in (
        ("provider", "add a root provider at the end", partial(_provider, False)),
        ("provider gone", "remove the last provider", partial(_provider, True)),
        ("rename", "give a provider another name", _rename),
        ("parent", "hang the last root under the first one", _parent),
        ("inventory", "change the total of an inventory", _inventory),
        ("inventories", "let a new provider offer several classes", _inventories),
        ("inventory gone", "let a provider cease to offer a class", _inventory_gone),
        ("class", "let a resource class be known", _word(*_CLASS, goes=False)),
        ("class gone", "forget a resource class", _word(*_CLASS, goes=True)),
        ("trait", "let a trait be known", _word(*_TRAIT, goes=False)),
        ("trait gone", "forget a trait", _word(*_TRAIT, goes=True)),
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
