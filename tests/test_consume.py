"""What a chosen host has left, and what the next server asks for.

Named cases of ``consume``; whole sequences against Nova are
in ``test_nova_hosts.py``.
"""

from dataclasses import replace

from hosts_contest import following
from kilonova.cloud.host import Host, HostCell, PagePool
from kilonova.hosts.consume import consumed
from kilonova.hosts.numa_fit import limits_of
from kilonova.hosts.options import Options
from kilonova.request.flavor import Flavor
from kilonova.request.pci import PciRequest
from kilonova.request.server import ServerGroup, ServerSpec
from kilonova.request.topology import GuestCell, GuestTopology

SPEC = ServerSpec(Flavor(2, 1024, root_gb=10, ephemeral_gb=5, swap_mb=512))
OPTIONS = Options()
CELLS = tuple(
    HostCell(
        number,
        cpuset=frozenset(range(4 * number, 4 * number + 4)),
        memory_mb=2048,
        pages=(PagePool(4, 524288),),
    )
    for number in range(2)
)
HOST = Host(
    "h",
    free_ram_mb=1000,
    free_disk_mb=20480,
    vcpus_used=1,
    num_instances=3,
    num_io_ops=1,
    cpu_allocation_ratio=1.0,
    ram_allocation_ratio=1.0,
    numa_cells=CELLS,
    pci_pools=({"count": 1, "vendor_id": "8086", "numa_node": 0},),
)


def test_amounts() -> None:
    # Swap does not count, a root disk on a volume does, and amounts may be negative.
    taken = consumed(HOST, replace(SPEC, is_volume_backed=True), OPTIONS)
    left = taken.applied_to(HOST)
    assert (left.free_ram_mb, left.free_disk_mb) == (-24, 5120)
    assert (left.vcpus_used, left.num_instances, left.num_io_ops) == (3, 4, 2)
    assert (left.numa_cells, left.pci_pools) == (CELLS, HOST.pci_pools)
    assert left.instances == HOST.instances
    assert HOST.num_instances == 3


def test_group_follows() -> None:
    group = ServerGroup("anti-affinity", hosts=frozenset({"other"}))
    spec = replace(SPEC, server_group=group, instance_uuid="new")
    taken = consumed(HOST, spec, OPTIONS)
    assert taken.instances == {"new"}
    after = following(spec, HOST, taken).server_group
    assert after is not None
    assert after.hosts == {"other", "h"}


def test_cells_are_taken_until_none_fits() -> None:
    guest = GuestCell(0, cpuset=frozenset(range(3)), memory_mb=1024)
    spec = replace(SPEC, topology=GuestTopology((guest,)))
    limits = limits_of(HOST, spec)
    host = HOST
    # The cell near a device is spared for those who ask for one.
    for number in (1, 0):
        taken = consumed(host, spec, OPTIONS, limits=limits)
        assert taken.topology is not None
        assert taken.topology.cells[0].number == number
        host, spec = taken.applied_to(host), following(spec, host, taken)
    assert [cell.cpu_usage for cell in host.numa_cells or ()] == [3, 3]
    assert [cell.pages[0].used for cell in host.numa_cells or ()] == [262144, 262144]
    taken = consumed(host, spec, OPTIONS, limits=limits)
    assert (taken.topology, taken.numa_cells) == (None, host.numa_cells)
    # Without limits CPUs may be overcommitted.
    assert consumed(host, spec, OPTIONS).topology is not None


def test_devices_that_are_gone_are_a_conflict() -> None:
    request = PciRequest(1, ({"vendor_id": "8086"},), "a", "r")
    spec = replace(SPEC, pci_requests=(request,))
    first = consumed(HOST, spec, OPTIONS)
    assert (first.pci_pools, first.conflict, first.num_io_ops) == ((), None, 2)
    again = consumed(first.applied_to(HOST), spec, OPTIONS)
    assert again.conflict is not None
    assert "PCI devices of a" in again.conflict
    # Nova counts the server and not its operation then.
    assert (again.num_instances, again.num_io_ops) == (5, 2)
