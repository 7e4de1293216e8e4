"""The smallest relaxations of a request with which some host has a candidate."""

from dataclasses import dataclass, replace

from kilonova.candidates.explain_trees import Trees
from kilonova.candidates.relax_steps import (
    RANKS,
    Step,
    apply,
    step_pairs,
    steps_of,
)
from kilonova.request.group import Request


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A step, or a pair of steps, after which there are candidates.

    Attributes
    ----------
    steps
        One step, or two where no single one is enough.
    request
        What is asked after them.
    trees
        Hosts that then have a candidate, at least 1.
    """

    steps: tuple[Step, ...]
    request: Request
    trees: int

    def __str__(self) -> str:
        hosts = "1 host fits" if self.trees == 1 else f"{self.trees} hosts fit"
        return f"{hosts} {' and '.join(str(step) for step in self.steps)}"


def relaxations(trees: Trees, request: Request) -> tuple[Relaxation, ...]:
    """Find the single steps that are enough, or else the smallest pair of steps.

    Returns
    -------
    tuple
        Of single steps all that are enough, in the order of ``steps_of``. Without any,
        at most one pair: see ``smallest_pair``.
    """
    singles = [_taken(trees, request, step) for step in steps_of(request)]
    found = tuple(taken for taken in singles if taken is not None)
    if found:
        return found
    pair = smallest_pair(trees, request)
    return () if pair is None else (pair,)


def smallest_pair(trees: Trees, request: Request) -> Relaxation | None:
    """Find the smallest pair of steps that is enough.

    Notes
    -----
    A step has a rank: 0 less of a class; 1 without a trait, clause, aggregate or tree;
    2 ``group_policy``; 3 ``same_subtree``; 4 without a group. A pair is smaller if its
    higher rank is, then if its lower rank is. Of equals, that which lowers amounts
    least, each as a share of what is asked; then that for which most hosts fit; then
    the first one.
    """
    for high in sorted(set(RANKS.values())):
        for low in range(high + 1):
            found = [
                taken
                for one, other in step_pairs(request)
                if {one.rank, other.rank} == {low, high}
                and (taken := _pair(trees, request, one, other)) is not None
            ]
            if found:
                return min(found, key=lambda taken: (_share(taken), -taken.trees))
    return None


def _pair(trees: Trees, request: Request, one: Step, other: Step) -> Relaxation | None:
    """Take two steps; None if they are not enough."""
    if one.rank == other.rank == RANKS["amount"]:
        return _both_lowered(trees, request, one, other)
    # An amount comes last: how far it must be lowered depends on the other step.
    first, second = sorted((one, other), key=lambda step: -step.rank)
    relaxed = apply(request, first)
    if relaxed is None:
        return None
    taken = _taken(trees, relaxed, second)
    return None if taken is None else replace(taken, steps=(first, *taken.steps))


def _both_lowered(
    trees: Trees, request: Request, first: Step, second: Step
) -> Relaxation | None:
    pair = [(step.suffix or "", step.names[0]) for step in (first, second)]
    amounts = trees.least_reductions(request, pair[0], pair[1])
    if amounts is None:
        return None
    lowered = tuple(
        replace(step, amount=amount)
        for step, amount in zip((first, second), amounts, strict=True)
    )
    relaxed = request
    for step in lowered:
        relaxed = apply(relaxed, step) or relaxed
    return Relaxation(lowered, relaxed, len(trees.fitting(relaxed)))


def _taken(trees: Trees, request: Request, step: Step) -> Relaxation | None:
    """Take one step, the smallest of its kind; None if it is not enough."""
    if step.kind == "amount":
        if all(group.suffix != step.suffix for group in request.groups):
            return None
        amount = trees.largest_amount(request, step.suffix or "", step.names[0])
        if not amount:
            return None
        step = replace(step, amount=amount)
    relaxed = apply(request, step)
    if relaxed is None:
        return None
    count = len(trees.fitting(relaxed))
    return Relaxation((step,), relaxed, count) if count else None


def _share(relaxation: Relaxation) -> float:
    """Give how much less is asked, as the sum of shares of what was asked."""
    return sum(
        1 - step.amount / step.asked
        for step in relaxation.steps
        if step.amount is not None and step.asked is not None
    )
