"""The house rules that a machine can hold: layers, kernels, sizes, the public face.

The sources are parsed and never imported, except where the rule is about what an import
brings in: those run in a process of their own.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import kilonova

ROOT = Path(__file__).resolve().parent.parent

# The stages of ARCHITECTURE.md, lowest first: a package imports from those before it
# and from itself. `kilonova` alone is its own __init__, the face of the library.
LAYERS = [
    "kilonova.errors",
    "kilonova.newfiles",
    "kilonova.textfiles",
    "kilonova_kernels",
    "kilonova.cloud",
    "kilonova.request",
    "kilonova.candidates",
    "kilonova.hosts",
    "kilonova.records",
    "kilonova.moves",
    "kilonova.plan",
    "kilonova.admin",
    "kilonova.store",
    "kilonova.replay",
    "kilonova",
    "kilonova.bench",
    "kilonova.api",
    "kilonova.cli",
    "kilonova.__main__",
]
RANK = {name: rank for rank, name in enumerate(LAYERS)}

SHIPPED = [
    path for top in ("kernels", "sched") for path in sorted((ROOT / top).rglob("*.py"))
]
TESTING = [
    path
    for top in ("tests", "bench", "scripts")
    for path in sorted((ROOT / top).rglob("*.py"))
]
KERNELS = [path for path in SHIPPED if ROOT / "kernels" in path.parents]
JIT = ROOT / "kernels/kilonova_kernels/_jit.py"
# How kernels are compiled and called.
MACHINES = ("_fetch.py", "_parts.py", "_pointed.py", "_remembered.py")
MACHINERY = {JIT, *map(JIT.with_name, MACHINES)}
ORACLES = sorted((ROOT / "tests/oracle").rglob("*.py"))

# What numba compiles with. Only `_jit.py` may, so that all kernels share its options.
COMPILERS = {
    "cfunc",
    "generated_jit",
    "guvectorize",
    "jit",
    "jit_module",
    "jitclass",
    "njit",
    "overload",
    "stencil",
    "vectorize",
}

# These take from a third of a second to over one, and `--help` needs none of them.
HEAVY = {"altair", "numba", "pyarrow", "scipy"}

# A path of the machine that a file was written on, or of a folder beside the checkout.
PRIVATE = re.compile(rb"(?<![\w.~-])/(?:work|root|home|Users)/|\.\./shared\b")


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """Return the dotted name of a module below a source root."""
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts).removesuffix(".__init__")


def layer(module: str) -> str:
    """Return the package of a module: two words of its name, or one for the kernels."""
    if module.partition(".")[0] == "kilonova_kernels":
        return "kilonova_kernels"
    return ".".join(module.split(".")[:2])


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[str]:
    """Return the modules that a file names, also those for type checkers only."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from kilonova import cloud` names a package, `... import Cloud` its face.
            packages = {name for name in names if name in RANK}
            found |= packages
            if names - packages:
                found.add(node.module or "")
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def run(code: str) -> str:
    """Run Python code in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", SHIPPED, ids=label)
def test_imports_point_down(path: Path) -> None:
    own = layer(module_name(path))
    assert own in RANK, f"{own} has no place in LAYERS"
    ours = {
        name
        for name in imported(path)
        if name.partition(".")[0] in ("kilonova", "kilonova_kernels")
    }
    assert {layer(name) for name in ours} <= RANK.keys()
    above = {
        name for name in ours if layer(name) != own and RANK[layer(name)] > RANK[own]
    }
    assert not above, f"{own} lies below them"


@pytest.mark.parametrize("path", sorted({*KERNELS} - MACHINERY), ids=label)
def test_kernels_need_only_numpy_and_numba(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert tops <= {"kilonova_kernels", "math", "numba", "numpy", "typing"}


@pytest.mark.parametrize("path", sorted({*KERNELS} - MACHINERY), ids=label)
def test_kernels_have_one_decorator(path: Path) -> None:
    for function in functions(path):
        decorators = [ast.unparse(each) for each in function.decorator_list]
        assert decorators in (["kernel"], ["common"], ["part"], ["inlined"]), (
            f"line {function.lineno}: {function.name}"
        )


@pytest.mark.parametrize("path", sorted({*SHIPPED} - {JIT}), ids=label)
def test_only_one_module_compiles(path: Path) -> None:
    used: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            of_numba = node.module.partition(".")[0] == "numba"
            used |= {alias.name for alias in node.names if of_numba}
        elif isinstance(node, ast.Attribute):
            of_numba = ast.unparse(node.value) in ("nb", "numba")
            used |= {node.attr} if of_numba else set()
    assert not used & COMPILERS


@pytest.mark.parametrize("path", SHIPPED + TESTING, ids=label)
def test_modules_and_functions_stay_small(path: Path) -> None:
    assert path.stem != "utils", "says nothing of what it holds"
    length = len(path.read_text(encoding="utf-8").splitlines())
    assert length <= 400, f"{length} lines"
    for function in functions(path):
        docstring = ast.get_docstring(function, clean=False)
        inside = docstring.count("\n") + 1 if docstring else 0
        lines = (function.end_lineno or 0) - function.lineno + 1 - inside
        assert lines <= 60, f"{function.name} has {lines} lines"
        signature = function.args
        names = [
            each.arg
            for each in (
                *signature.posonlyargs,
                *signature.args,
                *signature.kwonlyargs,
                *filter(None, (signature.vararg, signature.kwarg)),
            )
        ]
        count = len([name for name in names if name not in ("self", "cls")])
        assert count <= 7, f"{function.name} has {count} parameters"


@pytest.mark.parametrize("folder", ["sched", "kernels"])
def test_source_roots_are_not_packages(folder: str) -> None:
    # With this file, `import sched` from the root would find us, not the stdlib.
    assert not (ROOT / folder / "__init__.py").exists()


def test_stdlib_sched_is_found_from_the_root() -> None:
    assert run("import sched; print(hasattr(sched, 'scheduler'))") == "True\n"


def test_public_names_are_few_sorted_and_there() -> None:
    names = kilonova.__all__
    assert names == sorted(names)
    assert len(names) <= 20
    assert not [name for name in names if not hasattr(kilonova, name)]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import kilonova", id="import"),
        pytest.param(
            "import contextlib, io\n"
            "from kilonova.cli import main\n"
            "sys.argv = ['kilonova', '--help']\n"
            "with contextlib.redirect_stdout(io.StringIO()) as shown:\n"
            "    with contextlib.suppress(SystemExit):\n"
            "        main()\n"
            "assert 'replay' in shown.getvalue(), shown.getvalue()",
            id="help",
        ),
    ],
)
def test_start_loads_nothing_heavy(code: str) -> None:
    show = f"print(sorted({HEAVY} & set(sys.modules)))"
    assert run(f"import sys\n{code}\n{show}") == "[]\n"


@pytest.mark.parametrize("path", ORACLES, ids=label)
def test_oracles_name_no_kernel(path: Path) -> None:
    assert "kilonova_kernels" not in {name.partition(".")[0] for name in imported(path)}


def test_oracles_load_no_kernel() -> None:
    tests = ROOT / "tests"
    names = [
        ".".join(path.relative_to(tests).with_suffix("").parts) for path in ORACLES
    ]
    code = [
        "import importlib, sys",
        f"sys.path.insert(0, {str(tests)!r})",
        f"for name in {names}: importlib.import_module(name)",
        "print('kilonova_kernels' in sys.modules)",
    ]
    assert run("\n".join(code)) == "False\n"


def test_no_file_names_what_only_one_machine_has() -> None:
    # New files too, before they are added: they are about to be committed.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert ROOT / "pyproject.toml" in paths
    found = [
        f"{label(path)}:{number}: {line.decode(errors='replace').strip()[:80]}"
        for path in paths
        if path.is_file()
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1)
        if PRIVATE.search(line)
    ]
    assert not found
