"""Records as one JSON document, and as a file of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from kilonova.cloud.vocabulary import checked_name
from kilonova.errors import BadInput
from kilonova.newfiles import new_files
from kilonova.records.cell_copy import CellCopy
from kilonova.records.reading import plain, reader_of
from kilonova.records.records import Records
from kilonova.textfiles import as_kind, read_json

FORMAT = "kilonova-records/1"


def load(given: Any) -> Records:
    """Make records of a document; see ``docs/records.md``.

    Raises
    ------
    BadInput
        Something in it cannot be right; the message says where.
    """
    if not isinstance(given, Mapping):
        raise BadInput(f"Records must be an object, got {given!r:.80}.")
    if given.get("format") != FORMAT:
        raise BadInput(
            f"Records: format must be {FORMAT!r}, got {given.get('format')!r:.80}."
        )
    hints = get_type_hints(Records)
    names = [each.name for each in fields(Records)]
    if unknown := sorted(map(str, given.keys() - {"format", *names})):
        known = ["format", *names]
        raise BadInput(f"Records: unknown key {unknown[0]!r}, known: {known}.")
    made = {
        name: _read(name, hints[name], given[name]) for name in names if name in given
    }
    _check_copies(made.get("copies", {}))
    return Records(**made)


def dump(records: Records) -> dict[str, Any]:
    """Give the document that ``load`` would make these records of.

    Raises
    ------
    BadInput
        A record is kept under another key than its own.
    """
    _check_copies(records.copies)
    hints = get_type_hints(Records)
    document: dict[str, Any] = {"format": FORMAT}
    for each in fields(Records):
        found = getattr(records, each.name)
        if (key := _key_of(each.name, hints[each.name])) is None:
            written = plain(found)
        else:
            written = [plain(record) for record in found.values()]
            for kept, record in zip(found, written, strict=True):
                if record.get(key) != kept:
                    raise BadInput(
                        f"{each.name}[{kept!r}]: {key} must be the same, "
                        f"got {record.get(key)!r:.80}."
                    )
        if written:
            document[each.name] = written
    return document


def read_file(path: str | Path) -> Records:
    """Read records from a JSON file.

    Raises
    ------
    BadInput
        It cannot be read, or something in it cannot be right; one line says where.
    """
    path = Path(path)
    given = read_json(path, as_kind("records"))
    try:
        return load(given)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def write_file(records: Records, path: str | Path) -> None:
    """Write records as a JSON file, wholly or not at all; raises BadInput."""
    path = Path(path).absolute()
    if path.is_dir():
        raise BadInput(f"{str(path)!r} is a folder; give a file to write.")
    try:
        text = json.dumps(dump(records), indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"Records have a value that JSON has not: {error}.") from error
    with new_files(path.parent) as folder:
        (folder / path.name).write_text(text, encoding="utf-8")


def _check_copies(copies: Mapping[str, Sequence[CellCopy]]) -> None:
    for name, found in copies.items():
        for number, copy in enumerate(found):
            if copy.server.uuid != name:
                raise BadInput(
                    f"copies: {name!r}[{number}]: server: uuid must be the same, "
                    f"got {copy.server.uuid!r:.80}."
                )


def _key_of(name: str, hint: Any) -> str | None:
    """Give the field by which records of a table are kept, None for a plain object."""
    if name == "ports":
        return "id"
    kinds = get_args(hint)
    return "uuid" if len(kinds) == 2 and is_dataclass(kinds[1]) else None


def _read(name: str, hint: Any, given: Any) -> Any:
    key = _key_of(name, hint)
    if key is None:
        return reader_of(hint)(name, given)
    if not isinstance(given, list | tuple):
        raise BadInput(f"{name} must be a list, got {given!r:.80}.")
    read = reader_of(get_args(hint)[1])
    found: dict[str, Any] = {}
    places: dict[str, int] = {}
    for number, value in enumerate(given):
        where = f"{name}[{number}]"
        identity = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(identity, str):
            where += f" ({identity!r:.80})"
        record = read(where, value)
        checked_name(f"{where}: {key}", identity)
        assert isinstance(identity, str)
        if identity in found:
            raise BadInput(
                f"{name}[{places[identity]}] and {name}[{number}] both have the "
                f"{key} {identity!r}; it is unique."
            )
        found[identity], places[identity] = record, number
    return found
