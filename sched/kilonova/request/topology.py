"""The NUMA cells that a guest is to have."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuestCell:
    """One NUMA cell of a guest.

    Attributes
    ----------
    number
        Place among the guest's cells; -1 where the guest did not ask for cells.
    cpuset, pcpuset
        Guest CPUs that float over the host's shared CPUs, and those that are pinned.
    memory_mb
        MiB of memory.
    pagesize_kb
        Page size asked for: KiB, or -1 small, -2 large, -3 any; None: not asked.
    cpu_policy, cpu_thread_policy
        ``shared``, ``dedicated`` or ``mixed``; ``prefer``, ``isolate`` or ``require``;
        None: not asked.
    pinning
        Host CPU of each pinned guest CPU, in pairs; set once a host was chosen.
    reserved
        Host CPUs taken for emulator threads; set once a host was chosen.
    """

    number: int
    cpuset: frozenset[int] = frozenset()
    pcpuset: frozenset[int] = frozenset()
    memory_mb: int = 0
    pagesize_kb: int | None = None
    cpu_policy: str | None = None
    cpu_thread_policy: str | None = None
    pinning: tuple[tuple[int, int], ...] = ()
    reserved: frozenset[int] = frozenset()


class _Hashed:
    """Room for a hash, which does not travel with the value to other processes."""

    __slots__ = ("_hash",)
    _hash: int


@dataclass(frozen=True, slots=True)
class GuestTopology(_Hashed):
    """All NUMA cells of a guest.

    Attributes
    ----------
    cells
        In their order.
    emulator_threads_policy
        ``share``, ``isolate`` or None.
    """

    cells: tuple[GuestCell, ...]
    emulator_threads_policy: str | None = None

    def __hash__(self) -> int:
        # It is part of many keys.
        try:
            return self._hash
        except AttributeError:
            found = hash((self.cells, self.emulator_threads_policy))
            object.__setattr__(self, "_hash", found)
            return found


@dataclass(frozen=True, slots=True)
class NetworkMetadata:
    """Networks whose NUMA affinity counts.

    Attributes
    ----------
    physnets
        Physical networks that the server's ports are on.
    tunneled
        Whether a port is on a tunneled network.
    """

    physnets: frozenset[str] = frozenset()
    tunneled: bool = False
