"""What another cell's database has of a server that moves, or moved, across cells."""

from dataclasses import dataclass, fields
from typing import TypeVar

from kilonova.records.migration import Migration
from kilonova.records.server import Server

Record = TypeVar("Record", Server, Migration)


@dataclass(slots=True)
class CellCopy:
    """A server and its migration as a cell has them that Nova's API does not ask.

    Attributes
    ----------
    server
        Its ``cell`` says whose database this is; ``uuid`` is that of the server that
        users see.
    migration
        The migration across cells, of the same UUID in both cells.
    """

    server: Server
    migration: Migration


def exchange(one: Record, other: Record) -> None:
    """Let two records change places: whoever has one of them sees the other's values.

    So the record of a server stays the one that users see, whichever cell it is in.
    """
    for field in fields(one):
        mine, others = getattr(one, field.name), getattr(other, field.name)
        setattr(one, field.name, others)
        setattr(other, field.name, mine)
