"""Judge whether a limited answer is an allowed cut of the full one.

Which candidates a limit keeps is Placement's database order or chance, so there is no
one right answer: only a right number of right candidates.
"""

from collections import Counter

from oracle.summaries import Answer


def faults(full: Answer, cut: Answer, limit: int | None) -> list[str]:
    """List what forbids ``cut`` as an answer with this limit; empty if it is allowed.

    Parameters
    ----------
    full
        The answer without a limit.
    cut
        The answer to judge. Anchors are not compared.
    limit
        Largest number of candidates; at least 1, or None for all.
    """
    found = []
    count = len(full.candidates) if limit is None else min(limit, len(full.candidates))
    if len(cut.candidates) != count:
        found.append(f"There must be {count} candidates, got {len(cut.candidates)}.")
    extra = Counter(c.key for c in cut.candidates)
    extra.subtract(c.key for c in full.candidates)
    found += [
        f"Not in the full answer, or not so often: {key}."
        for key, times in extra.items()
        if times > 0
    ]
    return found + _summary_faults(full, cut)


def _summary_faults(full: Answer, cut: Answer) -> list[str]:
    """Compare with the full answer's summaries of the trees that are still touched.

    Before 1.29 the full answer has only the providers that it uses. One that the cut
    does not use stays if another provider of its tree is used.
    """
    used = {provider for c in cut.candidates for provider, _ in c.allocations}
    trees = {s.root for name, s in full.summaries.items() if name in used}
    right = {name: s for name, s in full.summaries.items() if s.root in trees}
    return [
        f"Summary of {name!r} must be {right.get(name)}, got {cut.summaries.get(name)}."
        for name in sorted(right.keys() | cut.summaries.keys())
        if right.get(name) != cut.summaries.get(name)
    ]
