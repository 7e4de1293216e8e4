"""A file that cannot be read ends in one line, which says what is wrong with which.

Each reader has words of its own; they are compared to the letter.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from kilonova.admin.mdev_devices import read_devices
from kilonova.admin.mdev_options import read_mdev_options
from kilonova.admin.precache_plan import read_precache_concurrency
from kilonova.candidates.cloud import Cloud
from kilonova.cli.reading import read_cloud
from kilonova.errors import BadInput
from kilonova.hosts.options_file import read_options
from kilonova.moves.options_file import read_move_options
from kilonova.records.document import read_file
from kilonova.textfiles import plainly, read_json

NOT_THERE = "No such file or directory"
NOT_JSON = "Expecting value: line 1 column 1 (char 0)"
NOT_UTF8 = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
DEEP = b"[" * 100_000


def of_folder(path: Path) -> Cloud:
    return Cloud.read(path.parent)


@pytest.mark.parametrize(
    ("read", "content", "told"),
    [
        (read_cloud, None, "{path}: no such file or folder."),
        (read_cloud, b"", "{path} is not JSON: " + NOT_JSON + "."),
        (read_cloud, b"\xff", "{path} is not JSON: " + NOT_UTF8 + "."),
        (read_cloud, DEEP, "{path} is nested too deeply to be a cloud."),
        (read_file, None, "{path}: no such file."),
        (read_file, b"", "{path} is not JSON: " + NOT_JSON + "."),
        (read_file, DEEP, "{path} is nested too deeply to be records."),
        (
            of_folder,
            None,
            "'{folder}' is not a cloud: cloud.json: No such file or directory.",
        ),
        (of_folder, b"", "{path} is not JSON: " + NOT_JSON + "."),
        (of_folder, DEEP, "{path} is nested too deeply to be a cloud."),
        (read_devices, None, "Devices: {path} cannot be read: " + NOT_THERE + "."),
        (read_devices, b"", "Devices: {path} cannot be read: " + NOT_JSON + "."),
        (read_mdev_options, None, "Options: {path} cannot be read: " + NOT_THERE + "."),
        (
            read_precache_concurrency,
            b"\xff",
            "Options: {path} cannot be read: " + NOT_UTF8 + ".",
        ),
        (read_options, None, "Options: {path} cannot be read: " + NOT_THERE + "."),
        (read_options, b"\xff", "Options: {path} cannot be read: " + NOT_UTF8 + "."),
        (
            read_move_options,
            b"\xff",
            "Options: {path} cannot be read: " + NOT_UTF8 + ".",
        ),
    ],
)
def test_one_line(
    tmp_path: Path,
    read: Callable[[Path], object],
    content: bytes | None,
    told: str,
) -> None:
    path = tmp_path / "cloud.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput) as found:
        read(path)
    assert str(found.value) == told.format(path=path, folder=tmp_path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as found:
        read_file(tmp_path)
    assert str(found.value) == f"{tmp_path} cannot be read: Is a directory."
    with pytest.raises(BadInput) as found:
        read_json(tmp_path, plainly())
    assert str(found.value) == f"{tmp_path} cannot be read: Is a directory."
