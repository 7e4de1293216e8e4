"""All workloads, in the order in which they are shown. A new module is listed here."""

from importlib import import_module
from types import ModuleType

from kilonova.bench.workload import Workload
from kilonova.errors import BadInput

MODULES = (
    "marks",
    "candidates",
    "headroom",
    "shared",
    "explain",
    "claims",
    "select",
    "batch",
    "careful",
    "moves",
    "devices",
    "plans",
    "audits",
    "images",
    "rules",
    "edits",
    "loading",
)


def workloads() -> tuple[Workload, ...]:
    """Load all modules, and give their workloads."""
    modules = (import_module(f"{__package__}.{name}") for name in MODULES)
    return tuple(each for module in modules for each in _of(module))


def find(name: str) -> Workload:
    """Give a workload by its name.

    Raises
    ------
    BadInput
        There is none.
    """
    known = {each.name: each for each in workloads()}
    if name not in known:
        raise BadInput(f"No workload {name!r}; known: {', '.join(sorted(known))}.")
    return known[name]


def _of(module: ModuleType) -> tuple[Workload, ...]:
    found: tuple[Workload, ...] = module.WORKLOADS
    return found
