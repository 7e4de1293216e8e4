"""Parts of kernels as kernels of their own, so that tests can call them."""

from kilonova_kernels import devices as devices_part
from kilonova_kernels import marks as marks_part
from kilonova_kernels._jit import kernel
from kilonova_kernels.columns import CloudColumns, Int64, PlanColumns, SearchColumns
from kilonova_kernels.device_columns import DeviceColumns, MarkColumns

_fragment, _refresh_marks = devices_part.fragment, marks_part.refresh_marks


@kernel
def fragment(
    devices: DeviceColumns, cpu: int, free: Int64, traits: int, have: Int64, low: Int64
) -> float:
    """See ``kilonova_kernels.devices.fragment``."""
    return _fragment(devices, cpu, free, traits, have, low)


@kernel
def refresh_marks(
    cloud: CloudColumns,
    plans: PlanColumns,
    plan: int,
    search: SearchColumns,
    devices: DeviceColumns,
    marks: MarkColumns,
) -> int:
    """See ``kilonova_kernels.marks.refresh_marks``."""
    return _refresh_marks(cloud, plans, plan, search, devices, marks)
