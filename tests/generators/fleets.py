"""Random clouds with hosts, and what servers ask of them, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

CELLS = ("cell-a", "cell-b")
AGGREGATES = ("agg-0", "agg-1", "agg-2")
POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
GROUPS = tuple(f"group-{i}" for i in range(len(POLICIES)))


@st.composite
def aggregates(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw host aggregates, some of which set a multiplier or a limit."""
    found = []
    for uuid in AGGREGATES:
        metadata = draw(
            st.dictionaries(
                st.sampled_from(["ram_weight_multiplier", "cpu_weight_multiplier"]),
                st.sampled_from(["-1.0", "0", "0.5", "3", "many"]),
                max_size=2,
            )
        )
        if draw(st.booleans()):
            metadata["max_instances_per_host"] = str(draw(st.integers(0, 4)))
        found.append({"uuid": uuid, "name": uuid, "metadata": metadata})
    return found


@st.composite
def hosts(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a provider, and the host that it is the root of."""
    vcpus = draw(st.integers(1, 6))
    memory = draw(st.integers(1, 6)) * 512
    disk = draw(st.integers(1, 40))
    provider = {
        "name": name,
        "inventories": {
            "VCPU": {
                "total": vcpus,
                "allocation_ratio": draw(st.sampled_from([1.0, 1.5, 4.0])),
            },
            "MEMORY_MB": {"total": memory},
            "DISK_GB": {"total": disk},
        },
    }
    # What a host says of itself need not be what Placement knows.
    host = {
        "nodename": name,
        "cell_uuid": draw(st.sampled_from(CELLS)),
        "disabled": draw(st.integers(0, 7)) == 0,
        "aggregates": draw(
            st.lists(st.sampled_from(AGGREGATES), unique=True, max_size=2)
        ),
        "free_ram_mb": memory - 512 * draw(st.integers(0, 3)),
        "free_disk_mb": disk * 1024 - draw(st.sampled_from([0, 1024, 50_000])),
        "num_io_ops": draw(st.integers(0, 3)),
        "num_instances": draw(st.integers(0, 3)),
        "failed_builds": draw(st.sampled_from([0, 0, 0, 1, 2])),
        "hypervisor_version": draw(st.sampled_from([6_000_000, 7_000_000])),
    }
    return provider, host


@st.composite
def fleets(draw: st.DrawFn, most: int = 40) -> dict[str, Any]:
    """Draw a document of up to ``most`` hosts: more than one node of the tree."""
    count = draw(st.integers(1, most))
    pairs = [draw(hosts(f"h{i:02d}")) for i in range(count)]
    return {
        "providers": [provider for provider, _ in pairs],
        "hosts": [host for _, host in pairs],
        "host_aggregates": draw(aggregates()),
        "server_groups": [
            {
                "uuid": uuid,
                "policy": policy,
                "max_server_per_host": draw(st.integers(1, 2)),
            }
            for uuid, policy in zip(GROUPS, POLICIES, strict=True)
        ],
    }


@st.composite
def option_sets(draw: st.DrawFn) -> Options:
    """Draw options: multipliers of both signs, more filters than the default ones."""
    factors = st.sampled_from([-1.0, 0.0, 0.3, 1.0, 2.0])
    extra = draw(
        st.sampled_from(
            [
                (),
                ("AggregateNumInstancesFilter",),
                ("NumInstancesFilter", "IoOpsFilter"),
            ]
        )
    )
    plain = FilterSchedulerSection()
    return Options(
        filter_scheduler=FilterSchedulerSection(
            enabled_filters=(*plain.enabled_filters, *extra),
            max_instances_per_host=draw(st.integers(1, 6)),
            max_io_ops_per_host=draw(st.integers(1, 6)),
            ram_weight_multiplier=draw(factors),
            cpu_weight_multiplier=draw(factors),
            disk_weight_multiplier=draw(factors),
            io_ops_weight_multiplier=draw(factors),
            num_instances_weight_multiplier=draw(factors),
            build_failure_weight_multiplier=draw(st.sampled_from([0.0, 1e6])),
        )
    )


def specs() -> st.SearchStrategy[ServerSpec]:
    """Draw what servers ask: amounts around what hosts have."""
    return st.builds(
        lambda vcpus, memory, disk: ServerSpec(
            Flavor(vcpus, memory * 512, root_gb=disk, name="flavor")
        ),
        st.integers(1, 3),
        st.integers(0, 3),
        st.integers(0, 12),
    )
