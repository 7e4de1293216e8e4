"""The one place where kernels are compiled."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import config

F = TypeVar("F", bound=Callable[..., object])

_CONFIG: Any = config

# numba's cache looks only at the file a kernel is in: after an edit to a helper in
# another file it would go on serving the old machine code. So the kernels of this
# package are cached in a folder named after the text of all of them.
_HERE = Path(__file__).parent
_TEXT = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
_PARENT = Path(_CONFIG.CACHE_DIR or _HERE / "__pycache__")
_CACHE_DIR = str(_PARENT / f"kernels-{hashlib.sha256(_TEXT).hexdigest()[:12]}")


def kernel(function: F) -> F:
    """Compile ``function`` with the options that every kernel shares.

    Fast-math stays off: weights are compared bit for bit with the oracle in tests/.
    """
    compile_ = njit(cache=True, nogil=True, error_model="numpy")
    # numba reads the folder while it decorates; other packages keep their own.
    before, _CONFIG.CACHE_DIR = _CONFIG.CACHE_DIR, _CACHE_DIR
    try:
        return cast(F, compile_(function))
    finally:
        _CONFIG.CACHE_DIR = before
