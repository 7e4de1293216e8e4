"""The operators that extra specs compare with: ``>= 4``, ``<in> avx``, ``s== x``."""

import operator
from collections.abc import Callable

from kilonova.errors import BadServerSpec

# `=` is the oldest operator and means "at least".
_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": operator.contains,
}


def match(value: str | None, requirement: str, key: str = "a requirement") -> bool:
    """Say whether a value satisfies a requirement.

    Parameters
    ----------
    value
        What the host or aggregate has, None where it has nothing.
    requirement
        An operator and its operands, apart by spaces; without a known operator the
        whole text must be equal.
    key
        Name of what requires it, for the message of an error.

    Raises
    ------
    BadServerSpec
        A numeric operator meets what is no number, or ``<or>`` has no operand.

    Notes
    -----
    Same answer as ``match`` in Nova's ``scheduler/filters/extra_specs_ops.py``.
    """
    name, *words = requirement.split() or [""]
    if name not in _NUMBERS and name not in _TEXTS and name not in ("<all-in>", "<or>"):
        return value == requirement
    if value is None:
        return False
    if name == "<or>":
        return _is_any(value, words, requirement, key)
    if not words:
        return False
    if name == "<all-in>":
        return all(word in value for word in words)
    if name in _TEXTS:
        return _TEXTS[name](value, words[0])
    try:
        return _NUMBERS[name](float(value), float(words[0]))
    except ValueError:
        raise BadServerSpec(
            f"{key} compares numbers by {requirement!r}, and {value!r} or "
            f"{words[0]!r} is none. Operators for text begin with 's'.",
            "ValueError",
        ) from None


def _is_any(value: str, words: list[str], requirement: str, key: str) -> bool:
    if not words:
        raise BadServerSpec(
            f"{key} has no operand in {requirement!r}; <or> needs at least one.",
            "IndexError",
        )
    # Every second word is an operand; Nova looks at none of those between.
    return value in words[::2]
