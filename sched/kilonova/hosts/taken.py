"""The slots of a plan in names: what each asks for, and who serves it."""

from itertools import pairwise

from kilonova.candidates.compile import Plans
from kilonova.cloud.state import State
from kilonova.hosts.selection import Asked


class Slots:
    """The slots of one plan; true while the rows of the cloud stay.

    Parameters
    ----------
    state, plans, plan
        The cloud; compiled requests; number of the plan.

    Attributes
    ----------
    asked
        Class and amount of each resource, slot by slot.
    own_suffixes
        Suffix of the group of each slot.
    """

    def __init__(self, state: State, plans: Plans, plan: int) -> None:
        self._state = state
        self._identities: dict[int, str] = {}
        columns, classes = plans.columns, state.resource_classes
        first, last = columns.plan_slot[plan : plan + 2].tolist()
        starts = columns.slot_resource[first : last + 1].tolist()
        wanted = columns.resource_class.tolist()
        amounts = columns.resource_amount.tolist()
        self.asked: Asked = tuple(
            tuple((classes[wanted[k]], amounts[k]) for k in range(start, stop))
            for start, stop in pairwise(starts)
        )
        groups = plans.requests[plan].groups
        self.own_suffixes = tuple(groups[g].suffix for g in plans.slots[plan])

    def suffixes(self, names: dict[str, str]) -> tuple[str, ...]:
        """Give the suffix of the group of each slot; ``names`` are other suffixes."""
        return tuple(names.get(suffix, suffix) for suffix in self.own_suffixes)

    def providers(self, rows: list[int]) -> tuple[str, ...]:
        """Give the UUID or name of the provider of each slot."""
        known = self._identities
        for row in rows[: len(self.asked)]:
            if row not in known:
                known[row] = self._state.provider_identity(row)
        return tuple(known[row] for row in rows[: len(self.asked)])
