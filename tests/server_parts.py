"""What the tests of server specs are made of: flavor, networks, aliases, profiles."""

from dataclasses import replace

from kilonova.hosts.options import FilterSchedulerSection, Options, PciSection
from kilonova.request.flavor import Flavor

PORT = "22222222-0000-4000-8000-222222222222"
NET = "33333333-0000-4000-8000-333333333333"
GROUP = "44444444-0000-4000-8000-444444444444"
SMALL = Flavor(2, 8)
NETWORKS: dict[str, dict[str, object]] = {
    NET: {"provider:physical_network": "fast", "provider:network_type": "vlan"},
    "tunnel": {"provider:physical_network": None, "provider:network_type": "vxlan"},
}
ALIASES = Options(
    filter_scheduler=FilterSchedulerSection(pci_in_placement=True),
    pci=PciSection(
        (
            '{"name": "qat", "vendor_id": "8086", "product_id": "0a43"}',
            '{"name": "gpu", "resource_class": "a16", "traits": "HW_NIC_DCB_ETS,big",'
            ' "numa_policy": "required"}',
        )
    ),
)


def flavor(**extra_specs: str) -> Flavor:
    """Return a flavor; double underscores in keys stand for colons."""
    named = {key.replace("__", ":"): value for key, value in extra_specs.items()}
    return replace(SMALL, extra_specs=named)


PROFILES = {
    "two": [
        {"resources:FPGA": "1", "trait:CUSTOM_F": "required", "accel:x": "y"},
        {"resources:CUSTOM_MEMORY": "2", "resources:BOGUS": "1"},
    ],
    "one": [{"resources:FPGA": "1"}],
    "none": [{"accel:x": "y"}],
}
