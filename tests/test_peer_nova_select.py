"""Whole calls of Nova's scheduler over Placement, and of ours, on the same clouds.

What the dice say is told to both: equals that are shuffled, the one of a subset. And
PCI devices in Placement, where pools and providers disagree; hosts that are named.
Without Nova, which is an extra of its own, all of this is skipped.
"""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generators.devices import KINDS, device_clouds
from generators.document import uuid_of
from kilonova import Cloud
from kilonova.bench.peers.nova_scheduler import NovaScheduler, exception
from kilonova.errors import NoValidHost, UnknownMetric
from kilonova.hosts.draws import draws
from kilonova.hosts.options import (
    FilterSchedulerSection,
    MetricsSection,
    Options,
    PciSection,
)
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import Destination, ServerSpec
from kilonova.request.server_spec import server_spec
from peers.placement import PlacementPeer

# Our specs name images and requests as they like.
pytestmark = pytest.mark.filterwarnings("ignore:.*invalid UUID:FutureWarning")
OFF = dict.fromkeys(
    (
        "ram_weight_multiplier",
        "disk_weight_multiplier",
        "io_ops_weight_multiplier",
        "pci_weight_multiplier",
    ),
    0.0,
)
many = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def placement() -> Iterator[PlacementPeer]:
    with PlacementPeer() as found:
        yield found


class Dice:
    """The module ``random`` as Nova uses it, for one decision."""

    def __init__(self, numbers: Any) -> None:
        self._numbers = numbers

    def shuffle(self, hosts: list[Any]) -> None:
        """Shuffle by the first number."""
        keys = draws(int(self._numbers[0] * 2**53), 0, len(hosts))[:, 0].tolist()
        order = sorted(range(len(hosts)), key=keys.__getitem__)
        hosts[:] = [hosts[i] for i in order]

    def choice(self, hosts: list[Any]) -> Any:
        """Pick by the second number."""
        return hosts[int(self._numbers[1] * len(hosts))]


class Both:
    """Both schedulers of one cloud."""

    def __init__(
        self,
        placement: PlacementPeer,
        document: dict[str, Any],
        options: Options,
        seed: int = 0,
    ) -> None:
        self.cloud = Cloud.from_document(document)
        self.ours = Scheduler(self.cloud, options, seed=seed)
        self._seed, self._decisions = seed, 0
        placement.load(_for_placement(document))
        self.nova = NovaScheduler(self.cloud, placement, options)
        self._placement, self._options = placement, options

    def select(self, spec: ServerSpec, name: str) -> None:
        """Put one server to both, and compare hosts, weights, claims, alternates."""
        numbers = draws(self._seed, self._decisions, 1)[0]
        self._decisions += 1
        nova = self.nova = NovaScheduler(self.cloud, self._placement, self._options)
        nova.manager.rank = nova.row
        theirs: Any = None
        with mock.patch("nova.scheduler.manager.random", Dice(numbers)):
            try:
                theirs = nova.select(spec, [uuid_of(name)])[0]
            except exception.NoValidHost:
                theirs = "no host"
            except exception.ComputeHostMetricNotFound:
                theirs = "no metric"
        try:
            found = self.ours.select(spec, servers=[name])
        except NoValidHost:
            assert theirs == "no host"
            return
        except UnknownMetric:
            assert theirs == "no metric"
            return
        assert not isinstance(theirs, str), found
        ours = [found.hosts[0], *found.alternates[0]]
        assert [each.host for each in ours] == [each.service_host for each in theirs]
        weights = dict(nova.hosts.weighed[0])
        assert [each.weight for each in ours] == [weights[each.host] for each in ours]
        for one, other in zip(ours, theirs, strict=True):
            request = json.loads(other.allocation_request)["allocations"]
            held = {uuid_of(p): amounts for p, amounts in one.allocations.items()}
            claimed = {p: part["resources"] for p, part in request.items()}
            # Which of several candidates is first, is Placement's secret.
            assert held == claimed or spec.pci_requests
        nova.release([uuid_of(name)])
        self._placement.put_allocations(uuid_of(name), found.hosts[0].allocations)


def _for_placement(document: dict[str, Any]) -> Any:
    every: dict[str, Any] = {
        "parent": None,
        "inventories": {},
        "traits": [],
        "aggregates": [],
    }
    providers = [every | provider for provider in document["providers"]]
    return {"providers": providers, "consumers": []}


