"""PciPassthroughFilter: the pools of the host have the PCI devices asked for."""

from kilonova.cloud.host import Host
from kilonova.hosts.filters.register import Candidates, Filter, register
from kilonova.hosts.options import Options
from kilonova.hosts.pci_pools import supports
from kilonova.request.server import ServerSpec


def narrow(host: Host, spec: ServerSpec, options: Options) -> Candidates | None:
    """Give the allocation candidates whose devices there are, None without any."""
    if not spec.pci_requests:
        return host.candidates
    if host.pci_pools is None:
        return None
    kept = [
        candidate
        for candidate in host.candidates
        if supports(host.pci_pools, spec.pci_requests, candidate)
    ]
    return tuple(kept) or None


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether the pools have the devices with one of the allocation candidates."""
    return narrow(host, spec, options) is not None


PCI_PASSTHROUGH = register(
    Filter(
        name="PciPassthroughFilter",
        passes=passes,
        asks=lambda spec, options: spec.pci_requests or None,
        reads=frozenset({"pci_pools", "candidates"}),
        narrow=narrow,
    )
)
