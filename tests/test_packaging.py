"""What a user gets: a wheel built from this checkout holds all that the library needs.

The wheel is built once, without network and without a build environment of its own, so
that it takes about a second; then it is looked into and imported from, as it is.
"""

import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ("openb", "azure", "huawei")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """List the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize(
    ("root", "package"), [("sched", "kilonova"), ("kernels", "kilonova_kernels")]
)
def test_every_file_is_in(names: set[str], root: str, package: str) -> None:
    sources = {
        path.relative_to(ROOT / root).as_posix()
        for path in (ROOT / root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert f"{package}/__init__.py" in sources
    assert sources <= names


@pytest.mark.parametrize("package", ["kilonova", "kilonova_kernels"])
def test_types_are_offered(names: set[str], package: str) -> None:
    assert f"{package}/py.typed" in names


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_cluster_is_in_unchanged(wheel: Path, name: str) -> None:
    files = sorted((ROOT / "data" / name).iterdir())
    assert "requests.parquet" in [path.name for path in files]
    with zipfile.ZipFile(wheel) as archive:
        for path in files:
            packed = archive.read(f"kilonova/recorded/{name}/{path.name}")
            assert packed == path.read_bytes(), path.name


def test_nothing_else_is_in(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "kilonova",
        "kilonova_kernels",
    }
    assert not [name for name in names if "__pycache__" in name]


def test_command_and_licence_are_in(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
        assert b"kilonova = kilonova.cli:main" in archive.read(points)
        assert [n for n in archive.namelist() if n.endswith("licenses/LICENSE")]


def test_wheel_is_imported(wheel: Path) -> None:
    # -P and an empty folder on the path: nothing of the checkout can stand in for it.
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "import kilonova; print(kilonova.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=wheel.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(wheel))


def test_editable_install_copies_no_data() -> None:
    # A copy would be found before the checkout's data, and go on saying what was.
    installed = distribution("kilonova").files or []
    assert installed
    assert not [path for path in installed if path.suffix == ".parquet"]
