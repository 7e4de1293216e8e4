"""A migration, as Nova's databases know it."""

from dataclasses import dataclass

RESIZE, COLD, LIVE, EVACUATION = "resize", "migration", "live-migration", "evacuation"

# A migration in one of these states is over; all others are in progress.
OVER = frozenset(
    {"confirmed", "reverted", "error", "failed", "completed", "cancelled", "done"}
)


@dataclass(slots=True)
class Migration:
    """One move of a server.

    Attributes
    ----------
    uuid
        UUID; while the move is under way, the consumer of that UUID holds what the
        server has at its source. An evacuation has no such consumer.
    server
        UUID of the server.
    kind
        ``resize``, ``migration`` (cold), ``live-migration`` or ``evacuation``.
    status
        In Nova's words: ``accepted``, ``pre-migrating``, ``migrating``,
        ``post-migrating``, ``finished``, ``confirmed``, ``reverted``, ``done``, ...
    source_host, source_node, dest_host, dest_node
        From where to where; the destination is None until it is known.
    source_cell, dest_cell
        UUIDs of the cells, or None.
    cross_cell_move
        Whether it goes to another cell.
    created_at
        Seconds since 1970.
    """

    uuid: str
    server: str
    kind: str
    status: str = "accepted"
    source_host: str | None = None
    source_node: str | None = None
    dest_host: str | None = None
    dest_node: str | None = None
    source_cell: str | None = None
    dest_cell: str | None = None
    cross_cell_move: bool = False
    created_at: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is no longer in progress."""
        return self.status in OVER
