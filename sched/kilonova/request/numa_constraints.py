"""From flavor and image to the NUMA cells that a guest is to have.

Cells are made when the server asks for them, for pinned CPUs, for pages of a size, or
for persistent memory.
"""

import re
from dataclasses import dataclass, replace

from kilonova.errors import BadServerSpec
from kilonova.request.cpu_policy import (
    THREAD_POLICIES,
    cpu_policy,
    cpu_thread_policy,
    dedicated_cpus,
    emulator_threads_policy,
    realtime_cpus,
)
from kilonova.request.flavor import Flavor
from kilonova.request.guest_features import persistent_memory_labels
from kilonova.request.image import Image
from kilonova.request.numa_cells import guest_cells, node_count
from kilonova.request.page_size import check_locked_memory, page_size
from kilonova.request.settings import check_known
from kilonova.request.topology import GuestTopology

# Nova looks at the beginning of the key only, and at suffixes that are numbers.
_RESOURCES = {
    name: re.compile(rf"resources([1-9][0-9]*)?:{name}") for name in ("VCPU", "PCPU")
}
_HYPERTHREADING = "HW_CPU_HYPERTHREADING"
_TRAIT = re.compile(rf"trait([1-9][0-9]*)?:{_HYPERTHREADING}")


@dataclass(frozen=True, slots=True)
class _Cpus:
    """What flavor and image say of the guest's CPUs; None or empty: nothing."""

    policy: str | None
    threads: str | None
    realtime: frozenset[int]
    dedicated: frozenset[int]
    emulator: str | None


def numa_constraints(flavor: Flavor, image: Image) -> GuestTopology | None:
    """Return the NUMA cells that flavor and image ask for, or None.

    Raises
    ------
    BadServerSpec
        If flavor and image contradict each other or themselves; ``nova`` is the
        exception that Nova raises.

    Notes
    -----
    Same answer as ``numa_get_constraints`` in Nova's ``virt/hardware.py``.
    """
    cpus = _cpus(flavor, image)
    cpus = _with_resources(cpus, flavor)
    cpus = _with_trait(cpus, flavor, image)
    _check(cpus)
    nodes = node_count(flavor, image)
    size = page_size(flavor, image)
    check_locked_memory(flavor, image)
    pinned = cpus.policy in ("dedicated", "mixed")
    if not (pinned or nodes or size or persistent_memory_labels(flavor)):
        return None
    cells = guest_cells(flavor, image, nodes or 1, _pinned_cpus(cpus, flavor))
    if cpus.threads is not None:
        check_known("hw:cpu_thread_policy", cpus.threads, THREAD_POLICIES, "ValueError")
    return GuestTopology(
        cells=tuple(
            replace(
                cell,
                pagesize_kb=None if size is None else int(size),
                cpu_policy=cpus.policy,
                cpu_thread_policy=cpus.threads,
            )
            for cell in cells
        ),
        emulator_threads_policy=cpus.emulator,
    )


def _cpus(flavor: Flavor, image: Image) -> _Cpus:
    """Read all settings, in Nova's order: of two errors the first one counts."""
    return _Cpus(
        policy=cpu_policy(flavor, image),
        threads=cpu_thread_policy(flavor, image),
        realtime=realtime_cpus(flavor, image) or frozenset(),
        dedicated=dedicated_cpus(flavor) or frozenset(),
        emulator=emulator_threads_policy(flavor),
    )


