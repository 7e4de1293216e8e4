"""The clock that heartbeats are compared with; a replay has one of its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CLOCK: ContextVar[Callable[[], float]] = ContextVar("clock", default=time.time)


def now() -> float:
    """Give the present time in seconds since 1970."""
    return _CLOCK.get()()


@contextmanager
def using(clock: Callable[[], float]) -> Iterator[None]:
    """Let another clock tell the time meanwhile."""
    token = _CLOCK.set(clock)
    try:
        yield
    finally:
        _CLOCK.reset(token)
