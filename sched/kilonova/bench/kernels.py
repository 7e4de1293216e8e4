"""Time in each kernel during a call of the library, whatever kernels there are.

Every name in Kilonova's modules that stands for a kernel is made to stand for a clock
around it while calls are watched. Compiled kernels call each other without those names,
so only those are counted that Python calls.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_KERNELS = "kilonova_kernels"
# Sum of what a call of the library spends in each, in nanoseconds.
Spent = dict[str, int]


def callable_kernels() -> list[str]:
    """List the kernels that Python can call, of the modules loaded so far."""
    return sorted({kernel_name(kernel) for kernel in _found().values()})


def kernels_without_code() -> list[str]:
    """List those of them that nobody has called so far."""
    found = _found().values()
    return sorted({kernel_name(one) for one in found if not one.signatures})


@contextmanager
def watched() -> Iterator[Spent]:
    """Count time in kernels inside the block; all must be compiled already."""
    spent: Spent = defaultdict(int)
    clocks = {number: _clock(kernel, spent) for number, kernel in _found().items()}
    if clocks:
        clocks |= _caller(spent)
    replaced: list[tuple[ModuleType, str, Any]] = []
    try:
        for module in _modules("kilonova"):
            for name, value in list(vars(module).items()):
                if id(value) in clocks:
                    replaced.append((module, name, value))
                    setattr(module, name, clocks[id(value)])
        yield spent
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


def _clock(kernel: Any, spent: Spent) -> Callable[..., Any]:
    name, now = kernel_name(kernel), time.perf_counter_ns

    def clocked(*arguments: Any) -> Any:
        begin = now()
        try:
            return kernel(*arguments)
        finally:
            spent[name] += now() - begin

    vars(clocked)["kernel"] = kernel
    return clocked


def _caller(spent: Spent) -> dict[int, Callable[..., Any]]:
    """Give a clock, by identity, around what calls kernels by address."""
    from kilonova_kernels._jit import call

    def clocked(kernel: Any, *groups: Any) -> int:
        own = getattr(kernel, "kernel", kernel)
        begin = time.perf_counter_ns()
        try:
            return call(own, *groups)
        finally:
            spent[kernel_name(own)] += time.perf_counter_ns() - begin

    return {id(call): clocked}


def _modules(prefix: str) -> list[ModuleType]:
    return [
        module
        for name, module in sorted(sys.modules.items())
        if name.partition(".")[0] in (prefix, _KERNELS)
    ]
