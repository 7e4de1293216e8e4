"""The GPU packing policies of "Beware of Fragmentation", and the replay with them.

A request goes to the feasible machine with the largest weight. Weights are whole
numbers, so that many machines are equal: the one with the lowest rank gets it.
"""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

from oracle.openb_cluster import (
    WHOLE,
    Machine,
    Request,
    choose_devices,
    claim,
    feasible,
    fitting_devices,
)
from oracle.openb_fragment import TypicalRequest, add_in_order, fragment

CPU_MILLI_MAX = 128_000
GPU_MILLI_MAX = 8_000
"""The largest machine: weights measure against it."""


def weigh_best_fit(machine: Machine, request: Request) -> int:
    """Weigh a machine the higher, the less it would have left."""
    left = (machine.cpu_milli - request.cpu_milli) / CPU_MILLI_MAX * 0.5
    left += (machine.gpu_milli - request.gpu_milli_total) / GPU_MILLI_MAX * 0.5
    return int((1.0 - left) * 100)


def weigh_dot_product(machine: Machine, request: Request) -> int:
    """Weigh a machine the higher, the less it has of what is asked most."""
    product = (machine.cpu_milli / CPU_MILLI_MAX) * (request.cpu_milli / CPU_MILLI_MAX)
    product += (machine.gpu_milli / GPU_MILLI_MAX) * (
        request.gpu_milli_total / GPU_MILLI_MAX
    )
    return int(100 * (1.0 - product / 2))


def weigh_gpu_clustering(machine: Machine, request: Request) -> int:
    """Weigh a machine by whether it holds requests of the same kind, then by use."""
    if request.gpu == 0:
        return 0
    used = 25 * (GPU_MILLI_MAX - machine.gpu_milli) // GPU_MILLI_MAX
    if request.kind in machine.kinds:
        return used + (75 if len(machine.kinds) == 1 else 50)
    return used if machine.kinds else used + 25


def weigh_gpu_packing(machine: Machine, request: Request) -> int:
    """Prefer devices in use, then free devices of a machine in use, then others."""
    if request.gpu == 0:
        return 0
    if machine.whole_count == len(machine.devices):
        return max(33 - machine.whole_count, machine.whole_count)
    fitting = sorted(free for free in machine.devices if free >= request.gpu_milli)
    taken = fitting[: request.gpu]
    if WHOLE in taken:
        return max(50 - taken.count(WHOLE), 33)
    return max(100 - sum(free // 10 for free in taken) // 10, 50)


def weigh_fgd(
    machine: Machine, request: Request, typical: Sequence[TypicalRequest]
) -> tuple[int, tuple[int, ...]]:
    """Weigh a machine by how little its fragment would grow.

    Returns
    -------
    The weight, and the devices to take. For a share these are part of the answer:
    the device with the highest weight, the first of equals.

    Notes
    -----
    Where nothing changes, the two fragments may still differ in their last bits: the
    amounts move from one partial sum to another. The weight is then 49 or 50.
    """
    choices: list[tuple[int, ...]]
    if request.is_share:
        choices = [(device,) for device in fitting_devices(machine, request)]
    else:
        choices = [choose_devices(machine, request)]
    before = fragment(machine, typical)
    weighed = []
    for devices in choices:
        after = deepcopy(machine)
        claim(after, request, devices)
        gain = (before - fragment(after, typical)) / 1000
        weighed.append((int(1.0 / (1.0 + math.exp(-gain)) * 100), devices))
    return max(weighed, key=lambda pair: pair[0])


WEIGHERS: dict[str, Callable[[Machine, Request], int]] = {
    "BestFit": weigh_best_fit,
    "DotProd": weigh_dot_product,
    "GpuClustering": weigh_gpu_clustering,
    "GpuPacking": weigh_gpu_packing,
}
POLICIES = (*WEIGHERS, "FGD", "Random")


def _no_draw(count: int) -> int:
    raise AssertionError(f"Only Random draws, yet one of {count} was to be drawn.")


@dataclass(frozen=True)
class Rules:
    """How a replay decides.

    ``rank`` has one number per machine. ``draw`` takes a count and returns one of
    ``range(count)``; only Random calls it, once for the machine among the feasible
    ones in their order, and for a share once more for the device.
    """

    policy: str
    rank: Sequence[int]
    typical: Sequence[TypicalRequest]
    draw: Callable[[int], int] = _no_draw


class Decision(NamedTuple):
    """Where a request went. No machine: it was dropped."""

    machine: int | None
    devices: tuple[int, ...]


class Step(NamedTuple):
    """One request of a replay, and the sums over all machines after it."""

    decision: Decision
    arrived_gpu_milli: int
    allocated_gpu_milli: int
    fragment_gpu_milli: float


def decide(machines: Sequence[Machine], request: Request, rules: Rules) -> Decision:
    """Choose a machine and its devices; the machines stay as they are."""
    offers = [i for i, machine in enumerate(machines) if feasible(machine, request)]
    if not offers:
        return Decision(None, ())
    if rules.policy == "Random":
        return _draw(machines, request, offers, rules.draw)
    weighed = []
    for i in offers:
        weight, devices = _weigh(machines[i], request, rules)
        weighed.append((-weight, rules.rank[i], Decision(i, devices)))
    return min(weighed)[-1]


def _weigh(
    machine: Machine, request: Request, rules: Rules
) -> tuple[int, tuple[int, ...]]:
    if rules.policy == "FGD":
        return weigh_fgd(machine, request, rules.typical)
    weight = WEIGHERS[rules.policy](machine, request)
    return weight, choose_devices(machine, request)


def _draw(
    machines: Sequence[Machine],
    request: Request,
    offers: Sequence[int],
    draw: Callable[[int], int],
) -> Decision:
    i = offers[draw(len(offers))]
    if not request.is_share:
        return Decision(i, choose_devices(machines[i], request))
    fitting = fitting_devices(machines[i], request)
    return Decision(i, (fitting[draw(len(fitting))],))


def replay(
    machines: Sequence[Machine], requests: Sequence[Request], rules: Rules
) -> list[Step]:
    """Place the requests one after the other; nothing leaves.

    A request that no machine can take is dropped, but counts as arrived. ``machines``
    is left as it is.
    """
    machines = deepcopy(machines)
    fragments = [fragment(machine, rules.typical) for machine in machines]
    steps: list[Step] = []
    arrived = allocated = 0
    for request in requests:
        decision = decide(machines, request, rules)
        arrived += request.gpu_milli_total
        i = decision.machine
        if i is not None:
            claim(machines[i], request, decision.devices)
            allocated += request.gpu_milli_total
            fragments[i] = fragment(machines[i], rules.typical)
        steps.append(Step(decision, arrived, allocated, add_in_order(fragments)))
    return steps
