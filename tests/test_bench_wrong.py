"""A library that gives a wrong result is found out by the workload that times it.

Method: one function of the library is made to do a little less, or other, than it must;
then the workload must refuse, which gives figures as it stands.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kilonova.admin.audit import AuditOptions, AuditResult
from kilonova.bench import run
from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.workload import Fleet, WrongResult
from kilonova.bench.workloads.register import find
from kilonova.candidates.cloud import Cloud
from kilonova.candidates.headroom import Headroom

pytestmark = pytest.mark.jit

HOSTS = 120
Broken = Callable[..., Any]


def at_one_provider(real: Callable[..., AuditResult]) -> Broken:
    return lambda cloud, records: real(
        cloud, records, AuditOptions(provider="host00000")
    )


def one_more(real: Callable[..., Headroom]) -> Broken:
    def broken(*arguments: Any) -> Headroom:
        found = real(*arguments)
        object.__setattr__(found, "total", found.total + 1)
        return found

    return broken


def onto_a_failed_host(real: Broken) -> Broken:
    def broken(*arguments: Any, **named: Any) -> Any:
        plan = real(*arguments, **named)
        plan.steps[0].target = plan.hosts[0]
        return plan

    return broken


def another_tree(real: Broken) -> Broken:
    def broken(*arguments: Any) -> Any:
        placed = real(*arguments)
        placed.tree[:] = np.where(placed.tree >= 0, placed.tree + 1, -1)
        return placed

    return broken


def nothing_done(real: Broken) -> Broken:
    return lambda *arguments, **named: None


def nothing_found(real: Broken) -> Broken:
    def broken(*arguments: Any, **named: Any) -> Any:
        found = real(*arguments, **named)
        found.steps.clear()
        return found

    return broken


BREAKS: dict[str, tuple[str, Callable[[Any], Broken]]] = {
    "audit: a million allocations": (
        "kilonova.bench.workloads.audits.audit",
        at_one_provider,
    ),
    "audit: heal": ("kilonova.bench.workloads.audits.heal", nothing_found),
    "plans: Nova's order": (
        "kilonova.bench.workloads.plans.evacuate",
        onto_a_failed_host,
    ),
    "plans: apply": ("kilonova.plan.apply.claims.claim", nothing_done),
    "devices: BestFit": ("kilonova.hosts.placer.Placer.place", another_tree),
    "shared: headroom": ("kilonova.candidates.cloud.Cloud.headroom", one_more),
    "shared: headroom, unlike devices": (
        "kilonova.candidates.headroom.solve_trees",
        nothing_done,
    ),
    "moves: confirm": ("kilonova.moves.context.Context.release", nothing_done),
    "moves: evacuate": ("kilonova.moves.evacuation.bind_ports", nothing_done),
    "claims: emptied": ("kilonova_kernels.claims.touch_providers", nothing_done),
    "edits: parent": ("kilonova.cloud.providers.reorder", nothing_done),
    "careful: new group": ("kilonova.hosts.scheduler.Scheduler._adopt", nothing_done),
    "loading: consumers": ("kilonova_kernels.claims.add_usage", nothing_done),
}


@pytest.mark.parametrize("name", BREAKS)
def test_wrong_results_are_not_timed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = find(name)
    fleet = Fleet(HOSTS, workload.shapes[0], 0.7)
    cloud: Cloud = busy_cloud(*fleet)
    target, breaking = BREAKS[name]
    # As it is, it is right.
    work = run.ready(workload, cloud, fleet)
    if work.close is not None:
        work.close()
    with monkeypatch.context() as patched:
        patched.setattr(target, breaking(_at(target)))
        with pytest.raises(WrongResult, match=f"{name} gives another result"):
            run.ready(workload, busy_cloud(*fleet), fleet)


def _at(target: str) -> Any:
    from pkgutil import resolve_name

    return resolve_name(target)
