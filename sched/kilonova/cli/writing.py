"""What commands write: cloud and records together, or neither of them."""

import json
from pathlib import Path

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput
from kilonova.newfiles import new_files
from kilonova.records.records import Records


def write_outputs(
    cloud: Cloud,
    out: Path | None,
    records: Records | None = None,
    records_out: Path | None = None,
    *,
    as_document: bool = False,
) -> None:
    """Write what came of a command, as far as places for it are given.

    The records lie finished beside their place before the cloud is written, so that
    neither is written where one of them cannot be.

    Parameters
    ----------
    cloud, records
        As they are now.
    out, records_out
        Folder for the cloud, and file for the records, or None.
    as_document
        Whether ``out`` is a JSON document instead.

    Raises
    ------
    BadInput
        Nothing can be written there, or the records have what JSON has not.
    """
    if records is None or records_out is None:
        _write_cloud(cloud, out, as_document)
        return
    path = records_out.absolute()
    if path.is_dir():
        raise BadInput(f"{str(path)!r} is a folder; give a file to write.")
    if out is not None and path.is_relative_to(out.absolute()):
        # A cloud goes into a new folder, which has no place for records before.
        records.to_document()
        _write_cloud(cloud, out, as_document)
        records.save(path)
        return
    with new_files(path.parent) as folder:
        records.save(folder / path.name)
        _write_cloud(cloud, out, as_document)


def _write_cloud(cloud: Cloud, out: Path | None, as_document: bool) -> None:
    if out is None:
        return
    if not as_document:
        cloud.write(out)
        return
    path = out.absolute()
    with new_files(path.parent) as folder:
        text = json.dumps(cloud.to_document(), indent=1) + "\n"
        (folder / path.name).write_text(text, encoding="utf-8")
