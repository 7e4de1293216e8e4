"""How many more fit."""

from functools import partial

from kilonova.bench.questions import AMOUNTS, QUERIES, SHAPES_OF, numpy_room
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud

# What is in use, in bytes.
_USED_BYTES = 8


def _count(name: str, cloud: Cloud, fleet: Fleet) -> Work:
    query, plain = QUERIES[name], numpy_room(cloud.state)

    def check() -> bool:
        # A port more can only leave as much room, or less.
        found, most = cloud.headroom(query), int(plain().sum())
        exact = found.total == most if name == "plain" else found.total <= most
        return exact and found.exact

    return Work(
        call=lambda: cloud.headroom(query),
        check=check,
        touched=_USED_BYTES * len(AMOUNTS) * fleet.hosts,
        plain=plain,
    )


WORKLOADS = tuple(
    Workload(
        f"headroom: {name}",
        "count how many more of a request fit, in all and host by host",
        partial(_count, name),
        shapes=SHAPES_OF[name],
        quick=name == "plain",
    )
    for name in ("plain", "one port")
)
