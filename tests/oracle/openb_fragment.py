"""The fragment of a machine: idle milli-GPU that a typical request cannot use."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from oracle.openb_cluster import Machine, Request

LACKS_BOTH, LACKS_GPU, LACKS_CPU, NO_GPU_ROOM, NO_GPU_NO_ROOM, NOT_ALLOWED = range(6)
"""The partial sums, in the order in which they are added."""


class TypicalRequest(NamedTuple):
    """One of the requests that make up most of a workload, and how often it comes."""

    request: Request
    frequency: float


def typical_requests(requests: Sequence[Request]) -> list[TypicalRequest]:
    """Return the most frequent requests that together first reach 95 % of all.

    Memory does not tell requests apart. The models are compared as text, so that a
    model named twice makes another request.
    """
    counts = Counter(_without_memory(request) for request in requests)
    total = float(len(requests))
    kept: list[tuple[Request, int]] = []
    kept_count = 0.0
    for request, count in sorted(counts.items(), key=_sort_key, reverse=True):
        if kept_count >= 95 * total / 100:
            break
        kept.append((request, count))
        kept_count += count
    # Two divisions, as published: count / kept_count has other last bits, and FGD
    # then decides some ties otherwise.
    share = kept_count / total
    return [TypicalRequest(request, count / total / share) for request, count in kept]


def _without_memory(request: Request) -> Request:
    return Request(
        request.cpu_milli,
        gpu=request.gpu,
        gpu_milli=request.gpu_milli,
        gpu_models=request.gpu_models,
    )


def _sort_key(item: tuple[Request, int]) -> tuple[int, int, int, int, str]:
    request, count = item
    return (
        count,
        request.cpu_milli,
        request.gpu_milli,
        request.gpu,
        request.gpu_models,
    )


def partial_sums(machine: Machine, typical: Iterable[TypicalRequest]) -> list[float]:
    """Return the six sums of idle milli-GPU that typical requests cannot use."""
    sums = [0.0] * 6
    for request, frequency in typical:
        reason, unusable = _unusable(machine, request)
        sums[reason] += frequency * unusable
    return sums


def _unusable(machine: Machine, request: Request) -> tuple[int, int]:
    """Return why, and how much of, the idle milli-GPU is lost to one request."""
    room = machine.cpu_milli >= request.cpu_milli
    if request.gpu_milli == 0:
        return (NO_GPU_ROOM if room else NO_GPU_NO_ROOM), machine.gpu_milli
    if not request.allows(machine.gpu_model):
        return NOT_ALLOWED, machine.gpu_milli
    low = [free for free in machine.devices if free < request.gpu_milli]
    have_count = len(machine.devices) - len(low)
    if have_count >= request.gpu:
        return (LACKS_GPU, sum(low)) if room else (LACKS_CPU, machine.gpu_milli)
    return (LACKS_GPU if room else LACKS_BOTH), machine.gpu_milli


def fragment(machine: Machine, typical: Iterable[TypicalRequest]) -> float:
    """Return the expected idle milli-GPU that a typical request cannot use."""
    return add_in_order(partial_sums(machine, typical))


def add_in_order(values: Iterable[float]) -> float:
    """Add from the first to the last, rounding after each.

    Python's ``sum`` carries the rounding errors along from version 3.12 on, which
    gives other last bits.
    """
    total = 0.0
    for value in values:
        total += value
    return total
