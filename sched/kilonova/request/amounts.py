"""The amounts of a flavor: CPUs, memory and disk."""

from collections.abc import Iterator

from kilonova.request.draft import Draft
from kilonova.request.server import ServerSpec


def add_amounts(draft: Draft, spec: ServerSpec) -> None:
    """Ask the unsuffixed group for each amount whose class no group asks for yet.

    A group that asks for 0 of a class asks for it too: that is how extra specs like
    ``resources:VCPU=0`` take an amount out.

    Notes
    -----
    Same rule as ``ResourceRequest.from_request_spec`` in Nova's ``scheduler/utils.py``.
    """
    for resource_class_name, amount in _amounts(spec, draft.classes):
        draft.group().resources[resource_class_name] = amount


def _amounts(spec: ServerSpec, classes: set[str]) -> Iterator[tuple[str, int]]:
    if not classes & {"VCPU", "PCPU"}:
        yield "VCPU", spec.flavor.vcpus
    if "MEMORY_MB" not in classes:
        yield "MEMORY_MB", spec.flavor.memory_mb
    if "DISK_GB" not in classes:
        yield "DISK_GB", _disk_gb(spec)


def _disk_gb(spec: ServerSpec) -> int:
    """Return GiB of disk; swap is rounded up to whole GiB."""
    flavor = spec.flavor
    root_gb = 0 if spec.is_volume_backed else flavor.root_gb
    return flavor.ephemeral_gb + -(-flavor.swap_mb // 1024) + root_gb
