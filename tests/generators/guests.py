"""Random NUMA cells of a guest, of sizes near what a host has free."""

from collections.abc import Sequence
from random import Random

from kilonova.cloud.host import HostCell
from kilonova.request.topology import GuestCell, GuestTopology

_POLICIES = None, "shared", "dedicated", "dedicated", "dedicated", "mixed"


def random_guest(random: Random, cells: Sequence[HostCell] | None) -> GuestTopology:
    """Draw one to three cells, alike in policy and page size."""
    policy = random.choice(_POLICIES)
    thread_policy = random.choice((None, "prefer", "require", "isolate"))
    page_size = random.choice((None, None, None, None, -1, -2, -3, 4, 2048, 1048576))
    count = min(random.choice((1, 1, 1, 2, 2, 3)), len(cells or (1,)) + 1)
    found, first = [], 0
    for number in range(count):
        cell = random.choice(cells) if cells else HostCell(0, memory_mb=512)
        guest = _guest(random, cell, first, policy)
        first += len(guest.cpuset) + len(guest.pcpuset)
        found.append(
            GuestCell(
                number,
                cpuset=guest.cpuset,
                pcpuset=guest.pcpuset,
                memory_mb=guest.memory_mb,
                pagesize_kb=page_size,
                cpu_policy=policy,
                cpu_thread_policy=thread_policy if guest.pcpuset else None,
            )
        )
    isolate = policy == "dedicated" and random.random() < 0.25
    return GuestTopology(tuple(found), "isolate" if isolate else None)


def _guest(random: Random, cell: HostCell, first: int, policy: str | None) -> GuestCell:
    """Draw CPUs and memory about as many as the cell still has."""
    free = len(cell.pcpuset - cell.pinned_cpus)
    pinned = random.choice((1, 2, free // 2, free - 1, free, free + 1))
    floating = random.choice((1, len(cell.cpuset) // 2, len(cell.cpuset)))
    if policy in (None, "shared"):
        pinned = 0
    elif policy == "dedicated":
        floating = 0
    pinned = max(pinned, 1) if policy in ("dedicated", "mixed") else 0
    floating = max(floating, 1) if policy != "dedicated" else 0
    sizes = [
        64,
        128,
        cell.memory_mb - cell.memory_usage_mb,
        *(
            pool.size_kb * (pool.total - pool.used - pool.reserved) // 1024
            for pool in cell.pages
        ),
    ]
    memory_mb = random.choice(sizes) + random.choice((0, 0, 0, 1, 2))
    return GuestCell(
        0,
        cpuset=frozenset(range(first, first + floating)),
        pcpuset=frozenset(range(first + floating, first + floating + pinned)),
        memory_mb=max(memory_mb, 1),
    )
