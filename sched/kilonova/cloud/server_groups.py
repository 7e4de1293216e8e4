"""Server groups of a cloud, and how many members each has on which host."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from kilonova.cloud.tables import Table
    from kilonova_kernels.host_columns import GroupColumns

POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")


@dataclass(frozen=True, slots=True)
class Group:
    """A server group.

    Attributes
    ----------
    uuid, policy
        Its UUID, and one of ``POLICIES``.
    max_server_per_host
        Members that one host may have, where they are to be apart.
    """

    uuid: str
    policy: str
    max_server_per_host: int = 1


class ServerGroups:
    """All server groups; consumers carry the number of theirs.

    Parameters
    ----------
    consumers
        Table of consumers, whose ``host`` and ``group`` say who is where.
    """

    def __init__(self, consumers: "Table") -> None:
        self._consumers = consumers
        self._groups: list[Group] = []
        self._numbers: dict[str, int] = {}
        self._columns: GroupColumns | None = None

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)

    def __getitem__(self, number: int) -> Group:
        return self._groups[number]

    def find(self, uuid: str) -> int:
        """Give the number of a group, or -1."""
        return self._numbers.get(uuid, -1)

    def add(self, group: Group) -> int:
        """Enter a group, or other rules for one that is known; give its number."""
        number = self._numbers.get(group.uuid)
        if number is None:
            number = self._numbers[group.uuid] = len(self._groups)
            self._groups.append(group)
        else:
            self._groups[number] = group
        return number

    def columns(self, spare: int = 0) -> "GroupColumns":
        """Give what kernels read and write, with room for ``spare`` more entries."""
        found = self._columns
        if (
            found is None
            or len(found.first) < len(self._groups)
            or len(found.host) < int(found.used[0]) + spare
        ):
            found = self._columns = self._counted(spare)
        return found

    def join(self, number: int, host: int) -> None:
        """Count one member more on a host, who is one in the table already."""
        from kilonova_kernels.host_usage import add_member

        columns = self._columns
        if columns is None:
            return
        if int(columns.used[0]) < len(columns.host) and number < len(columns.first):
            add_member(columns, number, host, 1)
        else:
            self.recount()

    def leave(self, number: int, host: int) -> None:
        """Count one member less on a host."""
        from kilonova_kernels.host_usage import add_member

        if self._columns is not None:
            add_member(self._columns, number, host, -1)

    def recount(self) -> None:
        """Count members anew at the next look: consumers were given another group."""
        self._columns = None

    def _counted(self, spare: int) -> "GroupColumns":
        """Count the members anew, with room to grow."""
        from kilonova_kernels.host_columns import GroupColumns
        from kilonova_kernels.host_usage import add_member

        table = self._consumers
        there = np.flatnonzero((table["group"] >= 0) & (table["host"] >= 0))
        size = 2 * len(there) + 2 * spare + 16
        columns = GroupColumns(
            first=np.full(2 * len(self._groups) + 16, -1, np.int32),
            host=np.zeros(size, np.int32),
            members=np.zeros(size, np.int32),
            next=np.zeros(size, np.int32),
            used=np.zeros(1, np.int64),
        )
        for row in there.tolist():
            group, host = int(table["group"][row]), int(table["host"][row])
            add_member(columns, group, host, 1)
        return columns
