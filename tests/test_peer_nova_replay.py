"""Nova plays the first events of replays, and takes the hosts that ours takes.

Method: parts of the synthetic cloud with all kinds of events, and random parts on small
clouds that get full, with server groups; what compute services would report is kept.
Without Nova, which is an extra of its own, all of this is skipped.
"""

import math
import random

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

from kilonova import Cloud
from kilonova.bench.churn import opening
from kilonova.bench.document import uuid_of
from kilonova.bench.part import Part, Step
from kilonova.bench.peers import nova_replay
from kilonova.bench.workload import WrongResult
from kilonova.hosts.events import Boot, Delete
from kilonova.hosts.options import Options
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerGroup, ServerSpec

pytestmark = pytest.mark.jit

POLICIES = ("", "affinity", "anti-affinity")


def test_all_kinds_of_events() -> None:
    done = nova_replay.finished(opening(40).first(120), math.inf)
    assert (done.hosts, done.events, done.compared) == (40, 120, nova_replay.EXACT)


def test_time_is_bounded() -> None:
    done = nova_replay.finished(opening(40), 0.0)
    assert done.events == 1


def drawn(seed: int) -> Part:
    """Draw servers that come alone or together, some in groups, and leave."""
    draw = random.Random(seed)
    # A cloud that is full after some twenty servers.
    hosts = [
        {
            "name": f"host{number}",
            "inventories": {
                "VCPU": {"total": draw.choice((4, 8))},
                "MEMORY_MB": {"total": draw.choice((4_096, 8_192, 16_384))},
                "DISK_GB": {"total": 100},
            },
        }
        for number in range(5)
    ]
    groups = [
        {"uuid": uuid_of(f"group {seed} {policy}"), "policy": policy}
        for policy in POLICIES[1:]
    ]
    specs = [
        ServerSpec(
            Flavor(vcpus, 1_024 * draw.randint(1, 3), draw.choice((0, 10))),
            server_group=ServerGroup(policy, uuid=uuid_of(f"group {seed} {policy}"))
            if policy
            else None,
        )
        for vcpus in (1, 2, 4)
        for policy in POLICIES
    ]
    steps: list[list[Step]] = []
    alive: list[str] = []
    for number in range(12):
        step: list[Step] = []
        for call in range(draw.randint(1, 3)):
            if alive and draw.random() < 0.3:
                step.append(Delete(alive.pop(draw.randrange(len(alive)))))
                continue
            spec = draw.choice(specs)
            count = 1 if spec.server_group else draw.choice((1, 1, 2))
            names = [uuid_of(f"{seed} {number} {call} {n}") for n in range(count)]
            step += [Boot(name, spec, (number, call)) for name in names]
            alive += names
        steps.append(step)
    document = {"providers": hosts, "server_groups": groups}
    return Part(lambda: Cloud.from_document(document), Options(), steps)


@pytest.mark.parametrize("seed", range(6))
def test_random_parts(seed: int) -> None:
    part = drawn(seed)
    done = nova_replay.finished(part, math.inf)
    assert done.events == sum(map(len, part.steps))


def test_other_hosts_are_refused() -> None:
    nova_replay.check({"a": "x"}, {"a": "x"}, True)
    nova_replay.check({"a": "x"}, {"a": "y"}, False)
    for theirs, ours, exact in (
        ({"a": "x"}, {"a": "y"}, True),
        ({"a": "x"}, {"a": None}, False),
        ({"a": "x"}, {}, False),
    ):
        with pytest.raises(WrongResult):
            nova_replay.check(theirs, ours, exact)  # type: ignore[arg-type]
