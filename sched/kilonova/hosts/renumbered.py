"""Hosts whose NUMA cells or PCI pools are others than at the last look."""

from collections.abc import Iterable

from kilonova.cloud.hosts import Hosts


class Renumbered:
    """What one reader has seen of what servers change of hosts.

    Parameters
    ----------
    hosts
        All hosts.
    columns
        What the reader looks at, of ``numa`` and ``pci``.
    """

    def __init__(self, hosts: Hosts, columns: Iterable[str]) -> None:
        self._hosts = hosts
        self._trails = [hosts.renumbered[column] for column in sorted(columns)]
        self._seen = [trail.count for trail in self._trails]

    def rows(self) -> list[int]:
        """Give the rows of the hosts that changed since the last call, each once."""
        found: list[int] = []
        for i, trail in enumerate(self._trails):
            if trail.count != self._seen[i]:
                rows = trail.since(self._seen[i])
                self._seen[i] = trail.count
                if rows is None:
                    rows = list(range(self._hosts.table.count))
                found = list(dict.fromkeys(found + rows)) if found else rows
        return found
