"""Parts of kernels as kernels of their own, so that tests can call them."""

from kilonova.hosts.placer import Placer
from kilonova_kernels import devices as devices_part
from kilonova_kernels import marks as marks_part
from kilonova_kernels._jit import kernel
from kilonova_kernels.columns import CloudColumns, Int64, PlanColumns, SearchColumns
from kilonova_kernels.device_columns import DeviceColumns, MarkColumns

_part_fragment, _part_refresh = devices_part.fragment, marks_part.refresh_marks


def refresh(placer: Placer, plan: int = 0) -> int:
    """Bring marks of one plan up to date; give how many trees were weighed."""
    columns, plans = placer.state.columns(), placer.plans.columns
    return _refresh(columns, plans, plan, placer.search, placer.devices, placer.marks)


@kernel
def _refresh(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    devices: DeviceColumns,
    marks: MarkColumns,
) -> int:
    return int(_part_refresh(cloud, plans, plan, search, devices, marks))


@kernel
def fragment(
    devices: DeviceColumns, cpu: int, free: Int64, traits: int, have: Int64, low: Int64
) -> float:
    """See ``kilonova_kernels.devices.fragment``."""
    return _part_fragment(devices, cpu, free, traits, have, low)
