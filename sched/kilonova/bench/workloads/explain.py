"""Why nothing fits, or where: constraints of a request, filters of a server."""

from functools import partial

from kilonova.bench.questions import PLAIN, TWO_PORTS, mark_bytes, numpy_marks
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.scheduler import Scheduler
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

# Hosts up to which what would help is tried out.
_MOST_RELAXED = 10_000
_QUERIES = {
    "one class too much": PLAIN.replace("VCPU:2", "VCPU:200"),
    "two ports on one bridge": TWO_PORTS.replace("PHYSNET1", "PHYSNET0").replace(
        ":10000", ":6000000"
    ),
}


def _request(query: str, cloud: Cloud, fleet: Fleet) -> Work:
    def check() -> bool:
        found = cloud.explain(query)
        removed = sum(each.trees for each in found.removed)
        return (
            found.tree_count == fleet.hosts
            and removed + found.fitting_count == fleet.hosts
            and all(
                cloud.explain(each.request).fitting_count == each.trees
                for each in found.relaxations[:1]
                if fleet.hosts <= _MOST_RELAXED
            )
        )

    return Work(
        call=lambda: cloud.explain(query),
        check=check,
        touched=mark_bytes(fleet.hosts, 0),
        plain=numpy_marks(cloud.state, 0),
    )


def _server(cloud: Cloud, fleet: Fleet) -> Work:
    scheduler = Scheduler(cloud)
    spec = ServerSpec(Flavor(2, 2_048, 10))

    def check() -> bool:
        found = scheduler.explain(spec)
        weights = [each.weight for each in found.ranked]
        return found.hosts == fleet.hosts and weights == sorted(weights, reverse=True)

    touched = mark_bytes(fleet.hosts, 0)
    return Work(call=lambda: scheduler.explain(spec), check=check, touched=touched)


WORKLOADS = (
    *(
        Workload(
            f"explain: {name}",
            "say which constraint removes each tree, and what would help",
            partial(_request, query),
            shapes=("nested",) if "bridge" in name else ("flat", "nested"),
            fills=(0.7,),
            quick="class" in name,
        )
        for name, query in _QUERIES.items()
    ),
    Workload(
        "explain: server",
        "say what filters and weighers do with each host",
        _server,
        fills=(0.7,),
        largest=100_000,
    ),
)
