"""What a report holds, whatever was replayed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from kilonova.replay.pictures import Picture


@dataclass(frozen=True, slots=True)
class Contents:
    """The parts of a report that follow from its tables.

    Attributes
    ----------
    tables
        By the names of their files.
    finding
        The result in a sentence.
    facts
        What was replayed: pairs of a name and its text.
    sections
        Tables of the page as HTML: title, how to read it, the table.
    draw
        Draws all pictures: interactive ones for the page, or those that stand alone.
    """

    tables: Mapping[str, pa.Table]
    finding: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[tuple[str, str, str]]
    draw: Callable[[bool], "list[Picture]"]
