"""Which host a server goes to, by Nova's own way: filter all, weigh all, sort, take.

The hosts are plain objects; who has room is what the oracle of candidates says. Filters
and weighers are those that are compared with Nova's by themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from kilonova.cloud.host import Host
from kilonova.hosts import filtering, weighing
from kilonova.hosts.draws import draws
from kilonova.hosts.options import Options
from kilonova.request.server import ServerGroup, ServerSpec


class Best(NamedTuple):
    """Hosts that passed, best first, and their weights."""

    hosts: list[str]
    weights: list[float]


def selected(
    hosts: list[Host],
    room: Mapping[str, Any],
    spec: ServerSpec,
    options: Options,
    group: ServerGroup | None = None,
) -> Best:
    """Give the hosts that pass, in the order in which they would be tried.

    Parameters
    ----------
    hosts
        All hosts, in the order that decides between equal ones.
    room
        Hosts that have a candidate, by name of the node.
    spec, options
        What is asked, and how hosts are filtered and weighed.
    group
        The server's group, with members and hosts as they are now.
    """
    wanted = replace(spec, server_group=group)
    there = [host for host in hosts if room[host.nodename]]
    for host in there:
        host.candidates = ({},)
    left = filtering.run(there, wanted, options).hosts
    weighed = weighing.weigh(left, wanted, options)
    order = weighed.order.tolist()
    return Best(
        [left[i].nodename for i in order], [float(weighed.weights[i]) for i in order]
    )


def shuffled(best: Best, numbers: Sequence[float], subset: int) -> Best:
    """Give the order in which hosts are tried where equals are shuffled.

    Parameters
    ----------
    best
        Hosts that pass, best first.
    numbers
        Two in [0, 1): from the first follows a number for each equal, by which they are
        sorted; the second picks one of the subset.
    subset
        Of so many best hosts one is drawn.
    """
    equal = best.weights.count(best.weights[0])
    keys = [pair[0] for pair in draws(int(numbers[0] * 2**53), 0, equal).tolist()]
    places = sorted(range(equal), key=keys.__getitem__)
    places += range(equal, len(best.hosts))
    chosen = places[:subset][int(numbers[1] * len(places[:subset]))]
    places = [chosen, *(place for place in places if place != chosen)]
    return Best([best.hosts[i] for i in places], [best.weights[i] for i in places])
