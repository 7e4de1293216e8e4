"""What each kernel takes during a call of the library, whatever kernels there are.

Every name in Kilonova's modules that stands for a kernel is made to stand for a meter
around it while calls are watched. Compiled kernels call each other without those names,
so only those are counted that Python calls.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

_KERNELS = "kilonova_kernels"
# What each call of each kernel took, in order.
Taken = dict[str, list[int]]


class Meter(NamedTuple):
    """What is read before and after a call of a kernel.

    Attributes
    ----------
    begin
        Read before it.
    end
        Given that, says after it what the call took.
    """

    begin: Callable[[], int]
    end: Callable[[int], int]


# Nanoseconds.
CLOCK = Meter(time.perf_counter_ns, lambda before: time.perf_counter_ns() - before)


def callable_kernels() -> list[str]:
    """List the kernels that Python can call, of the modules loaded so far."""
    return sorted({kernel_name(kernel) for kernel in _found().values()})


def kernels_without_code() -> list[str]:
    """List those of them that nobody has called so far."""
    found = _found().values()
    return sorted({kernel_name(one) for one in found if not one.signatures})


@contextmanager
def watched(meter: Meter = CLOCK) -> Iterator[Taken]:
    """Note what calls of kernels take inside the block; all must be compiled before."""
    taken: Taken = defaultdict(list)
    metered = {
        number: _metered(each, meter, taken) for number, each in _found().items()
    }
    if metered:
        metered |= _caller(meter, taken)
    replaced: list[tuple[ModuleType, str, Any]] = []
    try:
        for module in _modules("kilonova"):
            for name, value in list(vars(module).items()):
                if id(value) in metered:
                    replaced.append((module, name, value))
                    setattr(module, name, metered[id(value)])
        yield taken
    finally:
        for module, name, value in replaced:
            setattr(module, name, value)


def _found() -> dict[int, Any]:
    """Give the kernels by identity; none where nothing is compiled."""
    from numba.core.dispatcher import Dispatcher

    return {
        id(value): value
        for module in _modules(_KERNELS)
        for value in vars(module).values()
        if isinstance(value, Dispatcher) and _is_callable(value)
    }


def _is_callable(kernel: Any) -> bool:
    # Parts of kernels are compiled without what Python could call.
    return not kernel.targetoptions.get("no_cpython_wrapper", False)


def kernel_name(kernel: Any) -> str:
    """Name a kernel by its module and itself."""
    module = kernel.py_func.__module__.removeprefix(f"{_KERNELS}.")
    return f"{module}.{kernel.py_func.__name__}"


def _metered(kernel: Any, meter: Meter, taken: Taken) -> Callable[..., Any]:
    name, (begin, end) = kernel_name(kernel), meter

    def metered(*arguments: Any) -> Any:
        before = begin()
        try:
            return kernel(*arguments)
        finally:
            taken[name].append(end(before))

    vars(metered)["kernel"] = kernel
    return metered


def _caller(meter: Meter, taken: Taken) -> dict[int, Callable[..., Any]]:
    """Give a meter, by identity, around what calls kernels by address."""
    from kilonova_kernels._jit import call

    begin, end = meter

    def metered(kernel: Any, *groups: Any) -> int:
        own = getattr(kernel, "kernel", kernel)
        name, before = kernel_name(own), begin()
        try:
            return call(own, *groups)
        finally:
            taken[name].append(end(before))

    return {id(call): metered}


def _modules(prefix: str) -> list[ModuleType]:
    return [
        module
        for name, module in sorted(sys.modules.items())
        if name.partition(".")[0] in (prefix, _KERNELS)
    ]
