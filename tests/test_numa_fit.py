"""A guest's NUMA cells fit where Nova's fit, into the same cells and the same CPUs.

Named cases at the limits, the recorded answers of Nova, then that taking and giving
back are inverse. Random hosts against Nova itself: ``scripts/differential_nova.py``.
"""

from dataclasses import replace
from typing import Any

import pytest

from kilonova.cloud.host import HostCell, PagePool
from kilonova.errors import PinningConflict
from kilonova.hosts import numa_fit
from kilonova.hosts.numa_fit import Devices, Limits, fit
from kilonova.hosts.numa_usage import with_usage, without_usage
from kilonova.request.pci import PciRequest
from kilonova.request.topology import GuestCell, GuestTopology, NetworkMetadata
from nova_corpus import cases
from recorded_hosts import cells_of, networks_of, requests_of, topology_of

# Nova's unit tests of the order ask twice, first with packing: host cells chosen then.
_PACKED = {
    "test_sort_no_pci_stats_no_shared_cpu_policy": [0, 1, 3],
    "test_sort_no_pci_stats_shared_cpu_policy": [0, 1, 2],
    "test_sort_pci_stats_no_pci_req_no_shared_cpu_policy": [0, 3, 2],
    "test_sort_pci_stats_no_pci_req_shared_cpu_policy": [0, 2, 3],
    "test_sort_pci_stats_pci_req_no_shared_cpu_policy": [1, 0, 3],
    "test_sort_pci_stats_pci_req_shared_cpu_policy": [1, 0, 2],
}
# Here the unit test puts a refusal in the place of the look at networks.
_NETWORKS_REPLACED = "test_get_fitting_fails_limits_with_networks"


def cpus(first: int, count: int) -> frozenset[int]:
    return frozenset(range(first, first + count))


def cell(number: int, **changed: Any) -> HostCell:
    """Make a host cell: 4 shared CPUs, 4 dedicated ones in 2 cores, 1 GiB."""
    first = 8 * number
    pairs = tuple(cpus(first + pair, 2) for pair in (0, 2, 4, 6))
    return replace(
        HostCell(
            number,
            cpuset=cpus(first, 4),
            pcpuset=cpus(first + 4, 4),
            memory_mb=1024,
            siblings=pairs,
            pages=(PagePool(4, 131072), PagePool(2048, 256)),
            socket=number,
        ),
        **changed,
    )


def pinned(count: int, **changed: Any) -> GuestTopology:
    guest = GuestCell(0, pcpuset=cpus(0, count), memory_mb=128, cpu_policy="dedicated")
    policy = changed.pop("emulator_threads_policy", None)
    return GuestTopology((replace(guest, **changed),), policy)


def shared(*counts: int, **changed: Any) -> GuestTopology:
    guests = [
        GuestCell(number, cpuset=cpus(8 * number, count), memory_mb=128)
        for number, count in enumerate(counts)
    ]
    return GuestTopology(tuple(replace(guest, **changed) for guest in guests))


LIMITS = Limits(2.0, 1.5)


@pytest.mark.parametrize(
    ("host", "guest", "fits"),
    [
        pytest.param([cell(0)], pinned(4), True, id="all dedicated CPUs"),
        pytest.param([cell(0)], pinned(5), False, id="one more"),
        pytest.param(
            [cell(0, pinned_cpus=cpus(4, 1))], pinned(4), False, id="one is taken"
        ),
        pytest.param(
            [cell(0, pinned_cpus=frozenset({4, 6}))],
            pinned(2, cpu_thread_policy="require"),
            False,
            id="lone threads only",
        ),
        pytest.param(
            [cell(0, pinned_cpus=frozenset({4, 6}))],
            pinned(2, cpu_thread_policy="prefer"),
            True,
            id="lone threads will do",
        ),
        pytest.param(
            [cell(0)],
            pinned(1, cpu_thread_policy="isolate"),
            False,
            id="isolate, with CPUs shared and dedicated apart",
        ),
        pytest.param(
            [cell(0, cpuset=cpus(4, 4))],
            pinned(2, cpu_thread_policy="isolate"),
            True,
            id="isolate, a core for each",
        ),
        pytest.param(
            [cell(0, cpuset=cpus(4, 4))],
            pinned(3, cpu_thread_policy="isolate"),
            False,
            id="isolate, a core too few",
        ),
        pytest.param(
            [cell(0)],
            pinned(4, emulator_threads_policy="isolate"),
            False,
            id="no CPU left for emulator threads",
        ),
        pytest.param(
            [cell(0)],
            pinned(3, emulator_threads_policy="isolate"),
            True,
            id="one left for emulator threads",
        ),
        pytest.param([cell(0)], shared(4), True, id="shared CPUs"),
        pytest.param([cell(0)], shared(5), False, id="more than the cell has"),
        pytest.param([cell(0, cpu_usage=4)], shared(4), True, id="overcommitted"),
        pytest.param([cell(0, cpu_usage=5)], shared(4), False, id="and one more"),
        pytest.param([cell(0)], shared(1, 1), False, id="two cells in one"),
        pytest.param([cell(0), cell(1)], shared(1, 1), True, id="two cells in two"),
        pytest.param([cell(0)], shared(1, pagesize_kb=2048), True, id="large pages"),
        pytest.param(
            [cell(0)],
            shared(1, pagesize_kb=2048, memory_mb=514),
            False,
            id="too few large pages",
        ),
        pytest.param(
            [cell(0)], shared(1, pagesize_kb=1048576), False, id="pages it has not"
        ),
        pytest.param([cell(0)], shared(1, memory_mb=512), True, id="all small pages"),
        pytest.param([cell(0)], shared(1, memory_mb=513), False, id="more than those"),
        pytest.param([], shared(1), False, id="no cells"),
    ],
)
def test_limits(host: list[HostCell], guest: GuestTopology, fits: bool) -> None:
    assert (fit(host, guest, limits=LIMITS) is not None) is fits


