"""Bring marks up to date from Python, where only kernels do."""

from kilonova.hosts.placer import Placer
from kilonova_kernels._jit import kernel
from kilonova_kernels.columns import CloudColumns, PlanColumns, SearchColumns
from kilonova_kernels.device_columns import DeviceColumns, MarkColumns
from kilonova_kernels.marks import refresh_marks


def refresh(placer: Placer, plan: int = 0) -> int:
    """Bring one plan up to date; give how many trees were weighed."""
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
    return int(refresh_marks(cloud, plans, plan, search, devices, marks))
