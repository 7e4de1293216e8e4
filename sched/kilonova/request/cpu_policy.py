"""How a guest's CPUs lie on those of the host: shared or pinned, threads, realtime.

Each function reads one setting of flavor and image and refuses what Nova refuses, in
the words and order of ``virt/hardware.py`` there; the notes name its function.
"""

from kilonova.errors import BadServerSpec
from kilonova.request.cpu_spec import parse_cpu_mask
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.settings import check_known, extra_spec, is_true, text_property

CPU_POLICIES = ("dedicated", "shared", "mixed")
THREAD_POLICIES = ("prefer", "isolate", "require")
EMULATOR_POLICIES = ("share", "isolate")


def cpu_policy(flavor: Flavor, image: Image) -> str | None:
    """Return ``shared``, ``dedicated``, ``mixed`` or None.

    Raises
    ------
    BadServerSpec
        As InvalidCPUAllocationPolicy for an unknown policy; as ImageCPUPinningForbidden
        if the image asks for more pinned CPUs than the flavor allows.

    Notes
    -----
    Same answer as ``get_cpu_policy_constraint``.
    """
    of_flavor = extra_spec(flavor, "hw:cpu_policy")
    of_image = text_property(image, "hw_cpu_policy")
    error = "InvalidCPUAllocationPolicy"
    if of_flavor:
        check_known("hw:cpu_policy", of_flavor, CPU_POLICIES, error)
    if of_image:
        check_known("Image property hw_cpu_policy", of_image, CPU_POLICIES, error)
    refused = {"mixed": ("dedicated",), "shared": ("mixed", "dedicated")}
    if of_image in refused.get(of_flavor or "", ()):
        raise BadServerSpec(
            f"Image property hw_cpu_policy must not override hw:cpu_policy of the "
            f"flavor, {of_flavor!r}, got {of_image!r}.",
            "ImageCPUPinningForbidden",
        )
    return of_flavor or of_image or None


def cpu_thread_policy(flavor: Flavor, image: Image) -> str | None:
    """Return ``prefer``, ``isolate``, ``require`` or None.

    Raises
    ------
    BadServerSpec
        As InvalidCPUThreadAllocationPolicy for an unknown policy; as
        ImageCPUThreadPolicyForbidden if the image has another than the flavor.

    Notes
    -----
    Same answer as ``get_cpu_thread_policy_constraint``.
    """
    of_flavor = extra_spec(flavor, "hw:cpu_thread_policy")
    of_image = text_property(image, "hw_cpu_thread_policy")
    error = "InvalidCPUThreadAllocationPolicy"
    if of_flavor:
        check_known("hw:cpu_thread_policy", of_flavor, THREAD_POLICIES, error)
    if of_image:
        where = "Image property hw_cpu_thread_policy"
        check_known(where, of_image, THREAD_POLICIES, error)
    if of_flavor in (None, "prefer"):
        return of_flavor or of_image
    if of_image and of_image != of_flavor:
        raise BadServerSpec(
            "Image property hw_cpu_thread_policy must not override "
            f"hw:cpu_thread_policy of the flavor, {of_flavor!r}, got {of_image!r}.",
            "ImageCPUThreadPolicyForbidden",
        )
    return of_flavor


def emulator_threads_policy(flavor: Flavor) -> str | None:
    """Return ``share``, ``isolate`` or None.

    Raises
    ------
    BadServerSpec
        As InvalidEmulatorThreadsPolicy for an unknown policy.

    Notes
    -----
    Same answer as ``get_emulator_thread_policy_constraint``.
    """
    key = "hw:emulator_threads_policy"
    policy = extra_spec(flavor, key)
    if not policy:
        return None
    check_known(key, policy, EMULATOR_POLICIES, "InvalidEmulatorThreadsPolicy")
    return policy


def dedicated_cpus(flavor: Flavor) -> frozenset[int] | None:
    """Return the guest's CPUs that ``hw:cpu_dedicated_mask`` pins, or None.

    Raises
    ------
    BadServerSpec
        As InvalidMixedInstanceDedicatedMask if no CPU is pinned, or none is left, or
        one is not the guest's.

    Notes
    -----
    Same answer as ``get_dedicated_cpu_constraint``.
    """
    key = "hw:cpu_dedicated_mask"
    mask = extra_spec(flavor, key)
    if not mask:
        return None
    pinned = parse_cpu_mask(key, mask, flavor.vcpus)
    every = frozenset(range(flavor.vcpus))
    if not pinned or not every - pinned or not pinned <= every:
        raise BadServerSpec(
            f"{key} must name some but not all of the CPUs 0 to {flavor.vcpus - 1}, "
            f"got {mask!r}.",
            "InvalidMixedInstanceDedicatedMask",
        )
    return pinned


def realtime_cpus(flavor: Flavor, image: Image) -> frozenset[int] | None:
    """Return the guest's CPUs that run in real time, or None.

    Raises
    ------
    BadServerSpec
        As RealtimeMaskNotFoundOrInvalid if there is none, if all CPUs are and emulator
        threads have no policy, or if one is not the guest's.

    Notes
    -----
    Same answer as ``get_realtime_cpu_constraint``.
    """
    if not is_true(extra_spec(flavor, "hw:cpu_realtime")):
        return None
    key = "hw:cpu_realtime_mask"
    mask = text_property(image, "hw_cpu_realtime_mask") or extra_spec(flavor, key)
    every = frozenset(range(flavor.vcpus))
    realtime = parse_cpu_mask(key, mask, flavor.vcpus) if mask else every
    # Of an empty mask and a bad policy Nova names the mask.
    alone = bool(realtime) and not emulator_threads_policy(flavor) and realtime == every
    if not realtime or alone or not realtime <= every:
        raise BadServerSpec(
            f"{key} must name some but not all of the CPUs 0 to {flavor.vcpus - 1} "
            f"(all with hw:emulator_threads_policy), got {mask!r}.",
            "RealtimeMaskNotFoundOrInvalid",
        )
    return realtime
