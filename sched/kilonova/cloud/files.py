"""A cloud as a folder of Arrow IPC files, which memory-map, and one JSON file.

Each table of the register is one uncompressed file with the columns of the register;
names are a binary column: UTF-8, or the byte 0xFF and 16 bytes for a canonical UUID.
Vocabularies and sets, which are small, lie in ``cloud.json``, with a checksum of each
file: columns that were damaged, or come from another write, would lead kernels astray.
"""

import json
import mmap
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kilonova.cloud.host_files import host_facts, load_host_facts
from kilonova.cloud.offers import OfferDictionary
from kilonova.cloud.schema import TABLES, columns_of
from kilonova.cloud.state import State
from kilonova.errors import BadInput, BadTable
from kilonova.newfiles import new_files
from kilonova.textfiles import as_kind, read_json

FORMAT = 2
_NAMES = {
    "provider": (("name", "provider_names"), ("uuid", "provider_uuids")),
    "consumer": (("uuid", "consumer_uuids"),),
    "host": (("name", "host_names"),),
}
_VOCABULARIES = (
    "resource_classes",
    "traits",
    "aggregates",
    "projects",
    "users",
    "consumer_types",
)
_SETS = ("trait_sets", "aggregate_sets")


def write(state: State, folder: Path) -> None:
    """Write a state into ``folder``, which then holds all of it or is as it was.

    Raises
    ------
    BadInput
        The folder cannot be written, or holds something that is not a cloud.
    """
    if not _is_free(folder):
        raise BadInput(
            f"{str(folder)!r} exists and is not a cloud; name a new or empty folder."
        )
    with new_files(folder) as new:
        try:
            _write_files(state, new)
        except OSError as error:
            raise BadInput(
                f"Cannot write to {str(folder)!r}: {error.strerror or error}."
            ) from error


def _is_free(folder: Path) -> bool:
    """Say whether a cloud may be written here without destroying anything else."""
    if not folder.is_dir():
        # Whatever else is wrong with the place, `new_files` says it.
        return True
    return (folder / "cloud.json").is_file() or not any(folder.iterdir())


def _write_files(state: State, folder: Path) -> None:
    facts: dict[str, Any] = {"checksums": {}}
    for name in TABLES:
        table = state.tables[name]
        arrays = {c.name: pa.array(table[c.name]) for c in columns_of(name)}
        for column, attribute in _NAMES.get(name, ()):
            arrays[column] = _binary(*getattr(state, attribute).packed())
        made = pa.table(arrays)
        path = folder / f"{name}.arrow"
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, made.schema) as out,
        ):
            out.write_table(made.combine_chunks())
        with path.open("rb") as file:
            written = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            facts["checksums"][path.name] = zlib.crc32(written)
    facts["counters"] = state.counters.tolist()
    for name in _VOCABULARIES:
        facts[name] = getattr(state, name).slots()
    for name in _SETS:
        sets = getattr(state, name)
        facts[name] = [sorted(sets[i]) for i in range(len(sets))]
    facts["hosts"] = host_facts(state)
    whole = {"format": FORMAT, "checksum": _checksum(facts), "facts": facts}
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    (folder / "cloud.json").write_text(text + "\n", encoding="utf-8")


def _checksum(facts: object) -> int:
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode())


def _binary(text: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Any:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)


