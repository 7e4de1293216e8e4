"""Columnar placement: find, filter and weigh allocation candidates in memory."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kilonova.candidates.cloud import Cloud
    from kilonova.cloud.offers import Inventory
    from kilonova.errors import (
        BadInput,
        Conflict,
        DoesNotFit,
        KilonovaError,
        NotFound,
        NoValidHost,
    )
    from kilonova.hosts.events import Boot, Delete
    from kilonova.hosts.options import Options
    from kilonova.hosts.scheduler import Scheduler
    from kilonova.request.flavor import Flavor
    from kilonova.request.group import Request, RequestGroup
    from kilonova.request.image import Image
    from kilonova.request.server_spec import server_spec

# Where each public name lives. Loaded on first use: importing numba takes over a
# second, and `kilonova --help` needs none of it.
_HOMES = {
    "BadInput": "errors",
    "Boot": "hosts.events",
    "Cloud": "candidates.cloud",
    "Conflict": "errors",
    "Delete": "hosts.events",
    "DoesNotFit": "errors",
    "Flavor": "request.flavor",
    "Image": "request.image",
    "Inventory": "cloud.offers",
    "KilonovaError": "errors",
    "NoValidHost": "errors",
    "NotFound": "errors",
    "Options": "hosts.options",
    "Request": "request.group",
    "RequestGroup": "request.group",
    "Scheduler": "hosts.scheduler",
    "server_spec": "request.server_spec",
}

__all__ = [
    "BadInput",
    "Boot",
    "Cloud",
    "Conflict",
    "Delete",
    "DoesNotFit",
    "Flavor",
    "Image",
    "Inventory",
    "KilonovaError",
    "NoValidHost",
    "NotFound",
    "Options",
    "Request",
    "RequestGroup",
    "Scheduler",
    "server_spec",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
