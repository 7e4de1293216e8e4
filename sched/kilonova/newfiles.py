"""Nothing half-written: new files appear together, or not at all."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kilonova.errors import BadInput

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def new_files(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into; move its files to ``folder`` at the end.

    The body writes plain files into the folder it is given. When the body is left
    normally, each file replaces the one of the same name in ``folder``; other files
    there stay. When it is left by any exception, an interrupt from the keyboard
    included, or when a file cannot be moved, ``folder`` is as it was before.

    Parameters
    ----------
    folder
        Destination. It and its parents are made when missing, and unmade on failure.

    Raises
    ------
    BadInput
        When ``folder`` cannot be made or written to, is a file, holds a folder by the
        name of a new file, or when the disk is full.
    """
    folder = folder.absolute()
    made: list[Path] = []
    staging: Path | None = None
    try:
        with _told_clearly(folder):
            _make(folder, made)
            # Inside the destination, which may be a mount of its own: so it is on the
            # same disk, where a move is a rename, and its parent need not be writable.
            staging = Path(tempfile.mkdtemp(dir=folder, prefix=".kilonova-"))
            new = staging / "new"
            new.mkdir()
        with _disk_full_told_clearly(folder):
            yield new
        with _told_clearly(folder):
            _move_all(new, folder, staging / "old")
    except BaseException:
        _remove(staging)
        for path in reversed(made):
            # Somebody else may have put a file there meanwhile: it is theirs.
            with suppress(OSError):
                path.rmdir()
        raise
    _remove(staging)


@contextmanager
def _told_clearly(folder: Path) -> Iterator[None]:
    """Turn an error of the file system into one line that names the destination."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"Cannot write to {str(folder)!r}: {error.strerror}.") from error


@contextmanager
def _disk_full_told_clearly(folder: Path) -> Iterator[None]:
    """Turn a full disk into one line; other errors of the body are not ours."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise BadInput(f"Cannot write to {str(folder)!r}: {error.strerror}.") from error


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and its parents; append each that was made, outermost first."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{str(folder)!r} is a file; give a folder to write into.")
    if not folder.parent.is_dir():
        _make(folder.parent, made)
    if not folder.is_dir():
        folder.mkdir()
        made.append(folder)


def _move_all(new: Path, folder: Path, old: Path) -> None:
    """Move all files of ``new`` to ``folder``, or put everything back.

    Parameters
    ----------
    new
        Folder of the finished files.
    folder
        Destination.
    old
        Folder to make, for copies of the files that are replaced. They are copied
        before anything is moved: while files are moved, each name always has a file.
    """
    names = sorted(path.name for path in new.iterdir())
    for name in names:
        if (folder / name).is_dir():
            raise BadInput(f"{str(folder / name)!r} is a folder; a file goes there.")
    old.mkdir()
    for name in names:
        if (folder / name).exists():
            shutil.copy2(folder / name, old / name)
    try:
        for name in names:
            os.replace(new / name, folder / name)
    except BaseException:
        for name in names:
            _put_back(old / name, folder / name, moved=not (new / name).exists())
        raise


def _put_back(old: Path, target: Path, moved: bool) -> None:
    if not moved:
        return
    if old.exists():
        os.replace(old, target)
    else:
        target.unlink()


def _remove(staging: Path | None) -> None:
    if staging is not None:
        shutil.rmtree(staging, ignore_errors=True)
