"""The one place where kernels are compiled."""

import ctypes
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit, types
from numba.core import config

from kilonova_kernels._parts import (
    CommonCompiler,
    KernelCache,
    KernelCompiler,
    PartCompiler,
    note_needed,
)
from kilonova_kernels._pointed import Pointed, PointedType

F = TypeVar("F", bound=Callable[..., object])

_CONFIG: Any = config
_NARROW = (types.int8, types.int16, types.int32)
# Its types know only the options that numba documents.
_njit: Any = njit

# numba's cache looks only at the file a kernel is in: after an edit to a helper in
# another file it would go on serving the old machine code. So the kernels of this
# package are cached in a folder named after the text of all of them.
_HERE = Path(__file__).parent
_TEXT = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
_PARENT = Path(_CONFIG.CACHE_DIR or _HERE / "__pycache__")
_CACHE_DIR = str(_PARENT / f"kernels-{hashlib.sha256(_TEXT).hexdigest()[:12]}")


# What calls the code of a kernel for groups of some types. The types are kept with it:
# by their identity it is found again.
_ENTRIES: dict[
    tuple[object, ...], tuple[Callable[..., int], tuple[PointedType, ...]]
] = {}

# Without what Python would call.
_UNCALLABLE = {"no_cpython_wrapper": True}


def kernel(function: F) -> F:
    """Compile ``function`` so that Python can call it.

    Fast-math stays off: weights are compared bit for bit with the oracle in tests/.
    """
    return _compile(function, KernelCompiler)


def common(function: F) -> F:
    """Compile ``function`` once for all kernels that call it; Python cannot call it.

    It is kept on disk, and never taken into a kernel. For large functions that many
    kernels call, and none of them often.
    """
    return _compile(function, CommonCompiler, **_UNCALLABLE)


def part(function: F) -> F:
    """Compile ``function`` for the kernels that call it; Python cannot call it.

    It is optimised within those kernels, and not kept on disk: they are.
    """
    return _compile(function, PartCompiler, cache=False, **_UNCALLABLE)


def inlined(function: F) -> F:
    """Compile ``function`` into the kernels that call it; Python cannot call it.

    For small functions in inner loops alone: a kernel that is one large function takes
    the optimiser minutes.
    """
    return _compile(
        function, PartCompiler, cache=False, forceinline=True, **_UNCALLABLE
    )


def call(function: Callable[..., int], *groups: object) -> int:
    """Call a kernel that takes groups of columns alone, in a microsecond.

    numba looks at each column of each group, to find the compiled code for them, which
    takes longer than many a kernel.
    """
    if _CONFIG.DISABLE_JIT:
        return function(*groups)
    given = cast(tuple[Pointed, ...], groups)
    key = (function, *[id(group.kind) for group in given])
    entry = _ENTRIES.get(key)
    if entry is None:
        entry = _ENTRIES[key] = _entry(function, given)
    found, error = ctypes.c_int64(), ctypes.c_void_p()
    places = [group.address for group in given]
    if entry[0](ctypes.byref(found), ctypes.byref(error), *places):
        raise SystemError(f"{function.__name__} raised, which no kernel may.")
    return found.value


def _entry(
    function: Any, groups: tuple[Pointed, ...]
) -> tuple[Callable[..., int], tuple[PointedType, ...]]:
    """Give what calls the machine code of a kernel for groups of these types."""
    kinds = tuple(group.kind for group in groups)
    function.compile(kinds)
    found = function.overloads[kinds]
    # Compiled functions take places of their result and of an error, then addresses.
    address = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    made = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * (2 + len(groups)))
    return made(address), kinds


def is_compiled(function: Callable[..., object]) -> bool:
    """Say whether machine code of a kernel lies in the cache on disk.

    True as well where nothing is compiled at all (``NUMBA_DISABLE_JIT``).
    """
    cache = getattr(function, "_cache", None)
    if cache is None:
        return True
    return any(Path(cache.cache_path).glob(f"*{function.__name__}-*.nbi"))


def _compile(
    function: F, compiler: type[KernelCompiler], cache: bool = True, **options: object
) -> F:
    # Without numba's reference counts: each look at a column in a group would cost two
    # atomic operations, ten times the work of a small kernel. So kernels cannot
    # allocate, which they should not anyway.
    compile_ = _njit(
        nogil=True,
        error_model="numpy",
        _nrt=False,
        no_cfunc_wrapper=True,
        pipeline_class=compiler,
        **options,
    )
    # numba reads the folder while the cache is made; other packages keep their own.
    before, _CONFIG.CACHE_DIR = _CONFIG.CACHE_DIR, _CACHE_DIR
    try:
        compiled = compile_(function)
        if cache and not _CONFIG.DISABLE_JIT:
            compiled._cache = KernelCache(function)
        return cast(F, _called(compiled))
    finally:
        _CONFIG.CACHE_DIR = before


def _called(function: Any) -> Any:
    """Prepare a function for being called by compiled code.

    Let whole numbers be 64 bits to it: it would be compiled again for each width, and
    for each number that stands as such in a call. And let whatever calls it be loaded
    after what it needs.
    """
    if _CONFIG.DISABLE_JIT:
        return function
    template = function.get_call_template

    def get_call_template(given: Any, named: Any) -> Any:
        wide = {name: _wide(kind) for name, kind in named.items()}
        found = template(tuple(map(_wide, given)), wide)
        note_needed(function, tuple(found[2]))
        return found

    function.get_call_template = get_call_template
    return function


def _wide(kind: Any) -> Any:
    whole = isinstance(kind, types.IntegerLiteral) or kind in _NARROW
    return types.int64 if whole else kind
