"""Compile all kernels: come to each on small clouds, and say what compiling took.

``python -m kilonova.bench.cold`` prints one JSON object. A folder of its own in
``NUMBA_CACHE_DIR``, empty before, makes it all of what a new machine waits for; kernels
that are found compiled take no time.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.churn import Churn
from kilonova.bench.kernels import kernel_name, kernels_without_code
from kilonova.bench.part import part_of, played
from kilonova.bench.replays import recorded_games
from kilonova.bench.run import ready
from kilonova.bench.workload import FILL, SHAPES, Fleet
from kilonova.bench.workloads.register import workloads
from kilonova.candidates.cloud import Cloud
from kilonova.replay.server_replay import ServerGame

_HOSTS = 100
_SERVERS = 300
_EVENT = "numba:compile"


@dataclass(slots=True)
class Compiled:
    """CPU seconds that numba took.

    Attributes
    ----------
    seconds
        By kernel that Python called, with all that was compiled for it: what several
        need, counts for the first of them.
    """

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    # When each compilation that goes on began.
    _open: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """Note that a compilation begins, perhaps inside another one."""
        self._open.append(time.process_time())

    def end(self, name: str) -> None:
        """Note that the innermost one has ended."""
        began = self._open.pop()
        if not self._open:
            self.seconds[name] += time.process_time() - began

    def row(self) -> dict[str, Any]:
        """Give it for JSON: the sum, each kernel, and those that nothing came to."""
        longest = sorted(self.seconds.items(), key=lambda each: -each[1])
        return {
            "compile_cpu_s": sum(self.seconds.values()),
            "kernels": dict(longest),
            "not_compiled": kernels_without_code(),
        }


@contextmanager
def listening() -> Iterator[Compiled]:
    """Count what is compiled inside the block."""
    from numba.core import event

    found = Compiled()

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            found.begin()

        def on_end(self, event: Any) -> None:
            found.end(kernel_name(event.data["dispatcher"]))

    with event.install_listener(_EVENT, Listener()):
        yield found


def compile_all() -> None:
    """Run each workload and each replay, as small as they are."""
    for shape in SHAPES:
        fleet = Fleet(_HOSTS, shape, FILL)
        cloud: Cloud = busy_cloud(*fleet)
        for workload in workloads():
            if workload.runs_on(fleet):
                work = ready(workload, cloud, fleet)
                if work.close is not None:
                    work.close()
    _ask_a_small_cloud()
    Churn(_HOSTS, _SERVERS).play()
    for _, game in recorded_games(quick=True):
        if isinstance(game, ServerGame):
            played(part_of(game))
        else:
            game.play(lambda _: None)


def _ask_a_small_cloud() -> None:
    """Ask what no cloud of the benchmarks has: too much of two classes."""
    inventories = {"VCPU": {"total": 4}, "MEMORY_MB": {"total": 4_096}}
    document = {"providers": [{"name": "host", "inventories": inventories}]}
    cloud = Cloud.from_document(document)
    assert not cloud.explain("resources=VCPU:8,MEMORY_MB:8192").fitting_count


if __name__ == "__main__":
    with listening() as compiled:
        compile_all()
    json.dump(compiled.row(), sys.stdout)
