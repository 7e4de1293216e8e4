"""Common parts have machine code of their own, which cached kernels find in any order.

Method: a module of small functions is compiled in one process and used in others, with
some of its files taken away between them. Every process must give the same answer, and
compile what is missing and nothing else.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.jit

MODULE = """
import sys
from numba.core import event
from kilonova_kernels._jit import common, kernel, part

@kernel
def other(n: int) -> int:
    return n + 1

@part
def once(n: int) -> int:
    return 2 * n

@common
def inner(n: int) -> int:
    found = 0
    for i in range(n):
        found ^= once(i)
    return found

@common
def outer(n: int) -> int:
    return inner(n) + inner(n + 1)

@kernel
def below(n: int) -> int:
    return outer(n) + 1

@part
def between(n: int) -> int:
    return below(n)

@kernel
def above(n: int) -> int:
    return between(n) + 1

class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass

compiled = []
with event.install_listener("numba:compile", Listener()):
    answers = [globals()[name](9) for name in sys.argv[1:]]
print(answers, sorted(compiled))
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module_of_parts.py"
    path.write_text(MODULE)
    return path


def run(module: Path, *names: str) -> tuple[list[int], list[str]]:
    """Call kernels in a process of its own; give the answers and what it compiled."""
    code = (
        f"import sys; sys.path.insert(0, {str(module.parent)!r}); import {module.stem}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        env={
            "PYTHONPATH": ":".join(sys.path),
            "NUMBA_CACHE_DIR": str(module.parent / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers, _, compiled = done.stdout.strip().partition("] ")
    return (
        [int(each) for each in answers.strip("[]").split(",")],
        [each.strip("' ") for each in compiled.strip("[]").split(",") if each],
    )


def forget(module: Path, name: str) -> None:
    """Take the cached files of one function away."""
    files = list((module.parent / "cache").rglob(f"*.{name}-*"))
    assert files
    for file in files:
        file.unlink()


def expected(n: int) -> int:
    def inner(n: int) -> int:
        found = 0
        for i in range(n):
            found ^= 2 * i
        return found

    return inner(n) + inner(n + 1)


def test_whatever_is_lost_is_found_again(module: Path) -> None:
    value = expected(9)
    every = ["above", "below", "between", "inner", "once", "outer"]
    assert run(module, "above") == ([value + 2], every)
    assert run(module, "above") == ([value + 2], [])
    assert run(module, "other", "below", "above") == (
        [10, value + 1, value + 2],
        ["other"],
    )
    # Compiled anew, after another function and in another process.
    forget(module, "inner")
    assert run(module, "other", "above") == ([10, value + 2], ["inner", "once"])
    forget(module, "outer")
    forget(module, "inner")
    assert run(module, "above") == ([value + 2], ["inner", "once", "outer"])
    # Made of a kernel that was loaded, and loaded in its turn.
    forget(module, "above")
    assert run(module, "above") == ([value + 2], ["above", "between"])
    assert run(module, "above") == ([value + 2], [])
