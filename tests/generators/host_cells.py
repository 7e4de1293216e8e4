"""Random NUMA cells of a host, partly in use."""

from random import Random

from kilonova.cloud.host import HostCell, PagePool


def random_cells(random: Random) -> tuple[HostCell, ...]:
    """Draw one to four cells with cores of one to four threads."""
    count = random.choice((1, 2, 2, 4))
    threads = random.choice((1, 2, 2, 4))
    cores = random.choice((2, 4))
    far = random.random() < 0.5
    return tuple(
        _cell(random, number, _siblings(number, count, threads, cores, far=far))
        for number in range(count)
    )


def _siblings(
    number: int, count: int, threads: int, cores: int, *, far: bool
) -> tuple[frozenset[int], ...]:
    """Give the threads of a cell's cores: side by side, or far apart as on x86."""
    step = count * cores if far else 1
    width = 1 if far else threads
    return tuple(
        frozenset(
            (number * cores + core) * width + thread * step for thread in range(threads)
        )
        for core in range(cores)
    )


def _cell(
    random: Random, number: int, siblings: tuple[frozenset[int], ...]
) -> HostCell:
    cpus = sorted(frozenset().union(*siblings))
    kind = random.choice(("shared", "dedicated", "split", "same"))
    dedicated = [cpu for core in siblings[: len(siblings) // 2] for cpu in sorted(core)]
    if kind == "shared":
        cpuset, pcpuset = cpus, []
    elif kind == "dedicated":
        cpuset, pcpuset = [], cpus
    elif kind == "split":
        cpuset, pcpuset = sorted({*cpus} - {*dedicated}), dedicated
    else:
        cpuset = pcpuset = cpus
    memory_mb = random.choice((512, 1024))
    share = random.choice((0.0, 0.3, 0.6))
    return HostCell(
        number,
        cpuset=frozenset(cpuset),
        pcpuset=frozenset(pcpuset),
        memory_mb=memory_mb,
        memory_usage_mb=random.choice((0, 0, 128, memory_mb - 256)),
        cpu_usage=random.randrange(len(cpuset) + 2),
        pinned_cpus=frozenset(cpu for cpu in pcpuset if random.random() < share),
        siblings=siblings,
        pages=_pages(random, memory_mb),
        socket=random.choice((None, number // 2, number // 2, number // 2)),
        physnets=frozenset(name for name in ("red", "blue") if random.random() < 0.3),
        tunneled=random.random() < 0.3,
    )


def _pages(random: Random, memory_mb: int) -> tuple[PagePool, ...]:
    small = PagePool(4, memory_mb * 256 // 2, random.choice((0, 0, 32768)))
    large = PagePool(
        2048, memory_mb // 4, random.choice((0, 0, 64)), random.choice((0, 1))
    )
    return random.choice(((small,), (small, large), (large, small)))
