"""Scheduler hints, as Nova reads them."""

from kilonova.request.server import ServerSpec


def listed(spec: ServerSpec, name: str) -> tuple[str, ...]:
    """Give the texts of a hint, none where it is not given."""
    return spec.hints.get(name, ())


def single(spec: ServerSpec, name: str, otherwise: str = "") -> str:
    """Give the first text of a hint that holds one."""
    return (*spec.hints.get(name, ()), otherwise)[0]


def is_rebuild(spec: ServerSpec) -> bool:
    """Say whether the scheduler is asked about a rebuild.

    Same as ``request_is_rebuild`` in Nova's ``scheduler/utils.py``.
    """
    return tuple(spec.hints.get("_nova_check_type", ())) == ("rebuild",)
