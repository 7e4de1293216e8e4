"""How kernels and their parts are compiled: each piece of code is optimised once.

numba optimises each function with all that it calls, and makes machine code of it: what
lies at the end of a long chain of calls it optimises once for each link. Parts, which
Python cannot call, need none of this. And what many kernels call would be optimised
with each of them: common parts have machine code of their own, which kernels call.
"""

import importlib
from typing import Any, NamedTuple

from llvmlite import binding
from numba.core.caching import FunctionCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.runtime.nrt import rtsys

from kilonova_kernels._remembered import remembering

# numba says nothing of the types of what is built on it.
_binding: Any = binding
_FunctionCache: Any = FunctionCache


class Needed(NamedTuple):
    """A common part whose machine code must be there before that of a kernel."""

    module: str
    name: str
    types: tuple[Any, ...]

    def __call__(self) -> None:
        """Have it, from the cache or compiled; numba calls this for a cached kernel."""
        getattr(importlib.import_module(self.module), self.name).compile(self.types)


def note_needed(function: Any, types: tuple[Any, ...]) -> None:
    """Let the cache keep, with what calls a function, what must be loaded before it."""
    found, plain = function.overloads[types], function.py_func
    # numba hands on what was noted when a library was made, not when it was loaded.
    found.library._reload_init.update(found.reload_init)
    if function._compiler.pipeline_class is CommonCompiler:
        needed = Needed(plain.__module__, plain.__name__, types)
        found.library._reload_init.add(needed)


class KernelCache(_FunctionCache):
    """Keeps machine code on disk, and loads it without all that compiling needs.

    numba would import what it knows of numpy first, and scipy for that, and ask itself
    for all it could be asked: a third of a second before the first kernel runs.
    """

    def load_overload(self, signature: Any, context: Any) -> Any:
        rtsys.initialize(context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, context)


class KernelCompiler(Compiler):
    """Compiles a function with all of its parts."""

    def define_pipelines(self) -> Any:
        self.state.library = self._library()
        return super().define_pipelines()

    def _compile_core(self) -> Any:
        with remembering():
            return super()._compile_core()

    def _library(self) -> Any:
        library = _KernelLibrary(self.state.targetctx.codegen(), self._name())
        library.enable_object_caching()
        return library

    def _name(self) -> str:
        return str(self.state.func_id.func_qualname)


class CommonCompiler(KernelCompiler):
    """Compiles a function for kernels that call it, and do not take it in."""

    def _library(self) -> Any:
        # numba numbers functions as they come. Cached kernels of several processes look
        # for this one by its name, which must be the same for all of them.
        self.state.func_id.unique_id = 0
        library = _CommonLibrary(self.state.targetctx.codegen(), self._name())
        library.enable_object_caching()
        return library


class PartCompiler(KernelCompiler):
    """Compiles a function for those that call it, up to where they take it in."""

    def _library(self) -> Any:
        return _PartLibrary(self.state.targetctx.codegen(), self._name())


class _KernelLibrary(JITCodeLibrary):
    """Holds a function; what it calls is linked to it when all is there."""

    def add_linking_library(self, library: Any) -> None:
        super().add_linking_library(library)
        if isinstance(library, _PartLibrary):
            for each in library.called:
                super().add_linking_library(each)


class _PartLibrary(_KernelLibrary):
    """Holds a part alone, and is not made machine code of."""

    @property
    def codegen(self) -> Any:
        return _NoEnvironments

    @property
    def called(self) -> tuple[Any, ...]:
        """What it calls, and all that they call."""
        return tuple(dict.fromkeys(self._linking_libraries))

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0

    def finalize(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _CommonLibrary(_KernelLibrary):
    """Holds a function whose machine code others call."""

    def _finalize_final_module(self) -> None:
        super()._finalize_final_module()
        # What callers take in, and what the cache keeps for them: nothing.
        empty = self._codegen._create_empty_module(self.name)
        self._shared_module = _binding.parse_assembly(str(empty))


class _NoEnvironments:
    """Stands for the machine code, which has no place for what Python would need."""

    @staticmethod
    def set_env(name: str, environment: object) -> None:
        pass
