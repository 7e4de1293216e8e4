"""Servers that come and go on equal flat hosts, as Nova would place them: plain Python.

Of Nova's default weighers only three can tell such hosts apart: free CPUs, free memory
and servers that are being built. Their weights are added in the order of their names.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class FlatHost:
    """What is free on a host, and how many servers are being built there."""

    vcpus: int
    memory_mb: int
    building: int = 0


@dataclass(frozen=True)
class Server:
    """A server of a list; ``end`` is None where it stays."""

    number: int
    vcpus: int
    memory_mb: int
    call: int
    start: int
    end: int | None


def placed(
    hosts: Sequence[FlatHost], servers: Sequence[Server], sign: float = 1.0
) -> dict[int, int]:
    """Give the host of each server that found one.

    Parameters
    ----------
    hosts
        Empty ones; changed.
    servers
        In the order of their numbers, which is that of time.
    sign
        Multiplier of CPUs and memory.
    """
    where: dict[int, int] = {}
    gone: set[int] = set()
    for now in sorted({server.start for server in servers}):
        for server in servers:
            leaves = server.end is not None and server.end <= now
            if leaves and server.number in where and server.number not in gone:
                gone.add(server.number)
                _put(hosts[where[server.number]], server, -1)
        arriving = [server for server in servers if server.start == now]
        for call in dict.fromkeys(server.call for server in arriving):
            _call(hosts, where, [s for s in arriving if s.call == call], sign)
        # What came in one tick is active before the next one.
        for host in hosts:
            host.building = 0
    return where


def _put(host: FlatHost, server: Server, count: int) -> None:
    host.vcpus -= count * server.vcpus
    host.memory_mb -= count * server.memory_mb


def _call(
    hosts: Sequence[FlatHost],
    where: dict[int, int],
    servers: Sequence[Server],
    sign: float,
) -> None:
    """Place all servers of a call, or none of them."""
    taken: list[tuple[Server, int]] = []
    for server in servers:
        host = _best(hosts, server, sign)
        if host is None:
            for before, at in taken:
                _put(hosts[at], before, -1)
                hosts[at].building -= 1
            return
        _put(hosts[host], server, 1)
        hosts[host].building += 1
        taken.append((server, host))
    where.update({server.number: host for server, host in taken})


def _best(hosts: Sequence[FlatHost], server: Server, sign: float) -> int | None:
    """Give the heaviest host with room, the first of equals."""
    fitting = [
        number
        for number, host in enumerate(hosts)
        if host.vcpus >= server.vcpus and host.memory_mb >= server.memory_mb
    ]
    if not fitting:
        return None
    weights = [0.0] * len(fitting)
    for multiplier, values in (
        (sign, [float(hosts[number].vcpus) for number in fitting]),
        (-1.0, [float(hosts[number].building) for number in fitting]),
        (sign, [float(hosts[number].memory_mb) for number in fitting]),
    ):
        # These weighers count from zero, and not from the least value.
        high = max(values)
        for i, value in enumerate(values):
            share = value / high if high else 0.0
            weights[i] += multiplier * share
    return fitting[weights.index(max(weights))]
