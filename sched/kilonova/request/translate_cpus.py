"""CPU policies as resources and traits."""

from kilonova.request.cpu_policy import (
    cpu_policy,
    cpu_thread_policy,
    dedicated_cpus,
    emulator_threads_policy,
    realtime_cpus,
)
from kilonova.request.draft import Draft
from kilonova.request.server import ServerSpec

_HYPERTHREADING = "HW_CPU_HYPERTHREADING"


def add_cpu_policies(draft: Draft, spec: ServerSpec) -> None:
    """Ask for PCPU where CPUs are pinned, and for or against hyperthreading.

    Raises
    ------
    BadServerSpec
        If flavor and image contradict each other about a policy.

    Notes
    -----
    Same rule as ``ResourceRequest._translate_pinning_policies`` in Nova's
    ``scheduler/utils.py``.
    """
    flavor, image = spec.flavor, spec.image
    policy = cpu_policy(flavor, image)
    thread_policy = cpu_thread_policy(flavor, image)
    isolated = emulator_threads_policy(flavor) == "isolate"
    group = draft.group()
    if policy == "dedicated":
        group.resources["PCPU"] = flavor.vcpus + isolated
    elif policy == "mixed":
        dedicated = dedicated_cpus(flavor)
        realtime = realtime_cpus(flavor, image)
        pinned = len(dedicated or realtime or ())
        group.resources["VCPU"] = flavor.vcpus - pinned
        group.resources["PCPU"] = pinned + isolated
    if thread_policy == "isolate":
        group.forbidden.add(_HYPERTHREADING)
    elif thread_policy == "require":
        group.required.add(_HYPERTHREADING)


def asks_for_dedicated_cpus(spec: ServerSpec) -> bool:
    """Say whether all CPUs are pinned: hosts that know no PCPU are then asked too."""
    return cpu_policy(spec.flavor, spec.image) == "dedicated"
