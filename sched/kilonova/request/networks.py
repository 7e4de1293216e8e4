"""Networks of Neutron: physical network, tunnels, segments of routed networks."""

from collections.abc import Mapping, Sequence

from kilonova.errors import BadServerSpec, RequestFilterFailed

Networks = Mapping[str, Mapping[str, object]]
"""Networks by id, as Neutron's API shows them."""

_TUNNELS = frozenset(["vxlan", "gre", "geneve"])
_PHYSNET = "provider:physical_network"


def physnet_and_tunnel(
    name: str, network: Mapping[str, object]
) -> tuple[str | None, bool]:
    """Return the physical network, or None, and whether traffic goes through tunnels.

    Of several segments the first with a physical network counts.

    Raises
    ------
    BadServerSpec
        As NovaException, if there are segments and none has one.

    Notes
    -----
    Same answer as ``_get_physnet_tunneled_info`` in Nova's ``network/neutron.py``.
    """
    segments = network.get("segments") or ()
    if isinstance(segments, Sequence) and segments:
        for segment in segments:
            if segment.get(_PHYSNET):
                return str(segment[_PHYSNET]), False
        raise BadServerSpec(
            f"Network {name}: a segment must have a {_PHYSNET}, got none.",
            "NovaException",
        )
    physnet = network.get(_PHYSNET)
    tunneled = network.get("provider:network_type") in _TUNNELS
    return None if physnet is None else str(physnet), tunneled


def segment_aggregates(
    what: str, segments: Sequence[str], aggregates: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the aggregates of the segments that a port may be on.

    Parameters
    ----------
    what
        Network or subnet, for the error.
    segments
        UUIDs: those of the network, or, for a port with an address, that of its first
        subnet; none where the network is not routed.
    aggregates
        Aggregates of each segment's provider.

    Raises
    ------
    RequestFilterFailed
        If a segment has no aggregate.

    Notes
    -----
    Same aggregates as ``get_aggregates_for_routed_network`` and
    ``get_aggregates_for_routed_subnet`` in Nova's ``scheduler/utils.py``.
    """
    found: list[str] = []
    for segment in segments:
        if not aggregates.get(segment):
            raise RequestFilterFailed(
                f"Aggregates not found for the {what}: segment {segment!r} must be in "
                "one, got none."
            )
        found += aggregates[segment]
    return tuple(found)
