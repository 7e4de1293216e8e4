"""CrossCellWeigher: moves stay in their cell where they can."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.options import Options
from kilonova.hosts.weighers.register import Weigher, register
from kilonova.request.server import ServerSpec


def raw(host: Host, spec: ServerSpec, options: Options) -> float:
    """Give 1 in the cell of a move that may leave it, -1 in other cells, else 0."""
    cell = asks(spec, options)
    if cell is None:
        return 0
    return 1 if host.cell_uuid == cell else -1


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the cell of a move that may leave it."""
    destination = spec.destination
    if destination is None or not destination.allow_cross_cell_move:
        return None
    return destination.cell or None


CROSS_CELL_WEIGHER = register(
    Weigher(
        name="CrossCellWeigher",
        raw=raw,
        asks=asks,
        reads=frozenset({"cell_uuid"}),
        multiplier=lambda options: (
            options.filter_scheduler.cross_cell_move_weight_multiplier
        ),
        key="cross_cell_move_weight_multiplier",
    )
)
