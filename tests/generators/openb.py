"""Small random clusters with GPUs, and requests that just fit them, or just do not.

Amounts drawn freely almost never meet a limit. So requests are drawn one after the
other, each from what some machine has left after those before it.
"""

from typing import NamedTuple

from hypothesis import strategies as st

from kilonova.replay.trace import Asked, Machine
from oracle import openb_cluster as twin

MODELS = ["T4", "G2", "P100"]


class Played(NamedTuple):
    """A cluster, the requests that arrive at it, and the ranks of equal machines."""

    machines: tuple[Machine, ...]
    requests: tuple[Asked, ...]
    rank: tuple[int, ...]


def twin_machines(machines: tuple[Machine, ...]) -> list[twin.Machine]:
    """Give the machines as the oracle has them, all empty."""
    return [
        twin.Machine(m.cpu_milli, m.mem_mib, m.gpu_model, [twin.WHOLE] * m.gpu)
        for m in machines
    ]


def twin_requests(requests: tuple[Asked, ...]) -> list[twin.Request]:
    """Give the requests as the oracle has them."""
    return [twin.Request(*asked) for asked in requests]


@st.composite
def clusters(draw: st.DrawFn) -> tuple[Machine, ...]:
    """Draw 1 to 6 machines with 0 to 4 GPUs, some of them alike."""
    shapes = st.tuples(
        st.sampled_from([1, 4000, 8000, 8001]),
        st.sampled_from([1, 1024, 4096]),
        st.sampled_from([0, 1, 2, 2, 4, 4]),
        st.sampled_from(MODELS),
    )
    kinds = draw(st.lists(shapes, min_size=1, max_size=3))
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=6))
    return tuple(Machine(i, f"m{i}", *shape) for i, shape in enumerate(chosen))


@st.composite
def played(draw: st.DrawFn, most_requests: int = 24) -> Played:
    """Draw a cluster, and about as many requests as fill it; some come again."""
    machines = draw(clusters())
    left = twin_machines(machines)
    requests: list[Asked] = []
    for _ in range(draw(st.integers(1, most_requests))):
        if requests and draw(st.integers(0, 3)) == 0:
            asked = draw(st.sampled_from(requests))
        else:
            asked = draw(asked_of(draw(st.sampled_from(left))))
        requests.append(asked)
        request = twin.Request(*asked)
        feasible = [host for host in left if twin.feasible(host, request)]
        if feasible:
            host = draw(st.sampled_from(feasible))
            twin.claim(host, request, twin.choose_devices(host, request))
    rank = tuple(draw(st.permutations(range(len(machines)))))
    return Played(machines, tuple(requests), rank)


@st.composite
def asked_of(draw: st.DrawFn, host: twin.Machine) -> Asked:
    """Draw a request at, or next to, a limit of what one machine has left."""
    cpu = draw(near([host.cpu_milli, host.cpu_milli // 2, 1, 500]))
    mem = draw(near([host.mem_mib, host.mem_mib // 2, 0, 0]))
    if not cpu and not mem:
        cpu = 1
    models = draw(
        st.sampled_from(
            ["", "", host.gpu_model, "T4|G2", "T4|T4", "P100", "V100", "G2|V100"]
        )
    )
    if not host.devices or draw(st.integers(0, 4)) == 0:
        return Asked(cpu, mem, 0, 0, models)
    if draw(st.booleans()):
        gpu = max(1, host.whole_count + draw(st.sampled_from([-1, 0, 0, 1])))
        return Asked(cpu, mem, gpu, twin.WHOLE, models)
    milli = draw(near([*host.devices, twin.WHOLE, 1, 500]))
    return Asked(cpu, mem, 1, min(max(milli, 1), twin.WHOLE), models)


def near(limits: list[int]) -> st.SearchStrategy[int]:
    """Draw a limit, one less or one more; mostly the limit itself, never below 0."""
    return st.builds(
        lambda limit, off: max(0, limit + off),
        st.sampled_from(limits),
        st.sampled_from([0, 0, 0, -1, 1]),
    )
