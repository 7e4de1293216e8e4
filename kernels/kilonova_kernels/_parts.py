"""Parts of kernels, which are optimised within the kernels and nowhere else.

numba optimises each function with all that it calls, and makes machine code of it: what
lies at the end of a long chain of calls it optimises once for each link. Parts, which
Python cannot call, need none of this.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler


class PartCompiler(Compiler):
    """Compiles a function for those that call it, up to where they take it in."""

    def define_pipelines(self) -> Any:
        self.state.library = _PartLibrary(self.state.targetctx.codegen(), "part")
        return super().define_pipelines()


class _PartLibrary(JITCodeLibrary):
    """Holds a part and all that it calls, and is not made machine code of."""

    @property
    def codegen(self) -> Any:
        return _NoEnvironments

    def get_pointer_to_function(self, name: str) -> int:
        return 0

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _NoEnvironments:
    """Stands for the machine code, which has no place for what Python would need."""

    @staticmethod
    def set_env(name: str, environment: object) -> None:
        pass
