"""Random clouds whose hosts have PCI devices, in pools and as child providers."""

from typing import Any

from hypothesis import strategies as st

KINDS = (("8086", "10fb"), ("15b3", "101e"))


def class_of(kind: int) -> str:
    """Give the resource class of devices of a kind."""
    vendor, product = KINDS[kind]
    return f"CUSTOM_PCI_{vendor}_{product}".upper()


@st.composite
def device_clouds(draw: st.DrawFn, most: int = 5) -> dict[str, Any]:
    """Draw a document of hosts with child providers.

    ::

        h0            VCPU, MEMORY_MB
        ├── h0_pci0   devices of one kind, a pool of the host
        └── h0_pci1

    What Placement has and what a pool says need not be the same: that is when the
    mapping matters.
    """
    # A provider that is no host: every class is known.
    every = {class_of(kind): {"total": 1} for kind in range(len(KINDS))}
    providers: list[dict[str, Any]] = [{"name": "spare", "inventories": every}]
    hosts = []
    for h in range(draw(st.integers(1, most))):
        name = f"h{h}"
        cpus = {"total": draw(st.integers(1, 6))}
        inventories = {"VCPU": cpus, "MEMORY_MB": {"total": 4096}}
        providers.append({"name": name, "inventories": inventories})
        pools = []
        for c in range(draw(st.integers(0, 3))):
            kind = draw(st.integers(0, len(KINDS) - 1))
            total = draw(st.integers(1, 3))
            child = f"{name}_pci{c}"
            providers.append(
                {
                    "name": child,
                    "parent": name,
                    "inventories": {class_of(kind): {"total": total}},
                }
            )
            pool = {
                "vendor_id": KINDS[kind][0],
                "product_id": KINDS[kind][1],
                "dev_type": draw(st.sampled_from(["type-PCI", "type-PCI", "type-PF"])),
                "numa_node": draw(st.sampled_from([0, 1, None])),
                "count": max(0, total + draw(st.sampled_from([-1, 0, 0, 0, 1]))),
                "rp_uuid": child,
            }
            if pool["count"] and draw(st.integers(0, 5)):
                pools.append(pool)
        hosts.append({"nodename": name, "pci_pools": pools})
    return {"providers": providers, "hosts": hosts}
