"""Which CPUs and how much memory each NUMA cell of a guest has, counted CPU by CPU.

Written from the rules of Nova's ``virt/hardware.py``. Settings are given as numbers and
sets, not as the texts that users write; None stands for what Nova refuses.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wish:
    """A guest: ``cpus`` and ``memory`` by cell are empty where nothing is said."""

    vcpus: int
    memory_mb: int
    policy: str | None = None
    dedicated: frozenset[int] = frozenset()
    nodes: int | None = None
    page_size: int | None = None
    cpus: tuple[frozenset[int], ...] = ()
    memory: tuple[int, ...] = ()


Cell = tuple[int, set[int], set[int], int]
"""Number, floating CPUs, pinned CPUs, MiB of memory."""


def cells(wish: Wish) -> list[Cell] | str | None:
    """Return the cells, the name of Nova's exception, or None where there are none."""
    error = _refused_settings(wish)
    if error:
        return error
    if not (wish.nodes or wish.page_size or wish.policy in ("dedicated", "mixed")):
        return None
    count = wish.nodes or 1
    parts, memory = wish.cpus, wish.memory
    if parts or memory:
        error = _refused_parts(wish, count)
    elif wish.vcpus % count or wish.memory_mb % count:
        error = "ImageNUMATopologyAsymmetric"
    else:
        size = wish.vcpus // count
        every = list(range(wish.vcpus))
        parts = tuple(frozenset(every[n * size :][:size]) for n in range(count))
        memory = (wish.memory_mb // count,) * count
    if error:
        return error
    pinned = set(range(wish.vcpus)) if wish.policy == "dedicated" else wish.dedicated
    return [
        (
            number,
            {cpu for cpu in parts[number] if cpu not in pinned},
            {cpu for cpu in parts[number] if cpu in pinned},
            memory[number],
        )
        for number in range(count)
    ]


def _refused_settings(wish: Wish) -> str | None:
    if wish.dedicated and not wish.dedicated < set(range(wish.vcpus)):
        return "InvalidMixedInstanceDedicatedMask"
    if wish.dedicated and wish.policy != "mixed":
        return "RequiredMixedInstancePolicy"
    if wish.policy == "mixed" and not wish.dedicated:
        return "RequiredMixedOrRealtimeCPUMask"
    if wish.nodes is not None and wish.nodes < 1:
        return "InvalidNUMANodesNumber"
    return None


def _refused_parts(wish: Wish, count: int) -> str | None:
    if len(wish.cpus) != count or len(wish.memory) != count:
        return "ImageNUMATopologyIncomplete"
    seen: set[int] = set()
    for cpu in (cpu for part in wish.cpus for cpu in sorted(part)):
        if cpu >= wish.vcpus:
            return "ImageNUMATopologyCPUOutOfRange"
        if cpu in seen:
            return "ImageNUMATopologyCPUDuplicates"
        seen.add(cpu)
    if len(seen) < wish.vcpus:
        return "ImageNUMATopologyCPUsUnassigned"
    if sum(wish.memory) != wish.memory_mb:
        return "ImageNUMATopologyMemoryOutOfRange"
    return None
