"""Values of records from JSON and back, as the fields of their dataclasses say.

A field that a dataclass gains is read and written without a line here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from kilonova.errors import BadInput
from kilonova.request.image import Image
from kilonova.request.image_properties import check_properties

Reader = Callable[[str, Any], Any]

_MOST = 2**53
# A node is called like its host unless something else is said: hosts with several nodes
# are rare, and a server without a node is on no host at all.
_NODES = {"node": "host", "source_node": "source_host", "dest_node": "dest_host"}
_DEFAULTS: dict[type[Any], dict[str, Any]] = {}
_READERS: dict[type[Any], tuple[dict[str, Reader], tuple[str, ...]]] = {}
# Values that a field may have, where Nova has no others.
_KNOWN = {
    ("Server", "vm_state"): (
        "building",
        "active",
        "paused",
        "suspended",
        "stopped",
        "rescued",
        "resized",
        "shelved",
        "shelved_offloaded",
        "error",
        "deleted",
        "soft-delete",
    ),
    ("Migration", "kind"): ("resize", "migration", "live-migration", "evacuation"),
    ("Server", "power_state"): (
        "running",
        "shutdown",
        "paused",
        "suspended",
        "crashed",
        "nostate",
    ),
}


def reader_of(hint: Any) -> Reader:
    """Give what reads JSON as a value of one type; it raises BadInput.

    Raises
    ------
    TypeError
        There is no JSON for values of this type.
    """
    origin, given = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional(hint)
    if origin in (tuple, frozenset, Sequence, list):
        return _list_of(origin, given[0])
    if origin in (Mapping, dict):
        return _object_of(given[1])
    if is_dataclass(hint) and isinstance(hint, type):
        return lambda where, value: read_fields(where, value, hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    raise TypeError(f"No JSON for values of type {hint}.")


def read_fields(where: str, given: Any, kind: type[Any]) -> Any:
    """Make a dataclass of a JSON object with its fields.

    Raises
    ------
    BadInput
        A field is unknown, missing or of the wrong kind.
    """
    readers, needed = _fields_of(kind)
    if not isinstance(given, Mapping):
        raise BadInput(f"{where} must be an object, got {given!r:.80}.")
    if unknown := sorted(map(str, given.keys() - readers.keys())):
        known = sorted(readers)
        raise BadInput(f"{where}: unknown key {unknown[0]!r}, known: {known}.")
    for name in needed:
        if name not in given:
            raise BadInput(f"{where}: {name} is missing.")
    made = {name: readers[name](f"{where}: {name}", given[name]) for name in given}
    for node, host in _NODES.items():
        if node in readers and node not in made and host in made:
            made[node] = made[host]
    return kind(**made)


def plain(value: Any) -> Any:
    """Give the JSON of a value; fields of dataclasses with their defaults stay out."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain_fields(value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(each) for each in value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _plain_fields(record: Any) -> dict[str, Any]:
    found = {}
    for name, default in _defaults(type(record)).items():
        value = getattr(record, name)
        unsaid = _NODES.get(name)
        if unsaid is not None and getattr(record, unsaid) is not None:
            found[name] = value
        elif default is MISSING or value != default:
            found[name] = plain(value)
    return found


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """Give the default of each field, ``MISSING`` where there is none; kept."""
    if kind not in _DEFAULTS:
        _DEFAULTS[kind] = {
            each.name: each.default_factory()
            if each.default_factory is not MISSING
            else each.default
            for each in fields(kind)
        }
    return _DEFAULTS[kind]


def _fields_of(kind: type[Any]) -> tuple[dict[str, Reader], tuple[str, ...]]:
    """Give what reads each field, and the fields without a default; kept."""
    if kind not in _READERS:
        _READERS[kind] = _new_fields_of(kind)
    return _READERS[kind]


def _new_fields_of(kind: type[Any]) -> tuple[dict[str, Reader], tuple[str, ...]]:
    hints = get_type_hints(kind)
    readers = {
        each.name: _one_of(_KNOWN[kind.__name__, each.name])
        if (kind.__name__, each.name) in _KNOWN
        else reader_of(hints[each.name])
        for each in fields(kind)
    }
    if kind is Image:
        readers["properties"] = _properties
    needed = [name for name, value in _defaults(kind).items() if value is MISSING]
    return readers, tuple(needed)


def _optional(hint: Any) -> Reader:
    kinds = [each for each in get_args(hint) if each is not NoneType]
    if len(kinds) != 1 or len(get_args(hint)) != 2:
        raise TypeError(f"No JSON for values of type {hint}.")
    read = reader_of(kinds[0])
    return lambda where, value: None if value is None else read(where, value)


def _list_of(origin: Any, kind: Any) -> Reader:
    read = reader_of(kind)
    make: Callable[[Any], Any] = frozenset if origin is frozenset else tuple
    make = list if origin is list else make

    def read_list(where: str, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise BadInput(f"{where} must be a list, got {value!r:.80}.")
        return make([read(f"{where}[{i}]", each) for i, each in enumerate(value)])

    return read_list


def _object_of(kind: Any) -> Reader:
    read = reader_of(kind)

    def read_object(where: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise BadInput(f"{where} must be an object, got {value!r:.80}.")
        for key in value:
            if not isinstance(key, str):
                raise BadInput(f"{where}: keys must be text, got {key!r:.80}.")
        return {key: read(f"{where}: {key!r}", each) for key, each in value.items()}

    return read_object


def _properties(where: str, value: Any) -> Any:
    found = _object_of(object)(where, value)
    check_properties(where, found)
    return found


def _one_of(known: Sequence[str]) -> Reader:
    def read_known(where: str, value: Any) -> str:
        if value not in known:
            right = ", ".join(known)
            raise BadInput(f"{where} must be one of {right}; got {value!r:.80}.")
        return str(value)

    return read_known


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadInput(f"{where} must be a text, got {value!r:.80}.")
    return value


def _boolean(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{where} must be true or false, got {value!r:.80}.")
    return value


def _whole(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{where} must be a whole number, got {value!r:.80}.")
    if not 0 <= value < _MOST:
        raise BadInput(f"{where} must be in 0..{_MOST - 1}, got {value!r:.80}.")
    return value


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{where} must be a number, got {value!r:.80}.")
    if not -_MOST < value < _MOST or not isfinite(value):
        raise BadInput(f"{where} must be within {_MOST}, got {value!r:.80}.")
    return float(value)


def _anything(where: str, value: Any) -> Any:
    return value


_PLAIN: dict[Any, Reader] = {
    str: _text,
    bool: _boolean,
    int: _whole,
    float: _number,
    object: _anything,
}