def read(state: State, folder: Path) -> None:
    """Fill an empty state from a folder; pages are shared until they are written.

    Raises
    ------
    BadTable
        A file or column is missing, or has another type than the schema says.
    BadInput
        The folder is not a cloud, or one of another format.
    """
    facts = _read_facts(folder)
    for name in TABLES:
        path = folder / f"{name}.arrow"
        table = _map(path)
        arrays = {}
        for column in columns_of(name):
            arrays[column.name] = _array(table, column.name, column.dtype, path)
        texts = [(a, *_text(table, c, path)) for c, a in _NAMES.get(name, ())]
        # After the columns: which one is missing says more than that something is.
        if table.checksum != facts["checksums"][path.name]:
            raise BadTable(
                f"{path} is damaged, or was not written together with cloud.json."
            )
        state.tables[name].load(arrays, str(path))
        for attribute, text, offsets in texts:
            getattr(state, attribute).load(text, offsets)
    for name in _VOCABULARIES:
        getattr(state, name).load(facts[name])
    for name in _SETS:
        for members in facts[name]:
            getattr(state, name).number(members)
    load_host_facts(state, facts["hosts"])
    state.offers = OfferDictionary(state.tables.offer)
    state.counters[:] = facts["counters"]
    # A row with a name is somebody's, though it holds nothing.
    idle = state.tables.consumer["first"] < 0
    state.free_consumers = np.flatnonzero(idle & ~state.consumer_uuids.named()).tolist()
    state.rows_moved()


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / "cloud.json"
    found = read_json(path, _no_cloud)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        value = found.get("format") if isinstance(found, dict) else found
        raise BadInput(f"{path}: format must be {FORMAT}, got {value!r:.80}.")
    facts = found.get("facts")
    if not isinstance(facts, dict) or found.get("checksum") != _checksum(facts):
        raise BadInput(f"{path} is damaged: its checksum is another.")
    return facts


def _no_cloud(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{str(path.parent)!r} is not a cloud: {path.name}: {error.strerror}."
    return as_kind("a cloud")(path, error)


class _Mapped:
    """One Arrow file, mapped so that a write copies the page and not the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.checksum = zlib.crc32(self._map)
        whole = pa.py_buffer(self._map)
        self._base = whole.address
        batches = pa.ipc.open_file(whole)
        if batches.num_record_batches > 1:
            raise BadTable(f"{path}: expected one record batch, got several.")
        self.schema = batches.schema
        self._batch = (
            batches.get_batch(0)
            if batches.num_record_batches
            else pa.RecordBatch.from_pylist([], schema=batches.schema)
        )

    def column(self, name: str) -> Any:
        return self._batch.column(name)

    def numpy(self, buffer: Any, dtype: str, count: int) -> NDArray[Any]:
        """Give ``count`` values of a buffer as a writable array over the map."""
        if buffer is None or not count:
            return np.zeros(0, dtype)
        place = buffer.address - self._base
        if not 0 <= place <= len(self._map) - buffer.size:
            # Arrow unpacked it into memory of its own.
            raise BadTable(f"{self._path}: must not be compressed.")
        return np.frombuffer(self._map, dtype, count, offset=place)


def _map(path: Path) -> _Mapped:
    try:
        return _Mapped(path)
    except OSError as error:
        raise BadTable(f"{path} cannot be read: {error.strerror or error}.") from error
    except (pa.ArrowException, ValueError) as error:
        raise BadTable(f"{path} is not an Arrow file: {error}.") from error


def _array(table: _Mapped, name: str, dtype: str, path: Path) -> NDArray[Any]:
    column = _column(table, name, pa.from_numpy_dtype(np.dtype(dtype)), path)
    return table.numpy(column.buffers()[1], dtype, len(column))


def _text(
    table: _Mapped, name: str, path: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    column = _column(table, name, pa.binary(), path)
    _, offsets, text = column.buffers()
    ends = table.numpy(offsets, "int32", len(column) + 1 if len(column) else 0)
    return table.numpy(text, "uint8", int(ends[-1]) if len(ends) else 0), ends


def _column(table: _Mapped, name: str, expected: Any, path: Path) -> Any:
    if name not in table.schema.names:
        raise BadTable(f"{path}: column {name!r} is missing.")
    found = table.schema.field(name).type
    if found != expected:
        raise BadTable(f"{path}: column {name!r} must be {expected}, got {found}.")
    column = table.column(name)
    if column.null_count:
        raise BadTable(f"{path}: column {name!r} has nulls.")
    return column