def _with_resources(cpus: _Cpus, flavor: Flavor) -> _Cpus:
    """Take the policy from ``resources:VCPU`` or ``resources:PCPU``, where given."""
    shared = _asked(flavor, "VCPU")
    pinned = _asked(flavor, "PCPU")
    if cpus.policy and (shared or pinned):
        raise _invalid(
            "hw:cpu_policy cannot stand beside resources:VCPU or resources:PCPU",
            f"{cpus.policy!r} with VCPU {shared} and PCPU {pinned}",
        )
    if shared and pinned:
        raise _invalid(
            "resources:VCPU and resources:PCPU exclude each other",
            f"{shared} and {pinned}",
        )
    if pinned:
        isolated = cpus.emulator == "isolate"
        right = flavor.vcpus + isolated
        if pinned != right:
            raise _invalid(
                f"resources:PCPU must be {right}, the flavor's vcpus"
                + (" and one for emulator threads" if isolated else ""),
                pinned,
            )
        return replace(cpus, policy="dedicated")
    return replace(cpus, policy="shared") if shared else cpus


def _with_trait(cpus: _Cpus, flavor: Flavor, image: Image) -> _Cpus:
    """Take the thread policy from the trait of hyperthreading, if it is there."""
    demand = _hyperthreading(flavor, image)
    if cpus.threads and demand:
        raise _invalid(
            f"hw:cpu_thread_policy cannot stand beside trait:{_HYPERTHREADING}",
            f"{cpus.threads!r} with {demand!r}",
        )
    policies = {"forbidden": "isolate", "required": "require"}
    return replace(cpus, threads=policies.get(demand or "", cpus.threads))


def _check(cpus: _Cpus) -> None:
    """Refuse settings that need another CPU policy."""
    if cpus.policy == "mixed":
        if bool(cpus.realtime) == bool(cpus.dedicated):
            raise BadServerSpec(
                "hw:cpu_policy 'mixed' needs one of hw:cpu_dedicated_mask and "
                f"hw:cpu_realtime_mask, got {'both' if cpus.realtime else 'neither'}.",
                "RequiredMixedOrRealtimeCPUMask",
            )
        return
    if cpus.policy != "dedicated":
        _check_shared(cpus)
    if cpus.dedicated:
        error = "RequiredMixedInstancePolicy"
        raise _needs("hw:cpu_dedicated_mask", "'mixed'", cpus, error)
    if cpus.policy != "dedicated" and cpus.realtime:
        error = "RealtimeConfigurationInvalid"
        raise _needs("hw:cpu_realtime", "'dedicated' or 'mixed'", cpus, error)


def _check_shared(cpus: _Cpus) -> None:
    right = "'dedicated' or 'mixed'"
    if cpus.threads:
        error = "CPUThreadPolicyConfigurationInvalid"
        raise _needs("hw:cpu_thread_policy", right, cpus, error)
    if cpus.emulator == "isolate":
        error = "BadRequirementEmulatorThreadsPolicy"
        raise _needs("hw:emulator_threads_policy 'isolate'", right, cpus, error)


def _pinned_cpus(cpus: _Cpus, flavor: Flavor) -> frozenset[int]:
    if cpus.policy == "dedicated":
        return frozenset(range(flavor.vcpus))
    return (cpus.dedicated or cpus.realtime) if cpus.policy == "mixed" else frozenset()


def _asked(flavor: Flavor, name: str) -> int:
    """Add up the CPUs of one class; what is no number counts for nothing here."""
    amount = 0
    for key, value in flavor.extra_specs.items():
        if _RESOURCES[name].match(key):
            try:
                amount += int(value)
            except ValueError:
                continue
    return amount


def _hyperthreading(flavor: Flavor, image: Image) -> str | None:
    for key, value in flavor.extra_specs.items():
        if _TRAIT.match(key):
            return value
    traits = image.properties.get("traits_required", ())
    found = isinstance(traits, tuple) and _HYPERTHREADING in traits
    return "required" if found else None


def _needs(what: str, right: str, cpus: _Cpus, nova: str) -> BadServerSpec:
    return BadServerSpec(
        f"{what} needs hw:cpu_policy {right}, got {cpus.policy!r}.", nova
    )


def _invalid(what: str, got: object) -> BadServerSpec:
    return BadServerSpec(f"{what}, got {got}.", "InvalidRequest")
