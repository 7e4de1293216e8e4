"""Values of options: from the text or number of a file to the type of the option."""

import json
import math
import re
from collections.abc import Mapping, Sequence

from kilonova.errors import BadOption
from kilonova.hosts.settings import numbers

# The least value of options that have one; the others take any.
_LEAST: Mapping[tuple[str, str], float] = {
    ("scheduler", "max_attempts"): 1,
    ("scheduler", "max_placement_results"): 1,
    ("filter_scheduler", "host_subset_size"): 1,
    ("filter_scheduler", "max_io_ops_per_host"): 0,
    ("filter_scheduler", "max_instances_per_host"): 1,
    ("filter_scheduler", "pci_weight_multiplier"): 0.0,
    ("filter_scheduler", "soft_affinity_weight_multiplier"): 0.0,
    ("filter_scheduler", "soft_anti_affinity_weight_multiplier"): 0.0,
}
# Lists of ``name=number``.
_SETTINGS = frozenset(
    [("metrics", "weight_setting"), ("filter_scheduler", "image_props_weight_setting")]
)
_BOOLEANS = {
    **dict.fromkeys(("true", "1", "on", "yes"), True),
    **dict.fromkeys(("false", "0", "off", "no"), False),
}
_REFERENCE = re.compile(r"\$(\$|[a-zA-Z_{])")

Value = bool | int | float | str | tuple[str, ...] | None


def from_texts(
    section: str, option: str, default: Value, texts: Sequence[str], many: bool
) -> Value:
    """Read an option as oslo.config does.

    Parameters
    ----------
    section, option
        For the error, and for the least value.
    default
        A value of the option's type; None for a text that may be missing.
    texts
        All values that were given; the last one counts unless there may be many.
    many
        Whether each of ``texts`` is a value of its own.

    Raises
    ------
    BadOption
        If it is no value of that type, not finite, or too small.
    """
    where = f"[{section}] {option}"
    resolved = [_resolved(where, text) for text in texts]
    if many:
        return tuple(resolved)
    text = resolved[-1]
    if isinstance(default, tuple):
        items = text.strip().rstrip(",")
        listed = tuple(map(str.strip, items.split(","))) if items else ()
        return _weighty((section, option), listed)
    if isinstance(default, bool):
        if text.lower() not in _BOOLEANS:
            raise _bad(where, "true or false", text)
        return _BOOLEANS[text.lower()]
    if isinstance(default, int | float):
        return _number((section, option), type(default), text)
    return text


def from_toml(section: str, option: str, default: Value, value: object) -> Value:
    """Take an option from TOML, where values have types.

    A list may hold tables, which become JSON texts, as ``[pci] alias`` wants them.

    Raises
    ------
    BadOption
        If it is no value of the option's type, not finite, or too small.
    """
    where = f"[{section}] {option}"
    if isinstance(default, tuple):
        if not isinstance(value, list):
            raise _bad(where, "a list of texts", value)
        return _weighty((section, option), tuple(_item(where, each) for each in value))
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise _bad(where, "true or false", value)
        return value
    if isinstance(default, int | float):
        # A bool is an int to Python, but not to TOML.
        fits = not isinstance(value, bool) and isinstance(value, int | type(default))
        if not fits:
            raise _bad(where, _right((section, option), type(default)), value)
        return _number((section, option), type(default), str(value))
    if not isinstance(value, str):
        raise _bad(where, "a text", value)
    return value


def _number(
    key: tuple[str, str], kind: type[int] | type[float], text: str
) -> int | float:
    least = _LEAST.get(key)
    try:
        number = kind(text.strip())
    except ValueError:
        number = None
    # With infinity or no number at all as a multiplier, hosts could not be compared.
    if isinstance(number, float) and not math.isfinite(number):
        number = None
    if number is None or (least is not None and number < least):
        raise _bad("[{}] {}".format(*key), _right(key, kind), text)
    return number


def check_value(section: str, option: str, value: Value) -> None:
    """Raise BadOption where a value made in Python is one that no file may have."""
    if isinstance(value, tuple):
        _weighty((section, option), value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _number((section, option), type(value), str(value))


def _right(key: tuple[str, str], kind: type[int] | type[float]) -> str:
    least = _LEAST.get(key)
    bound = "" if least is None else f" from {least:g}"
    return f"a {'whole' if kind is int else 'finite'} number{bound}"


def _weighty(key: tuple[str, str], items: tuple[str, ...]) -> tuple[str, ...]:
    """Give the items of a list; weights among them that are not finite are refused."""
    if key in _SETTINGS:
        for item in items:
            if not all(math.isfinite(number) for _, number in numbers((item,))):
                raise _bad("[{}] {}".format(*key), "of NAME=NUMBER, all finite", item)
    return items


def _item(where: str, item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, dict):
        return json.dumps(item)
    raise _bad(where, "a list of texts", item)


def _resolved(where: str, text: str) -> str:
    """Take the escapes off dollar signs; a reference to another option is refused."""
    escaped = text.replace("\\$", "$$")
    for match in _REFERENCE.finditer(escaped):
        if match[1] != "$":
            raise _bad(where, "without references to other options", text)
    return escaped.replace("$$", "$")


def _bad(where: str, right: str, got: object) -> BadOption:
    return BadOption(f"{where} must be {right}, got {got!r}.")
