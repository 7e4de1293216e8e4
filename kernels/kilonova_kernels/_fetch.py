"""Ask the memory for what will soon be looked at, and go on meanwhile."""

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

# numba says nothing of the types of what extends it.
_extending: Any = extending
_utils: Any = cgutils
_FLAG = ir.IntType(32)
_BYTES = ir.IntType(8).as_pointer()
_PREFETCH = ir.FunctionType(ir.VoidType(), [_BYTES, _FLAG, _FLAG, _FLAG])
# To read, to keep in all caches, data.
_HOW = [ir.Constant(_FLAG, number) for number in (0, 3, 1)]


def fetch(column: Any, place: tuple[int, ...]) -> None:
    """Let one entry of a column be in the cache soon; nobody waits for it."""


@_extending.type_callable(fetch)
def _type(context: Any) -> Any:
    def of(column: Any, place: Any) -> Any:
        return types.void if isinstance(column, types.Array) else None

    return of


@_extending.lower_builtin(fetch, types.Array, types.BaseTuple)
def _lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, indices = signature.args
    array = context.make_array(kind)(context, builder, values[0])
    place = _utils.unpack_tuple(builder, values[1], len(indices))
    at = _utils.get_item_pointer(context, builder, kind, array, place)
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], _PREFETCH)
    builder.call(prefetch, [builder.bitcast(at, _BYTES), *_HOW])
    return context.get_dummy_value()
