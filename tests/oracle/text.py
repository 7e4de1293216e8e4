"""Clouds and candidates as short text, so that a named case can be read at a glance."""

from collections.abc import Iterable
from typing import Any

from oracle.candidates import Candidate
from oracle.state import SHARES, State, from_document


def cloud(drawing: str) -> State:
    """Build a state from a drawing, one provider a line, children indented.

    After the name come, in any order, ``VCPU:8`` for an inventory, ``VCPU:8/3`` for
    one with 3 in use, ``@A`` for an aggregate, ``shares`` for a sharing provider and
    any other word for a trait.
    """
    providers: list[dict[str, Any]] = []
    consumers: list[dict[str, dict[str, int]]] = []
    open_parents: list[tuple[int, str]] = []
    for line in drawing.strip("\n").splitlines():
        name, *words = line.split()
        indent = len(line) - len(line.lstrip())
        while open_parents and open_parents[-1][0] >= indent:
            open_parents.pop()
        offers = [word.split(":") for word in words if ":" in word]
        providers.append(
            {
                "name": name,
                "parent": open_parents[-1][1] if open_parents else None,
                "inventories": {k: {"total": int(v.split("/")[0])} for k, v in offers},
                "traits": [_trait(w) for w in words if ":" not in w and w[0] != "@"],
                "aggregates": [word[1:] for word in words if word[0] == "@"],
            }
        )
        used = {k: int(v.split("/")[1]) for k, v in offers if "/" in v}
        consumers.append({name: used})
        open_parents.append((indent, name))
    return from_document({"providers": providers, "consumers": consumers})


def shown(candidates: Iterable[Candidate]) -> list[str]:
    """Write candidates as ``cn VCPU:1, g0 VGPU:1 [=cn _A=g0]``, sorted."""
    return sorted(_line(candidate) for candidate in candidates)


def _trait(word: str) -> str:
    return SHARES if word == "shares" else word


def _line(candidate: Candidate) -> str:
    allocations = ", ".join(
        f"{provider} {name}:{amount}"
        for (provider, name), amount in sorted(candidate.allocations.items())
    )
    mappings = " ".join(
        f"{suffix}={'/'.join(providers)}"
        for suffix, providers in sorted(candidate.mappings.items())
    )
    return f"{allocations} [{mappings}]"