def chosen(host: list[HostCell], guest: GuestTopology, **more: Any) -> list[int]:
    fitted = fit(host, guest, limits=LIMITS, **more)
    assert fitted is not None
    return [each.number for each in fitted.cells]


def test_order_of_host_cells() -> None:
    host = [cell(0, memory_usage_mb=512), cell(1), cell(2, cpu_usage=1)]
    assert chosen(host, shared(1)) == [1]
    # Packing takes the fullest, and use of shared CPUs counts more than memory.
    assert chosen(host, shared(1), pack=True) == [2]
    pools = [{"count": 1, "numa_node": 1}]
    assert chosen(host, shared(1), devices=Devices(pools)) == [0]


def test_devices_and_networks_choose_the_cell() -> None:
    host = [cell(0), cell(1, physnets=frozenset({"red"}))]
    pools = [{"count": 1, "numa_node": 1, "vendor_id": "8086"}]
    request = PciRequest(1, ({"vendor_id": "8086"},), numa_policy="required")
    assert chosen(host, shared(1), devices=Devices(pools, (request,))) == [1]
    near = LIMITS._replace(networks=NetworkMetadata(frozenset({"red", "far"})))
    fitted = fit(host, shared(1), limits=near)
    assert fitted is not None
    assert fitted.cells[0].number == 1
    tunnel = LIMITS._replace(networks=NetworkMetadata(tunneled=True))
    assert fit(host, shared(1), limits=tunnel) is not None
    host[0] = cell(0, tunneled=True)
    fitted = fit(host, shared(1), limits=tunnel)
    assert fitted is not None
    assert fitted.cells[0].number == 0


@pytest.mark.parametrize(
    "case", cases("numa_fit"), ids=lambda case: case["test"].rpartition(".")[2]
)
def test_same_as_nova(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    test = case["test"].rpartition(".")[2]
    if test == _NETWORKS_REPLACED:
        monkeypatch.setattr(numa_fit, "_reaches", lambda *_: False)
    arguments = case["args"]
    limits, stats = arguments.get("limits"), arguments.get("pci_stats")
    guest, recorded = topology_of(arguments["instance_topology"]), case["result"]
    assert guest is not None
    fitted = fit(
        cells_of(arguments["host_topology"]) or (),
        guest,
        limits=limits
        and Limits(
            limits["cpu_allocation_ratio"],
            limits["ram_allocation_ratio"],
            networks_of(limits.get("network_metadata")),
        ),
        devices=Devices(
            stats["pools"] if stats else None,
            requests_of(arguments.get("pci_requests")),
            arguments.get("provider_mapping"),
        ),
        pack=test in _PACKED
        and _PACKED[test] == [each["id"] for each in recorded["cells"]],
    )
    assert fitted == topology_of(recorded)


@pytest.mark.parametrize(
    "guest",
    [
        pytest.param(shared(2, 3), id="shared"),
        pytest.param(pinned(3), id="dedicated"),
        pytest.param(pinned(3, emulator_threads_policy="isolate"), id="reserved"),
        pytest.param(shared(1, 1, pagesize_kb=-2), id="large pages"),
    ],
)
def test_taken_is_given_back(guest: GuestTopology) -> None:
    host = (cell(0, memory_usage_mb=64, cpu_usage=1), cell(1))
    fitted = fit(host, guest)
    assert fitted is not None
    used = with_usage(host, fitted)
    assert used != host
    assert without_usage(used, fitted) == host


def test_isolated_cores_are_taken_as_a_whole() -> None:
    host = (cell(0, cpuset=cpus(4, 4)),)
    fitted = fit(host, pinned(1, cpu_thread_policy="isolate"))
    assert fitted is not None
    (used,) = with_usage(host, fitted)
    assert len(used.pinned_cpus) == 2
    assert without_usage((used,), fitted) == host


def test_conflicts_are_named() -> None:
    fitted = fit((cell(0),), pinned(4))
    assert fitted is not None
    taken = with_usage((cell(0),), fitted)
    other = (replace(cell(1), number=0),)
    for host, change, nova in (
        (taken, with_usage, "CPUPinningInvalid"),
        (other, with_usage, "CPUPinningUnknown"),
        ((cell(0),), without_usage, "CPUUnpinningInvalid"),
        (other, without_usage, "CPUUnpinningUnknown"),
    ):
        with pytest.raises(PinningConflict, match="NUMA cell 0") as raised:
            change(host, fitted)
        assert raised.value.nova == nova
