"""The rows that changed last, for readers that come by at their own times."""

from collections import deque
from itertools import islice

# So many changes are remembered: a reader that stayed away longer looks at all rows.
MOST = 4096


class Trail:
    """Rows in the order of their changes.

    Attributes
    ----------
    count
        Changes so far: a reader keeps it, and asks later what came since.
    """

    def __init__(self) -> None:
        self.count = 0
        self._rows: deque[int] = deque(maxlen=MOST)

    def note(self, row: int) -> None:
        """Note that a row is not what it was."""
        self._rows.append(row)
        self.count += 1

    def since(self, count: int) -> list[int] | None:
        """Give the rows that changed since there were ``count`` changes, each once.

        None where that is longer ago than is remembered: any row may have changed.
        """
        missed = self.count - count
        if missed > len(self._rows):
            return None
        return list(dict.fromkeys(islice(reversed(self._rows), missed)))