@st.composite
def alike(draw: st.DrawFn) -> dict[str, Any]:
    """Draw hosts of few kinds."""
    totals = draw(st.lists(st.integers(1, 2), min_size=1, max_size=9))
    return {
        "providers": [
            {"name": f"h{i}", "inventories": {"VCPU": {"total": 2 * total}}}
            for i, total in enumerate(totals)
        ]
    }


@given(alike(), st.integers(1, 4), st.integers(0, 2**32), st.integers(1, 6))
@many
def test_shuffled_equals(
    placement: PlacementPeer,
    document: dict[str, Any],
    subset: int,
    seed: int,
    servers: int,
) -> None:
    section = FilterSchedulerSection(
        enabled_filters=(),
        shuffle_best_same_weighed_hosts=True,
        host_subset_size=subset,
        **OFF,  # type: ignore[arg-type]
    )
    both = Both(placement, document, Options(filter_scheduler=section), seed)
    for i in range(servers):
        both.select(ServerSpec(Flavor(1, 0)), f"server {i}")


ALIASES = tuple(
    json.dumps({"name": f"a{i}", "vendor_id": vendor, "product_id": product})
    for i, (vendor, product) in enumerate(KINDS)
)
IN_PLACEMENT = Options(
    filter_scheduler=FilterSchedulerSection(
        enabled_filters=("PciPassthroughFilter",), pci_in_placement=True
    ),
    pci=PciSection(alias=ALIASES),
)


@given(
    device_clouds(),
    st.lists(
        st.sampled_from(["a0:1", "a0:2", "a1:1", "a0:1,a1:1", "a1:2,a0:1"]),
        min_size=1,
        max_size=4,
    ),
)
@many
def test_devices_in_placement(
    placement: PlacementPeer, document: dict[str, Any], aliases: list[str]
) -> None:
    both = Both(placement, document, IN_PLACEMENT)
    for i, alias in enumerate(aliases):
        extra_specs = {"pci_passthrough:alias": alias, "group_policy": "none"}
        flavor = Flavor(1, 0, extra_specs=extra_specs)
        both.select(server_spec(flavor, options=IN_PLACEMENT), f"server {i}")


NAMES = (None, "h0", "h1", "gone")


@given(
    alike(),
    st.one_of(
        st.builds(
            lambda host, node: {"destination": Destination(host=host, node=node)},
            st.sampled_from(NAMES),
            st.sampled_from(NAMES),
        ),
        st.fixed_dictionaries(
            {
                name: st.lists(st.sampled_from(NAMES[1:]), max_size=2).map(tuple)
                for name in ("force_hosts", "force_nodes", "ignore_hosts")
            }
        ),
    ),
    st.integers(1, 5),
)
@many
def test_named_hosts(
    placement: PlacementPeer,
    document: dict[str, Any],
    wish: dict[str, Any],
    vcpus: int,
) -> None:
    both = Both(placement, document, Options())
    both.select(ServerSpec(Flavor(vcpus, 0), **wish), "server")


# Nova writes 29, 57 and 58 per cent as fractions that it reads back as one less.
LOADS = (None, 0.0, 1.0, 28.0, 29.0, 57.0, 58.0, 100.0)


@given(
    st.sampled_from(["cpu.percent", "cpu.idle.percent", "cpu.frequency"]),
    st.lists(st.sampled_from(LOADS), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
    st.lists(st.sampled_from(["h0", "h1"]), max_size=2).map(tuple),
)
@example("cpu.percent", [29.0, None, 58.0], False, False, ())
@example("cpu.frequency", [29.0, None, 58.0], False, False, ())
@many
def test_metrics_that_are_missing(
    placement: PlacementPeer,
    name: str,
    loads: list[float | None],
    required: bool,
    filtered: bool,
    ignored: tuple[str, ...],
) -> None:
    """A missing one weighs -10 000: beside it, 0.58 and 58 are not normalised alike."""
    document = {
        "providers": [
            {"name": f"h{i}", "inventories": {"VCPU": {"total": 4}}}
            for i in range(len(loads))
        ],
        "hosts": [
            {"nodename": f"h{i}", "metrics": {} if load is None else {name: load}}
            for i, load in enumerate(loads)
        ],
    }
    section = FilterSchedulerSection(
        enabled_filters=("MetricsFilter",) if filtered else ()
    )
    metrics = MetricsSection(weight_setting=(f"{name}=1.0",), required=required)
    both = Both(placement, document, Options(filter_scheduler=section, metrics=metrics))
    for i in range(2):
        both.select(ServerSpec(Flavor(1, 0), ignore_hosts=ignored), f"server {i}")
