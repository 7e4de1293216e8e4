"""Groups of columns that are one pointer to a kernel.

A group of columns is some two hundred words. numba passes a tuple word by word: to look
at it from Python, to pass it on and to compile that costs more than most kernels do. So
a group lies in memory as a row of words, and kernels get its address.
"""

import hashlib
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core.typing.templates import AttributeTemplate
from numba.np.numpy_support import as_dtype, from_dtype

T = TypeVar("T", bound=tuple[Any, ...])

# numba says nothing of the types of what extends it.
_extending: Any = extending
_Array: Any = types.Array
_WORD = ir.IntType(64)


class Pointed:
    """What a group of columns has beside its fields: words in memory."""

    @property
    def address(self) -> int:
        """Where the words of the group lie, made at the first look."""
        kept = self.__dict__
        if "_address" not in kept:
            fields: Any = self
            words = [word for field in fields for word in _words(field)]
            kept["_words"] = np.array(words, np.int64)
            kept["_address"] = kept["_words"].ctypes.data
        return int(kept["_address"])

    def __getstate__(self) -> None:
        """Keep what is derived out of copies, whose columns lie elsewhere."""

    @property
    def kind(self) -> "PointedType":
        """The type of the group, made at the first look."""
        kept = self.__dict__
        if "_kind" not in kept:
            kept["_kind"] = _typeof(self, None)
        found: PointedType = kept["_kind"]
        return found


def pointed(cls: type[T]) -> type[T]:
    """Let a NamedTuple of arrays and such groups be one pointer to kernels."""
    made: Any = type(
        cls.__name__,
        (cls, Pointed),
        {
            "__doc__": cls.__doc__,
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
        },
    )
    _extending.typeof_impl.register(made)(_typeof)
    return made


class PointedType(types.Type):
    """The address of a group, whose fields have names and types."""

    def __init__(self, name: str, fields: tuple[tuple[str, Any], ...]) -> None:
        self.fields = dict(fields)
        self.place, end = {}, 0
        for field, kind in fields:
            self.place[field] = end
            end += 2 + 2 * kind.ndim if isinstance(kind, types.Array) else 1
        # The names of compiled functions have those of their types in them.
        digest = hashlib.sha256(repr(fields).encode()).hexdigest()[:10]
        super().__init__(name=f"{name}.{digest}")


def _words(field: Any) -> tuple[int, ...]:
    if isinstance(field, Pointed):
        return (field.address,)
    start = field.__array_interface__["data"][0]
    return (start, field.size, *field.shape, *field.strides)


def _typeof(value: Any, context: Any) -> PointedType:
    kinds = tuple(_kind(field) for field in value)
    return _pointed_type(type(value).__name__, value._fields, kinds)


def _kind(field: Any) -> Any:
    if isinstance(field, Pointed):
        return field.kind
    flags = field.flags
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    return _array_type(field.dtype, field.ndim, layout, flags.writeable)


@lru_cache(maxsize=256)
def _array_type(dtype: Any, ndim: int, layout: str, writeable: bool) -> Any:
    element = from_dtype(dtype)
    return _Array(element, ndim, layout, readonly=not writeable)


@lru_cache(maxsize=256)
def _pointed_type(
    name: str, fields: tuple[str, ...], kinds: tuple[Any, ...]
) -> PointedType:
    return PointedType(name, tuple(zip(fields, kinds, strict=True)))


_extending.register_model(PointedType)(_extending.models.OpaqueModel)


@_extending.unbox(PointedType)
def _unbox(kind: PointedType, value: Any, c: Any) -> Any:
    address = c.pyapi.object_getattr_string(value, "address")
    pointer = c.pyapi.long_as_voidptr(address)
    c.pyapi.decref(address)
    return _extending.NativeValue(pointer, is_error=c.pyapi.c_api_error())


@_extending.infer_getattr
class _Fields(AttributeTemplate):
    key = PointedType

    def generic_resolve(self, kind: Any, name: str) -> Any:
        return kind.fields.get(name)


@_extending.lower_getattr_generic(PointedType)
def _field(context: Any, builder: Any, kind: PointedType, group: Any, name: str) -> Any:
    words, place = builder.bitcast(group, _WORD.as_pointer()), kind.place[name]
    model = context.data_model_manager[kind.fields[name]]
    if isinstance(kind.fields[name], PointedType):
        return _word(builder, words, place, model.get_value_type())
    return _array(builder, model, words, place)


def _array(builder: Any, model: Any, words: Any, place: int) -> Any:
    """Load what an array needs; kernels count no references, so it has no owner."""
    array = ir.Constant(model.get_value_type(), None)
    ndim, element = model.fe_type.ndim, model.fe_type.dtype
    kind = model.get_value_type().elements[model.get_field_position("data")]
    found = {
        "data": _word(builder, words, place, kind),
        "nitems": _word(builder, words, place + 1, _WORD),
        "itemsize": ir.Constant(_WORD, as_dtype(element).itemsize),
    }
    for name, first in (("shape", place + 2), ("strides", place + 2 + ndim)):
        row = ir.Constant(ir.ArrayType(_WORD, ndim), ir.Undefined)
        for i in range(ndim):
            word = _word(builder, words, first + i, _WORD)
            row = builder.insert_value(row, word, i)
        found[name] = row
    for name, value in found.items():
        array = model.set(builder, array, value, name)
    return array


def _word(builder: Any, words: Any, place: int, kind: Any) -> Any:
    """Load one word of a group: no kernel writes any, so one load serves for all."""
    at = builder.gep(words, [ir.Constant(ir.IntType(32), place)])
    found = builder.load(builder.bitcast(at, kind.as_pointer()))
    found.set_metadata("invariant.load", builder.module.add_metadata([]))
    return found
