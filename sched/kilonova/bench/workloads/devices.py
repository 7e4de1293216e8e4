"""Requests for devices, placed by the policies of the recorded GPU cluster."""

from collections.abc import Callable
from functools import partial

import numpy as np

from kilonova.bench.bulk_cloud import lay_cloud
from kilonova.bench.busy_cloud import use_shares
from kilonova.bench.document import Inventory, Provider, provider
from kilonova.bench.questions import class_rows
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.hosts.placer import Placer, add_consumers
from kilonova.hosts.policies import find, registered
from kilonova.replay.cluster import (
    CLASSES,
    build_request,
    demand_of,
    typical_demands,
)
from kilonova.replay.trace import Asked

_DEVICES = 8
_CPU_MILLI, _MEM_MIB = 128_000, 1_048_576
# CPU, memory, devices and units of each, as they are asked for most in the recording.
_ASKED = tuple(
    Asked(*each, "")
    for each in (
        (4_000, 16_384, 1, 200),
        (8_000, 32_768, 1, 500),
        (6_000, 24_576, 1, 1_000),
        (16_000, 65_536, 2, 1_000),
        (32_000, 131_072, 4, 1_000),
        (64_000, 262_144, 8, 1_000),
        (12_000, 49_152, 0, 0),
        (2_000, 8_192, 0, 0),
    )
)
_BATCH = 100
# What a quick run has.
_COMMON = "devices: FGD"


def _host() -> list[Provider]:
    own: dict[str, Inventory] = {
        CLASSES.cpu: {"total": _CPU_MILLI},
        "MEMORY_MB": {"total": _MEM_MIB},
    }
    device: dict[str, Inventory] = {CLASSES.device: {"total": CLASSES.whole}}
    names = [f"host00000:gpu{number}" for number in range(_DEVICES)]
    root = provider("host00000", None, own)
    return [root, *(provider(name, "host00000", device) for name in names)]


class _Cluster:
    """Hosts with devices, partly in use, and requests that come in turn."""

    def __init__(self, policy: str, fleet: Fleet) -> None:
        self.cloud = lay_cloud(_host(), fleet.hosts)
        rng = np.random.default_rng(0)
        use_shares(self.cloud.state, fleet.fill, rng)
        self._use_devices(fleet.fill, rng)
        self.policy = find(policy)
        self.requests = (np.arange(_BATCH) % len(_ASKED)).astype(np.int32)
        self.consumers = add_consumers(self.cloud, [""] * _BATCH)
        self.draws = np.random.default_rng(1).random((_BATCH, 2))
        self.placer = self.new_placer()

    def _use_devices(self, fill: float, rng: np.random.Generator) -> None:
        """Let devices be in use as a whole, or by a fifth, or not at all."""
        state = self.cloud.state
        rows = class_rows(state, CLASSES.device)
        draws = rng.random(len(rows))
        fifths = np.where(draws < fill, 5, np.where(draws < (1 + fill) / 2, 1, 0))
        state.tables.inventory["used"][rows] = CLASSES.whole // 5 * fifths
        state.rows_moved()

    def new_placer(self) -> Placer:
        """Make what places, of which nothing was asked so far."""
        known: frozenset[str] = frozenset()
        return Placer(
            self.cloud,
            [build_request(asked, known) for asked in _ASKED],
            self.policy,
            typical=typical_demands(_ASKED, known),
            demands=[demand_of(asked, known) for asked in _ASKED],
            classes=CLASSES,
        )

    def place(self, part: slice = slice(None)) -> list[int]:
        """Place requests; give the tree of each."""
        placed = self.placer.place(
            self.requests[part], self.consumers[part], self.draws[part]
        )
        trees: list[int] = placed.tree.tolist()
        return trees

    def place_one_by_one(self) -> list[int]:
        """Place them by a new placer each, which knows nothing of those before."""
        found = []
        for n in range(_BATCH):
            self.placer = self.new_placer()
            found += self.place(slice(n, n + 1))
        return found

    def leave(self) -> None:
        """Give all back."""
        state = self.cloud.state
        for row in self.consumers.tolist():
            if claims.holds(state, row):
                claims.vacate(state, row)

    def best_fit(self) -> int:
        """Find by numpy the host of the first request under BestFit."""
        asked, free = _ASKED[0], self._free()
        cpu, memory, devices = free
        fits = (cpu >= asked.cpu_milli) & (memory >= asked.mem_mib)
        fits &= (devices >= asked.gpu_milli).sum(axis=1) >= asked.gpu
        idle = (cpu - asked.cpu_milli) / _CPU_MILLI * 0.5
        left = devices.sum(axis=1) - asked.gpu * asked.gpu_milli
        idle += left / (_DEVICES * CLASSES.whole) * 0.5
        weights = ((1.0 - idle) * 100.0).astype(np.int64)
        return int(np.argmax(np.where(fits, weights, -1)))

    def _free(self) -> list[np.ndarray]:
        """Give what is free of CPU and memory by host, and of each device."""
        state = self.cloud.state
        inventory = state.tables.inventory
        free = state.tables.offer["capacity"][inventory["offer"]] - inventory["used"]
        cpu, memory, devices = (
            free[class_rows(state, name)]
            for name in (CLASSES.cpu, "MEMORY_MB", CLASSES.device)
        )
        return [cpu, memory, devices.reshape(-1, _DEVICES)]


def _place(policy: str, _cloud: Cloud, fleet: Fleet) -> Work:
    cluster = _Cluster(policy, fleet)

    def check() -> bool:
        expected = cluster.best_fit()
        together = cluster.place()
        cluster.leave()
        again = cluster.place()
        cluster.leave()
        # There are hardly ever eight whole devices of a host free.
        right = together == again and sum(tree >= 0 for tree in together) > _BATCH / 2
        if policy == "BestFit":
            right = right and together[0] == expected
        if fleet.hosts <= _MOST_COMPARED:
            kept = cluster.placer
            right = right and cluster.place_one_by_one() == together
            cluster.leave()
            cluster.placer = kept
            cluster.place()
            cluster.leave()
        return right

    return Work(call=cluster.place, check=check, after=cluster.leave, decisions=_BATCH)


# Hosts up to which requests are placed by a new placer each, too.
_MOST_COMPARED = 1_000


def _first(_cloud: Cloud, fleet: Fleet) -> Work:
    """Look at all hosts for the first time, and place one request of each shape."""
    cluster = _Cluster("FGD", fleet)
    shapes = slice(0, len(_ASKED))

    def call() -> list[int]:
        cluster.placer = cluster.new_placer()
        return cluster.place(shapes)

    def check() -> bool:
        known = cluster.place(shapes)
        cluster.leave()
        found = call()
        cluster.leave()
        return found == known

    return Work(call=call, check=check, after=cluster.leave)


def _workload(name: str, make: Callable[[Cloud, Fleet], Work], doing: str) -> Workload:
    return Workload(
        name,
        doing,
        make,
        shapes=("nested",),
        fills=(0.7,),
        largest=100_000,
        quick=name == _COMMON,
    )


WORKLOADS = (
    *(
        _workload(
            f"devices: {each.name}",
            partial(_place, each.name),
            f"place {_BATCH} requests for devices or none, each",
        )
        for each in registered()
    ),
    _workload(
        "devices: first requests, FGD",
        _first,
        f"look at all hosts for {len(_ASKED)} new requests, and place each once",
    ),
)
