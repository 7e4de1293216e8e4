"""A plan of evacuations: for each server where it goes, or why it cannot."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Amounts = dict[str, dict[str, int]]

PLANNED, DONE = "planned", "done"
UNPLACED, REFUSED, CONFLICT = "unplaced", "refused", "conflict"
STATUSES = (PLANNED, DONE, UNPLACED, REFUSED, CONFLICT)


@dataclass(slots=True)
class Step:
    """One server of a plan.

    Attributes
    ----------
    server
        UUID.
    source, target
        Nodes that it is on, and goes to; no target where none was found.
    status
        ``planned``, ``done``, ``unplaced`` (no host takes it), ``refused`` (Nova does
        not evacuate such a server), or ``conflict`` (something changed since).
    reason
        Why it is not planned or done, else empty.
    generation
        That of its consumer when the plan was made; None where it holds nothing.
    held, allocations
        What it holds at its source, and what it takes at its target.
    """

    server: str
    source: str
    target: str | None = None
    status: str = PLANNED
    reason: str = ""
    generation: int | None = None
    held: Amounts = field(default_factory=dict)
    allocations: Amounts = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """Steps in the order in which they are carried out, and how good they are.

    Attributes
    ----------
    hosts
        Nodes that failed.
    steps
        All servers on them: those with a target first.
    regroup
        Whether affinity groups that lost all their hosts may gather elsewhere.
    method
        ``greedy``: as ``nova host-evacuate`` would go on; ``improved``: something
        better was found; either is Nova-like in each single step.
    greedy
        Servers that Nova's order places.
    bound
        No plan places more servers than this.
    bound_exact
        Whether the bound counts whole servers host by host, not shares of them.
    created_at
        Seconds since 1970.
    """

    hosts: tuple[str, ...]
    steps: list[Step]
    regroup: bool = False
    method: str = "greedy"
    greedy: int = 0
    bound: int = 0
    bound_exact: bool = False
    created_at: float = 0.0

    @property
    def placed(self) -> int:
        """Servers that have a target."""
        return sum(step.target is not None for step in self.steps)

    @property
    def gap(self) -> float:
        """How far the plan may be from the best one: 0.02 for two per cent."""
        return 1.0 - self.placed / self.bound if self.bound else 0.0

    def counts(self) -> dict[str, int]:
        """Count the steps of each status."""
        found = Counter(step.status for step in self.steps)
        return {status: found[status] for status in STATUSES if found[status]}

    def reasons(self) -> dict[str, int]:
        """Count the servers that are not planned or done by the reason."""
        found = Counter(step.reason for step in self.steps if step.reason)
        return dict(found.most_common())

    def summary(self) -> dict[str, Any]:
        """Give what there is to say in a few numbers, as JSON."""
        return {
            "hosts": len(self.hosts),
            "servers": len(self.steps),
            "placed": self.placed,
            "greedy": self.greedy,
            "bound": self.bound,
            "bound_exact": self.bound_exact,
            "gap": round(self.gap, 6),
            "method": self.method,
            "statuses": self.counts(),
            "reasons": self.reasons(),
        }
