"""Which host CPUs the pinned CPUs of a guest cell get.

Same as ``_pack_instance_onto_cores`` in Nova's ``virt/hardware.py``, down to the order
in which sets give their members: a core's first thread is the first of its set.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from kilonova.cloud.free_cpus import free_cpus, laid_out, threads_of
from kilonova.cloud.host import HostCell


class Pinned(NamedTuple):
    """Host CPUs of a guest cell.

    Attributes
    ----------
    pairs
        Guest CPU and host CPU.
    reserved
        Host CPUs for emulator threads.
    """

    pairs: tuple[tuple[int, int], ...]
    reserved: frozenset[int] = frozenset()


@lru_cache(maxsize=4096)
def _cores(siblings: tuple[frozenset[int], ...]) -> tuple[frozenset[int], ...]:
    """Lay the threads of each core out."""
    return tuple(map(laid_out, siblings))


def can_pin(
    cell: HostCell, cpus: frozenset[int], thread_policy: str | None, reserve: int
) -> bool:
    """Say whether ``pin`` finds host CPUs, which are counted and not chosen."""
    if reserve:
        return pin(cell, cpus, thread_policy, reserve) is not None
    free, wanted = free_cpus(cell), len(cpus)
    if thread_policy not in ("isolate", "require"):
        return wanted <= free.in_cores
    threads = threads_of(cell.siblings)
    if thread_policy == "isolate":
        whole = sum([count >= threads for count in free.cores])
        return _can_isolate(cell, threads) and 0 < wanted <= whole
    return any(
        level * sum([count >= level for count in free.cores]) >= wanted
        for level in range(max(free.cores, default=0), 1, -1)
    )


def pin(
    cell: HostCell, cpus: frozenset[int], thread_policy: str | None, reserve: int
) -> Pinned | None:
    """Choose host CPUs, or give None where they do not suffice.

    Parameters
    ----------
    cell
        Cell of the host.
    cpus
        Guest CPUs to pin.
    thread_policy
        ``require``: never the only free thread of a core; ``isolate``: one thread of
        cores that are free as a whole; ``prefer`` and None: siblings where possible.
    reserve
        Host CPUs needed beside, for emulator threads.
    """
    free = free_cpus(cell).cpus
    siblings, threads = _cores(cell.siblings), threads_of(cell.siblings)
    if not reserve and thread_policy != "isolate":
        least = 2 if thread_policy == "require" else 1
        for level in range(threads, least - 1, -1):
            usable = _first(siblings, free, level, len(cpus))
            if usable is not None:
                return Pinned(tuple(zip(sorted(cpus), usable, strict=False)))
    cores = [left for core in siblings if (left := core & free)]
    if thread_policy == "isolate":
        return _isolated(cell, cores, threads, cpus, reserve)
    if thread_policy == "require" and threads <= 1:
        return None
    return _packed(cores, cpus, thread_policy, reserve)


def _first(
    siblings: Sequence[frozenset[int]], free: frozenset[int], level: int, wanted: int
) -> list[int] | None:
    """Give the first threads of the first cores of which so many are free.

    None where those are too few. Cores that are not needed are not looked at.
    """
    usable: list[int] = []
    for core in siblings:
        left = core & free
        if len(left) >= level:
            usable += list(left)[:level]
            if len(usable) >= wanted:
                return usable
    return None


def _can_isolate(cell: HostCell, threads: int) -> bool:
    """Say whether whole cores of a cell may be kept for a guest.

    A host with threads and separate sets of shared and pinned CPUs cannot do that.
    """
    return threads == 1 or cell.pcpuset == cell.cpuset


def _isolated(
    cell: HostCell,
    cores: list[frozenset[int]],
    threads: int,
    cpus: frozenset[int],
    reserve: int,
) -> Pinned | None:
    whole = [core for core in cores if len(core) >= threads]
    if not whole or not _can_isolate(cell, threads):
        return None
    pairs = _pairs(1, whole, cpus)
    if not pairs:
        return None
    used = {host_cpu for _, host_cpu in pairs}
    others = [core for core in cores if used.isdisjoint(core)]
    return _with_reserved(pairs, others, reserve)


def _packed(
    cores: list[frozenset[int]],
    cpus: frozenset[int],
    thread_policy: str | None,
    reserve: int,
) -> Pinned | None:
    """Use as many threads of each core as possible; emptier cores alone if enough."""
    least = 2 if thread_policy == "require" else 1
    for threads in range(max(map(len, cores), default=0), least - 1, -1):
        pairs = _pairs(threads, [core for core in cores if len(core) >= threads], cpus)
        if pairs is not None:
            found = _with_reserved(pairs, cores, reserve)
            if found is not None:
                return found
    if thread_policy == "require":
        return None
    lone = [frozenset((cpu,)) for cpu in chain(*cores)]
    pairs = _pairs(1, lone, cpus)
    return None if pairs is None else _with_reserved(pairs, lone, reserve)


def _pairs(
    threads: int, cores: Sequence[frozenset[int]], cpus: frozenset[int]
) -> tuple[tuple[int, int], ...] | None:
    """Pair guest CPUs, ascending, with the first threads of each core."""
    if threads * len(cores) < len(cpus):
        return None
    usable = chain.from_iterable(list(core)[:threads] for core in cores)
    return tuple(zip(sorted(cpus), usable, strict=False))


def _with_reserved(
    pairs: tuple[tuple[int, int], ...],
    cores: Sequence[frozenset[int]],
    reserve: int,
) -> Pinned | None:
    """Add the CPUs for emulator threads, or give None where there are none left."""
    if not reserve:
        return Pinned(pairs)
    used = {host_cpu for _, host_cpu in pairs}
    left = [cpu for core in cores for cpu in core if cpu not in used]
    # Nova reserves nothing, and so fails, where nothing was pinned.
    reserved = frozenset(left[:reserve]) if pairs else frozenset()
    return Pinned(pairs, reserved) if reserved else None
