"""Ask OpenStack Placement and Kilonova the same, and write the ratios of their times.

Both run in this process on the same synthetic cloud (tests/generators/synthetic.py),
loaded through Placement's own tables. Their answers are compared before anything is
timed. Medians of both, pair by pair; Placement's repetitions become fewer as it slows.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import figures

sys.path.insert(0, str(figures.ROOT / "tests"))

from generators.cases import readable
from kilonova import Cloud
from kilonova.bench.synthetic import synthetic_cloud
from kilonova.candidates.marking import marking_of
from kilonova.request.query import parse_query
from measure_bench import RESULTS, duration
from peers.differential import compare, compare_limited
from peers.placement import PlacementPeer

PACKAGES = ("numpy", "numba", "openstack-placement")
HEAD = (
    "hosts",
    "cloud",
    "question",
    "limit",
    "candidates",
    "Placement",
    "marked",
    "rendered",
    "ratio marked",
    "ratio rendered",
    "runs",
)
PLAIN = "resources=VCPU:4,MEMORY_MB:8192,DISK_GB:40"
PORT = (
    "&resources_{0}=NET_BW_EGR_KILOBIT_PER_SEC:100000,"
    "NET_BW_IGR_KILOBIT_PER_SEC:100000"
    "&required_{0}=CUSTOM_VNIC_TYPE_NORMAL,CUSTOM_PHYSNET_PHYSNET{1}"
)
QUERIES = {
    "plain": PLAIN,
    "1 port": PLAIN + PORT.format("_a", 0),
    "2 ports": PLAIN
    + PORT.format("_a", 0)
    + PORT.format("_b", 1)
    + "&group_policy=none",
}
# Seconds that Placement may take for the repetitions of one question.
_PATIENCE_S = 20.0


class Case(NamedTuple):
    """One question, asked of one cloud."""

    hosts: int
    shape: str
    name: str
    limit: int | None

    @property
    def query(self) -> str:
        """Query string."""
        limit = "" if self.limit is None else f"&limit={self.limit}"
        return QUERIES[self.name] + limit


def main() -> int:
    """Measure, write and show the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Compare with OpenStack Placement.")
    parser.add_argument("--hosts", type=int, nargs="*", default=[100, 1000, 10_000])
    parser.add_argument("--print", action="store_true", dest="dry")
    options = parser.parse_args()
    rows = []
    for hosts in options.hosts:
        for shape in ("flat", "nested"):
            rows += list(measured(hosts, shape))
    command = f"python scripts/measure_placement.py --hosts {_words(options.hosts)}"
    body = "\n\n".join(
        [
            figures.table(HEAD, rows),
            f"Measured by `{command}`\non {figures.machine(PACKAGES)}.\n"
            "Clouds are 70 % full; nested: 9 providers a host. Medians; runs: "
            "Placement's and ours.",
        ]
    )
    print(body)
    if not options.dry:
        figures.write(RESULTS, "placement", body)
    return 0


def _words(numbers: list[int]) -> str:
    return " ".join(map(str, numbers))


def measured(hosts: int, shape: str) -> Iterator[tuple[str, ...]]:
    """Give the rows of one cloud."""
    document = synthetic_cloud(hosts, shape, 0.7, 1)
    cloud = Cloud.from_document(readable(document))
    with PlacementPeer() as peer:
        peer.load_bulk(document)
        for name in QUERIES if shape == "nested" else ["plain"]:
            for limit in (1000, None):
                case = Case(hosts, shape, name, limit)
                check(case, cloud, peer)
                yield row(case, cloud, peer)


def check(case: Case, cloud: Cloud, peer: PlacementPeer) -> None:
    """Refuse to time answers that differ.

    Raises
    ------
    FigureError
        Placement's answer is another one.
    """
    whole = peer.candidates(case._replace(limit=None).query).body
    ours = cloud.allocation_candidates(case.query).to_placement()
    if case.limit is None:
        found = compare(ours, whole)
    else:
        found = compare_limited(ours, whole, case.limit)
    if found:
        raise figures.FigureError(f"{case}: {found[0]}")


def row(case: Case, cloud: Cloud, peer: PlacementPeer) -> tuple[str, ...]:
    """Time one question, and give its row."""
    marking = marking_of(cloud.state, parse_query(QUERIES[case.name]), True)
    path = {"method": "GET", "path": "/allocation_candidates"}
    theirs, their_runs = timed(lambda: peer.call(**path, query=case.query), 5)
    marked, our_runs = timed(lambda: marking.scan(cloud.state), 200)
    rendered, _ = timed(lambda: render(cloud, case.query), 20)
    count = len(cloud.allocation_candidates(case.query))
    return (
        f"{case.hosts:,}",
        case.shape,
        case.name,
        "none" if case.limit is None else str(case.limit),
        f"{count:,}",
        duration(theirs),
        duration(marked),
        duration(rendered),
        f"{theirs / marked:,.0f}",
        f"{theirs / rendered:,.0f}",
        f"{their_runs}, {our_runs}",
    )


def render(cloud: Cloud, query: str) -> bytes:
    """Give the bytes of the REST body for a query, as a service would send them."""
    return cloud.allocation_candidates(query).to_json()


def timed(call: Callable[[], Any], most: int) -> tuple[float, int]:
    """Give the median time of up to ``most`` calls after one to warm up, and how many.

    The first call is among those that are timed where it alone takes very long.
    """
    times = []
    begin = time.perf_counter()
    gc.collect()
    gc.disable()
    try:
        for turn in range(most + 1):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
            if turn and time.perf_counter() - begin > _PATIENCE_S:
                break
    finally:
        gc.enable()
    return statistics.median(times[1:]), len(times) - 1


if __name__ == "__main__":
    sys.exit(main())
