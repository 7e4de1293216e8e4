"""Share a guest's CPUs and memory out among its NUMA cells."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from kilonova.errors import BadServerSpec
from kilonova.request.cpu_spec import parse_cpu_spec
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.settings import extra_spec
from kilonova.request.topology import GuestCell

T = TypeVar("T")

_MOST_CELLS = 128


def node_count(flavor: Flavor, image: Image) -> int | None:
    """Return how many NUMA cells are asked for, or None.

    Raises
    ------
    BadServerSpec
        As ImageNUMATopologyForbidden if both flavor and image say; as
        InvalidNUMANodesNumber if it is no whole number from 1.

    Notes
    -----
    Same answer as ``_get_numa_node_count_constraint`` in Nova's ``virt/hardware.py``.
    """
    of_flavor = extra_spec(flavor, "hw:numa_nodes")
    of_image = image.properties.get("hw_numa_nodes")
    if of_flavor and of_image:
        raise _forbidden("hw_numa_nodes")
    count = of_flavor or of_image
    if count is None or count == "":
        return None
    try:
        number = int(str(count))
    except ValueError:
        number = 0
    if number < 1 or str(number) != str(count):
        raise BadServerSpec(
            f"hw:numa_nodes must be a whole number from 1, got {count!r}.",
            "InvalidNUMANodesNumber",
        )
    return number


def guest_cells(
    flavor: Flavor, image: Image, count: int, pinned: frozenset[int]
) -> list[GuestCell]:
    """Make the cells, in equal parts or as flavor or image say.

    Parameters
    ----------
    flavor, image
        Where the parts may be given, with as many CPUs and MiB as the flavor has.
    count
        Cells, at least 1.
    pinned
        CPUs of the guest that are pinned; the others float.

    Raises
    ------
    BadServerSpec
        As ImageNUMATopologyIncomplete, ImageNUMATopologyAsymmetric,
        ImageNUMATopologyCPUOutOfRange, ImageNUMATopologyCPUDuplicates,
        ImageNUMATopologyCPUsUnassigned, ImageNUMATopologyMemoryOutOfRange or
        ImageNUMATopologyForbidden.

    Notes
    -----
    Same answer as ``_get_numa_topology_auto`` and ``_get_numa_topology_manual`` in
    Nova's ``virt/hardware.py``.
    """
    cpus = _mapping(flavor, image, "numa_cpus", parse_cpu_spec)
    memory = _mapping(flavor, image, "numa_mem", _whole_number)
    if cpus is None and memory is None:
        cpus, memory = _equal_parts(flavor, count)
    elif cpus is None or memory is None or not len(cpus) == len(memory) == count:
        raise BadServerSpec(
            f"hw:numa_cpus.N and hw:numa_mem.N must be there for each of {count} "
            f"cells, got {len(cpus or ())} and {len(memory or ())}.",
            "ImageNUMATopologyIncomplete",
        )
    else:
        _check_parts(flavor, cpus, memory)
    every = frozenset(range(flavor.vcpus))
    return [
        GuestCell(
            number=number,
            cpuset=(part & every) - pinned,
            pcpuset=part & pinned,
            memory_mb=memory_mb,
        )
        for number, (part, memory_mb) in enumerate(zip(cpus, memory, strict=True))
    ]


def _equal_parts(
    flavor: Flavor, count: int
) -> tuple[Sequence[frozenset[int]], Sequence[int]]:
    if flavor.vcpus % count or flavor.memory_mb % count:
        raise BadServerSpec(
            f"{flavor.vcpus} vcpus and {flavor.memory_mb} MiB must be divisible by "
            f"hw:numa_nodes, or be assigned by hw:numa_cpus.N and hw:numa_mem.N, "
            f"got {count}.",
            "ImageNUMATopologyAsymmetric",
        )
    size = flavor.vcpus // count
    cpus = [frozenset(range(n * size, (n + 1) * size)) for n in range(count)]
    return cpus, [flavor.memory_mb // count] * count


def _check_parts(
    flavor: Flavor, cpus: Sequence[frozenset[int]], memory: Sequence[int]
) -> None:
    left = set(range(flavor.vcpus))
    for number, part in enumerate(cpus):
        for cpu in sorted(part):
            if cpu >= flavor.vcpus:
                raise BadServerSpec(
                    f"hw:numa_cpus.{number} must be CPUs from 0 to {flavor.vcpus - 1}, "
                    f"got {cpu}.",
                    "ImageNUMATopologyCPUOutOfRange",
                )
            if cpu not in left:
                raise BadServerSpec(
                    f"hw:numa_cpus.{number} must have its own CPUs, got {cpu} again.",
                    "ImageNUMATopologyCPUDuplicates",
                )
            left.remove(cpu)
    if left:
        raise BadServerSpec(
            f"hw:numa_cpus.N must name all {flavor.vcpus} vcpus, got none for "
            f"{sorted(left)}.",
            "ImageNUMATopologyCPUsUnassigned",
        )
    if sum(memory) != flavor.memory_mb:
        raise BadServerSpec(
            f"hw:numa_mem.N must add up to {flavor.memory_mb} MiB, got {sum(memory)}.",
            "ImageNUMATopologyMemoryOutOfRange",
        )


def _mapping(
    flavor: Flavor, image: Image, name: str, parse: Callable[[str, str], T]
) -> Sequence[T] | None:
    """Return the values of a setting by cell; those after a gap count for nothing."""
    found = []
    for number in range(_MOST_CELLS):
        key = f"hw:{name}.{number}"
        value = extra_spec(flavor, key)
        if value is None:
            break
        found.append(parse(key, value))
    of_image = image.properties.get(f"hw_{name}")
    if found and of_image is not None:
        raise _forbidden(f"hw_{name}")
    return found or cast(Sequence[T] | None, of_image)


def _whole_number(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadServerSpec(
            f"{key} must be a whole number of MiB, got {text!r}.", "ValueError"
        ) from None


def _forbidden(name: str) -> BadServerSpec:
    return BadServerSpec(
        f"Image property {name} must not override {name.replace('_', ':', 1)} of the "
        "flavor, got both.",
        "ImageNUMATopologyForbidden",
    )
