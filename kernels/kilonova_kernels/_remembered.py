"""What numba found of the types of operations, remembered while it compiles kernels.

For each addition of two numbers numba asks some ten sources, one after the other, that
it asked at the last addition. That is a fifth of the time which a kernel takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba import types

_TYPES: Any = types
_PLAIN = (
    _TYPES.Array,
    _TYPES.Boolean,
    _TYPES.NoneType,
    _TYPES.Number,
    _TYPES.SliceType,
)
_ASK = "get_call_type"
_Question = tuple[Any, Any, tuple[Any, ...]]
_ANSWERS: dict[_Question, Any] = {}


@contextmanager
def remembering() -> Iterator[None]:
    """Let functions of numba answer as before where types are all they look at.

    numba compiles one function at a time, with those that it calls inside.
    """
    functions = _TYPES.Function
    if _ASK in vars(functions):
        yield
        return
    ask = functions.get_call_type

    def asked(function: Any, context: Any, given: Any, named: Any) -> Any:
        if named or not all(map(_is_known, given)):
            return ask(function, context, given, named)
        question = (function, context, tuple(given))
        answer = _ANSWERS.get(question)
        if answer is None:
            answer = _ANSWERS[question] = ask(function, context, given, named)
        return answer

    functions.get_call_type = asked
    try:
        yield
    finally:
        delattr(functions, _ASK)


def _is_known(kind: Any) -> bool:
    """Say whether a type is all there is to know of a value."""
    if isinstance(kind, _TYPES.BaseTuple):
        return all(map(_is_known, kind.types))
    return isinstance(kind, _PLAIN)
