"""SimpleCIDRAffinityFilter: hosts whose address lies in the same network."""

from collections.abc import Hashable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from kilonova.cloud.host import Host
from kilonova.errors import BadServerSpec, NotReported
from kilonova.hosts.filters import hints
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_DEFAULT = "/24"


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether the address of a host is near that of hint ``build_near_host_ip``.

    Raises
    ------
    BadServerSpec
        Both hints together are no network.
    NotReported
        The host has no address.
    """
    near = hints.single(spec, "build_near_host_ip")
    if not near:
        return True
    network = _network(near, hints.single(spec, "cidr", _DEFAULT))
    try:
        return ip_address(host.host_ip or "") in network
    except ValueError:
        raise NotReported(
            f"host_ip of host {host.host!r} must be an address, got {host.host_ip!r}."
        ) from None


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give address and prefix, None without the hint."""
    near = hints.single(spec, "build_near_host_ip")
    return (near, hints.single(spec, "cidr", _DEFAULT)) if near else None


@lru_cache(maxsize=1024)
def _network(near: str, cidr: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(near + cidr, strict=False)
    except ValueError:
        raise BadServerSpec(
            f"Hints 'build_near_host_ip' and 'cidr' must be an address and a prefix "
            f"such as '/24', got {near!r} and {cidr!r}.",
            "AddrFormatError",
        ) from None


SIMPLE_CIDR = register(
    Filter(
        name="SimpleCIDRAffinityFilter",
        passes=passes,
        asks=asks,
        reads=frozenset({"host_ip"}),
        once=True,
    )
)
