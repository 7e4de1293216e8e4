"""Columnar placement: find, filter and weigh allocation candidates in memory."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kilonova.candidates.cloud import Cloud
    from kilonova.cloud.offers import Inventory
    from kilonova.errors import BadInput, Conflict, DoesNotFit, KilonovaError, NotFound
    from kilonova.request.group import Request, RequestGroup

# Where each public name lives. Loaded on first use: importing numba takes over a
# second, and `kilonova --help` needs none of it.
_HOMES = {
    "BadInput": "errors",
    "Cloud": "candidates.cloud",
    "Conflict": "errors",
    "DoesNotFit": "errors",
    "Inventory": "cloud.offers",
    "KilonovaError": "errors",
    "NotFound": "errors",
    "Request": "request.group",
    "RequestGroup": "request.group",
}

__all__ = [
    "BadInput",
    "Cloud",
    "Conflict",
    "DoesNotFit",
    "Inventory",
    "KilonovaError",
    "NotFound",
    "Request",
    "RequestGroup",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
