"""Edits: providers that come and go, other inventories, traits and aggregates."""

from collections.abc import Callable

from kilonova.bench.questions import PLAIN
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud

_NEW = "bench provider"
_TRAIT, _AGGREGATE = "HW_CPU_X86_AVX512F", "6a1c6b1e-7f0b-5a52-9d7e-0f6d4d1c9b12"


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
        quick=name == "inventory",
    )
    for name, doing, make in (
        ("provider", "add a root provider, and remove it apart", _provider),
        ("inventory", "change the total of an inventory", _inventory),
        (
            "traits",
            "give a provider one more trait",
            _names(
                Cloud.set_traits,
                ("HW_CPU_X86_AVX2",),
                ("HW_CPU_X86_AVX2", _TRAIT),
                f"&required={_TRAIT}",
            ),
        ),
        (
            "aggregates",
            "put a provider into an aggregate",
            _names(Cloud.set_aggregates, (), (_AGGREGATE,), f"&member_of={_AGGREGATE}"),
        ),
    )
)
