"""What healing comes to: options, exit codes, and what was done for each server."""

from collections.abc import Mapping
from dataclasses import dataclass, field

HEALED = 0
MAX_COUNT = 1
NO_COMPUTE_NODE = 2
NOT_WRITTEN = 3
NOTHING = 4
NO_PORTS = 5
PORTS_NOT_UPDATED = 6
PORTS_NOT_ROLLED_BACK = 7
UNSUPPORTED = 8
INVALID = 127

Amounts = dict[str, dict[str, int]]
"""Amounts by resource class, by provider."""


@dataclass(frozen=True, slots=True)
class HealOptions:
    """Which servers are healed, and of what.

    Attributes
    ----------
    max_count
        Servers that are healed at most; see ``docs/heal.md`` for what Nova makes of
        it. None: all, 50 at a time.
    dry_run
        Whether nothing is changed.
    server
        UUID of the one server that is looked at.
    skip_ports
        Whether ports are left alone.
    cell
        UUID of the one cell whose servers are looked at.
    force
        Whether what ``server`` holds is replaced by what its flavor asks for.
    """

    max_count: int | None = None
    dry_run: bool = False
    server: str | None = None
    skip_ports: bool = False
    cell: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class HealStep:
    """What a server lacked.

    Attributes
    ----------
    server
        Its UUID.
    action
        ``create`` or ``update``.
    allocations
        All that it holds afterwards.
    ports
        What stands under ``allocation`` in the binding profile of its ports, by id.
    """

    server: str
    action: str
    allocations: Amounts
    ports: Mapping[str, str | dict[str, str]]


@dataclass(frozen=True, slots=True)
class Stop:
    """Why healing ended before its time: exit code, and one line."""

    code: int
    message: str


@dataclass(slots=True)
class HealResult:
    """What healing came to.

    Attributes
    ----------
    code
        Exit status, one of the constants of this module.
    message
        Why it ended before its time, or empty.
    steps
        What was written, or would be with ``dry_run``.
    healed
        How many servers were written.
    """

    code: int = NOTHING
    message: str = ""
    steps: list[HealStep] = field(default_factory=list)
    healed: int = 0
