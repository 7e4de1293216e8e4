"""New files appear together or not at all.

Each case looks at the whole of the destination afterwards, hidden files included: what
is there, and what the files hold.
"""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from kilonova.errors import BadInput
from kilonova.newfiles import new_files

OLD = {"page.html": "old page", "kept.txt": "of somebody else"}


def contents(folder: Path) -> dict[str, str]:
    """Read all that lies below a folder; a folder in it counts as its name and '/'."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else "/"
        for path in folder.rglob("*")
    }


def write(folder: Path, *names: str, error: BaseException | None = None) -> None:
    """Write files as new ones of a folder, and stop with an error if one is given."""
    with new_files(folder) as new:
        for name in names:
            (new / name).write_text("new")
        if error:
            raise error


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Give a destination with an older report and a file of somebody else."""
    folder = tmp_path / "out"
    folder.mkdir()
    for name, text in OLD.items():
        (folder / name).write_text(text)
    return folder


def test_new_folder_and_parents_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with new_files(folder) as new:
        (new / "page.html").write_text("new")
        assert not (folder / "page.html").exists()
    assert contents(tmp_path) == {"a": "/", "a/b": "/", "a/b/page.html": "new"}


def test_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with new_files(Path("out")) as new:
        (new / "page.html").write_text("new")
    assert contents(tmp_path) == {"out": "/", "out/page.html": "new"}


def test_older_files_are_replaced_and_others_stay(older: Path) -> None:
    with new_files(older) as new:
        (new / "page.html").write_text("new page")
        (new / "more.png").write_text("more")
        assert contents(older)["page.html"] == OLD["page.html"]
    assert contents(older) == {
        "page.html": "new page",
        "more.png": "more",
        "kept.txt": OLD["kept.txt"],
    }


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError, SystemExit])
def test_left_by_an_exception(older: Path, error: type[BaseException]) -> None:
    with pytest.raises(error, match="half way"):
        write(older, "added.png", "page.html", error=error("half way"))
    assert contents(older) == OLD


def test_left_by_an_exception_nothing_was_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a" / "b", "page.html", error=KeyboardInterrupt())
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "broken")])
@pytest.mark.parametrize("name", ["added.png", "page.html", "zebra.txt"])
def test_stopped_while_files_are_moved(
    older: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    name: str,
    when: str,
) -> None:
    """Stop before or after the move of each file; one of them replaces an older."""
    replace = os.replace
    stopped: list[str] = []

    def failing(source: Path, target: Path) -> None:
        stops = target.name == name and not stopped
        if stops and when == "before":
            stopped.append(name)
            raise error
        replace(source, target)
        if stops:
            stopped.append(name)
            raise error

    monkeypatch.setattr(os, "replace", failing)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else BadInput
    with pytest.raises(expected):
        write(older, "added.png", "page.html", "zebra.txt")
    assert stopped == [name]
    assert contents(older) == OLD


def test_destination_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInput, match="out' is a file"), new_files(tmp_path / "out"):
        pytest.fail("the body was run")
    assert contents(tmp_path) == {"out": "a file"}


def test_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with (
        pytest.raises(BadInput, match="out' is a file"),
        new_files(tmp_path / "out" / "deeper"),
    ):
        pytest.fail("the body was run")
    assert contents(tmp_path) == {"out": "a file"}


def test_a_folder_where_a_file_goes(older: Path) -> None:
    (older / "page.html").unlink()
    (older / "page.html").mkdir()
    with pytest.raises(BadInput, match=r"page\.html' is a folder"):
        write(older, "added.png", "page.html")
    assert contents(older) == {"page.html": "/", "kept.txt": OLD["kept.txt"]}


def test_unwritable(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by the mode of a folder: tests may run as root, whom no mode stops.
    def refuse(**_: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(BadInput) as caught, new_files(older):
        pytest.fail("the body was run")
    assert str(caught.value) == f"Cannot write to {str(older)!r}: Permission denied."
    assert contents(older) == OLD


def test_disk_full_while_writing(older: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(BadInput, match="No space left"):
        write(older, "page.html", error=full)
    assert contents(older) == OLD
