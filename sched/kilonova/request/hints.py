"""Scheduler hints as users give them: texts, lists of texts, queries."""

import json
from collections.abc import Mapping, Sequence

from kilonova.errors import BadServerSpec
from kilonova.request.server import ServerGroup
from kilonova.request.values import is_uuid

Hints = Mapping[str, str | Sequence[object] | Mapping[str, object]]
"""Hints by name; a single text stands for a list of one."""

_UUIDS = ("group", "same_host", "different_host")
_POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")


def read_hints(hints: Hints, group: ServerGroup | None) -> dict[str, tuple[str, ...]]:
    """Return hints as lists of texts, with the one that names the server group.

    Raises
    ------
    BadServerSpec
        If a hint is malformed, names another server group than ``group``, or wants the
        new server both on and off the host of another.

    Notes
    -----
    Same lists as ``RequestSpec._from_hints`` in Nova's ``objects/request_spec.py``,
    same checks of values as its API. Nova lets contradictions pass and finds no host.
    """
    found = {name: _texts(name, value) for name, value in hints.items()}
    for name in _UUIDS:
        for value in found.get(name, ()):
            if not is_uuid(value):
                raise BadServerSpec(f"Hint {name} must be UUIDs, got {value!r}.")
    both = sorted({*found.get("same_host", ())} & {*found.get("different_host", ())})
    if both:
        raise BadServerSpec(
            f"Hints same_host and different_host must not name one server, got {both}."
        )
    if group is not None:
        _check_group(group, found.get("group"))
        found.setdefault("group", (group.uuid,))
    return found


def _texts(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if name == "query":
        # JsonFilter reads the text again.
        return (json.dumps(value),)
    if not isinstance(value, list | tuple):
        raise BadServerSpec(f"Hint {name} must be a text or a list, got {value!r}.")
    return tuple(map(str, value))


def _check_group(group: ServerGroup, hinted: tuple[str, ...] | None) -> None:
    if group.policy not in _POLICIES:
        raise BadServerSpec(
            f"Server group: policy must be one of {_POLICIES}, got {group.policy!r}."
        )
    if hinted is not None and hinted != (group.uuid,):
        raise BadServerSpec(
            f"Hint group must name the server group, {group.uuid!r}, got {hinted}."
        )
