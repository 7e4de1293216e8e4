"""JsonFilter: hosts that satisfy a query of the user, an expression in JSON."""

import json
import operator
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Any

from kilonova.cloud.host import Host
from kilonova.errors import BadServerSpec
from kilonova.hosts.filters import hints
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec

_ATTRIBUTES = frozenset(Host.__dataclass_fields__) - {"rooms"}
_SERVICE = {"disabled", "disabled_reason", "forced_down", "host"}

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether a host satisfies the query of hint ``query``.

    Raises
    ------
    BadServerSpec
        The query is no JSON, names an unknown operator, or compares what cannot be.

    Notes
    -----
    Nova's ``scheduler/filters/json_filter.py``: an argument without a value, such as an
    attribute that the host does not have, is left out; a comparison of fewer than two
    is false; ``not`` gives a list, which is true where anything in it is.
    """
    text = hints.single(spec, "query")
    if not text:
        return True
    try:
        result = _value(_parsed(text), host)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadServerSpec(
            f"Hint 'query' must be nested lists of an operator "
            f"({', '.join([*_COMPARISONS, 'in', 'not', 'or', 'and'])}) and arguments "
            f"that compare, got {text!r}: {error}.",
            type(error).__name__,
        ) from None
    return any(result) if isinstance(result, list) else bool(result)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise BadServerSpec(
            f"Hint 'query' must be JSON, got {text!r}.", "ValueError"
        ) from None


def _value(query: Any, host: Host) -> Any:
    if not query:
        return True
    name = query[0]
    arguments = []
    if name not in _COMPARISONS:
        # An unknown operator is an error even where its arguments are, too.
        _COMBINED[name]
    for argument in query[1:]:
        if isinstance(argument, list):
            argument = _value(argument, host)
        elif isinstance(argument, str):
            argument = _text(argument, host)
        if argument is not None:
            arguments.append(argument)
    if name in _COMPARISONS:
        return _compares(_COMPARISONS[name], arguments)
    return _COMBINED[name](arguments)


def _compares(compare: Callable[[Any, Any], Any], arguments: list[Any]) -> bool:
    if len(arguments) < 2:
        return False
    # All are compared, so that one that cannot be is an error wherever it stands.
    answers = [compare(arguments[0], other) for other in arguments[1:]]
    return all(answers)


def _is_in(arguments: list[Any]) -> bool:
    return len(arguments) > 1 and arguments[0] in arguments[1:]


_COMBINED: dict[str, Callable[[list[Any]], Any]] = {
    "in": _is_in,
    "not": lambda arguments: [not argument for argument in arguments],
    "or": any,
    "and": all,
}


def _text(text: str, host: Host) -> Any:
    """Look an attribute up, ``$name`` or ``$name.key``; give other text as it is."""
    if not text.startswith("$"):
        return text or None
    name, *keys = text[1:].split(".")
    found = _attribute(name, host)
    for key in keys:
        if found is None:
            return None
        found = found.get(key)
    return found


def _attribute(name: str, host: Host) -> Any:
    if name == "service":
        return {key: getattr(host, key) for key in _SERVICE}
    return None if name.startswith("_") else getattr(host, name, None)


def _names(query: Any) -> Iterator[str]:
    if isinstance(query, list):
        for part in query:
            yield from _names(part)
    elif isinstance(query, str) and query.startswith("$"):
        yield query[1:].partition(".")[0]


def reads_for(spec: ServerSpec, options: Options) -> frozenset[str]:
    """Name the attributes that the query looks up."""
    text = hints.single(spec, "query")
    names = set(_names(_parsed(text))) if text else set()
    if "service" in names:
        names |= _SERVICE
    return frozenset(names & _ATTRIBUTES)


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the query, None without one."""
    return hints.single(spec, "query") or None


JSON = register(
    Filter(
        name="JsonFilter",
        passes=passes,
        asks=asks,
        reads=_ATTRIBUTES,
        reads_for=reads_for,
    )
)
