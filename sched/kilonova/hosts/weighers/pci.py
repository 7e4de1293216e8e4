"""PCIWeigher: hosts with PCI devices are kept for those who need them."""

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec

_MOST = 100


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give 100 less the free devices, at least 1."""
    free: int = sum([pool["count"] for pool in host.pci_pools or ()])
    return _MOST - min(free, _MOST - 1)


PCI_WEIGHER = register(
    Weigher(
        name="PCIWeigher",
        raw=raw,
        asks=lambda spec, options: "pci_pools",
        reads=frozenset({"pci_pools"}),
        multiplier=lambda options: options.filter_scheduler.pci_weight_multiplier,
        key="pci_weight_multiplier",
    )
)
