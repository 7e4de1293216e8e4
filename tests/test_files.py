"""A folder holds all of a cloud or none, and what is wrong with it is said in one line.

Round trips after random edits are in ``test_cloud_machine.py``; here are those of the
recorded states, of names that were removed and of free rows, and then the folders that
are no clouds: files missing, cut short, foreign, damaged, or from another write.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus import documents
from generators.clouds import random_cloud
from kilonova.candidates.cloud import Cloud
from kilonova.cloud.claims import add_consumers
from kilonova.cloud.schema import COLUMNS, TABLES
from kilonova.errors import BadInput, BadTable

UUID = "0f0e0d0c-0b0a-0908-0706-050403020100"


def sample() -> Cloud:
    """Make a cloud that has something in each column, and gaps in some.

    a (UUID)        VCPU: 8 (k1 holds 2); the row of k0 is free
    +-- b           CUSTOM_A: 4
    """
    cloud = Cloud()
    for name in ("CUSTOM_GONE", "CUSTOM_A"):
        cloud.add_resource_class(name)
    cloud.remove_resource_class("CUSTOM_GONE")
    cloud.add_provider("b", inventories={"CUSTOM_A": {"total": 4}})
    cloud.add_provider("a", uuid=UUID, inventories={"VCPU": {"total": 8}})
    cloud.set_parent("b", "a")
    for number, consumer in enumerate(("k0", "k1")):
        cloud.claim(consumer, {"a": {"VCPU": number + 1}}, project="p")
    cloud.release("k0")
    return cloud


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample().write(tmp_path / "cloud")
    return tmp_path / "cloud"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def table_of(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def rewrite(path: Path, table: pa.Table, **options: Any) -> None:
    """Write a table in place of another."""
    settings = pa.ipc.IpcWriteOptions(**options)
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=settings) as out,
    ):
        out.write_table(table)


def test_all_but_what_is_derived_comes_back(folder: Path) -> None:
    cloud, read = sample(), Cloud.read(folder)
    assert read.to_document() == cloud.to_document()
    for column in COLUMNS:
        one, other = (c.state.tables[column.table][column.name] for c in (cloud, read))
        assert one.tolist() == other.tolist()
    assert read.state.resource_classes.slots() == [None, "CUSTOM_A", "VCPU"]
    assert read.state.free_consumers == [0]
    for each in (cloud, read):
        each.claim("k2", {"a": {"VCPU": 6}})
        assert each.state.tables.consumer.count == 2
        assert each.state.tables.allocation.count == 2
    assert read.to_document() == cloud.to_document()


def test_named_consumers_that_hold_nothing_are_not_free(tmp_path: Path) -> None:
    cloud = sample()
    add_consumers(cloud.state, ["of a batch", "", "k3"])
    cloud.write(tmp_path / "cloud")
    read = Cloud.read(tmp_path / "cloud")
    for number in range(4):
        read.claim(f"new {number}", {"a": {"VCPU": 1}})
    read.claim("of a batch", {"b": {"CUSTOM_A": 1}})
    for number in range(4):
        assert read.allocations(f"new {number}") == {UUID: {"VCPU": 1}}
    assert read.allocations("of a batch") == {"b": {"CUSTOM_A": 1}}


@pytest.mark.parametrize("key", sorted(documents())[::5])
def test_recorded_states_come_back(key: str, tmp_path: Path) -> None:
    cloud = Cloud.from_document(documents()[key])
    cloud.write(tmp_path / "cloud")
    assert Cloud.read(tmp_path / "cloud").to_document() == cloud.to_document()


def test_a_cloud_with_nothing_in_it(tmp_path: Path) -> None:
    Cloud().write(tmp_path / "cloud")
    read = Cloud.read(tmp_path / "cloud")
    assert read.to_document() == {"providers": [], "consumers": []}
    read.add_provider("a")
    assert read.to_document()["providers"][0]["name"] == "a"


def test_pages_are_private_until_written(folder: Path) -> None:
    before = contents(folder)
    one, other = Cloud.read(folder), Cloud.read(folder)
    one.claim("k", {"a": {"VCPU": 1}})
    one.set_parent("b", None)
    assert contents(folder) == before
    assert other.to_document() == sample().to_document()


def test_written_over_what_it_was_read_from(folder: Path) -> None:
    cloud = Cloud.read(folder)
    other = Cloud.read(folder)
    cloud.claim("k", {"a": {"VCPU": 3}})
    cloud.write(folder)
    (folder / "notes.txt").write_text("of somebody else")
    cloud.write(str(folder))
    assert Cloud.read(folder).to_document() == cloud.to_document()
    assert other.to_document() == sample().to_document()
    assert set(contents(folder)) == {
        "cloud.json",
        "notes.txt",
        *(f"{name}.arrow" for name in TABLES),
    }


def test_same_cloud_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        document: dict[str, Any] = dict(random_cloud(5))
        document["traits"] = document.pop("custom_traits")
        Cloud.from_document(document).write(tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


# Folders that cannot be written.


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BadInput, match="is not a cloud; name a new or empty folder"):
        sample().write(tmp_path)
    assert contents(tmp_path) == {"thesis.tex": b"years of work"}


def test_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "cloud").write_text("a file")
    for place in (tmp_path / "cloud", tmp_path / "cloud" / "deeper"):
        with pytest.raises(BadInput, match="cloud' is a file"):
            sample().write(place)
    assert contents(tmp_path) == {"cloud": b"a file"}


@pytest.mark.parametrize("name", ["consumer.arrow", "cloud.json"])
def test_disk_full_on_the_way(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = contents(folder)
    replace, open_ = os.replace, pa.OSFile

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def opened(path: str, *mode: str) -> Any:
        return full() if path.endswith(name) else open_(path, *mode)

    def moved(source: Path, target: Path) -> None:
        if target.name == name:
            full()
        replace(source, target)

    cloud = Cloud.read(folder)
    cloud.claim("k", {"a": {"VCPU": 1}})
    monkeypatch.setattr(pa, "OSFile", opened)
    monkeypatch.setattr(os, "replace", moved)
    with pytest.raises(BadInput, match="No space left on device"):
        cloud.write(folder)
    assert contents(folder) == before


def test_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by the mode of a folder: tests may run as root, whom no mode stops.
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(BadInput, match="': Permission denied"):
        sample().write(tmp_path / "cloud")
    assert list(tmp_path.iterdir()) == []


# Folders that cannot be read.


def drop(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def cut(name: str, share: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return change


def text(name: str, written: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(written)


def flip(folder: Path) -> None:
    """Change one bit of one column."""
    path = folder / "provider.arrow"
    raw = bytearray(path.read_bytes())
    place = raw.find(np.array([-1, 0], np.int32).tobytes())
    raw[place] ^= 1
    path.write_bytes(raw)


def without(name: str, column: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / f"{name}.arrow"
        rewrite(path, table_of(path).drop_columns([column]))

    return change


def cast(name: str, column: str, kind: pa.DataType) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / f"{name}.arrow"
        table = table_of(path)
        place = table.schema.get_field_index(column)
        changed = table.column(column).cast(kind)
        rewrite(path, table.set_column(place, column, changed))

    return change


def nulls(folder: Path) -> None:
    path = folder / "provider.arrow"
    table = table_of(path)
    column = pa.array([None] * len(table), pa.int32())
    place = table.schema.get_field_index("root")
    rewrite(path, table.set_column(place, "root", column))


def batches(folder: Path) -> None:
    path = folder / "provider.arrow"
    table = table_of(path)
    rewrite(path, pa.concat_tables([table.slice(0, 1), table.slice(1)]))


def compressed(folder: Path) -> None:
    path = folder / "provider.arrow"
    rewrite(path, table_of(path), compression="zstd")


def of_another_cloud(folder: Path) -> None:
    other = folder.parent / "other"
    cloud = sample()
    cloud.claim("k1", {"a": {"VCPU": 3}})
    cloud.write(other)
    shutil.copy(other / "allocation.arrow", folder / "allocation.arrow")


def fact(key: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        found = json.loads((folder / "cloud.json").read_text())
        (found if key in found else found["facts"])[key] = value
        (folder / "cloud.json").write_text(json.dumps(found))

    return change


WRONG: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "cloud' is not a cloud: cloud.json: No such file"),
    "no facts": (drop("cloud.json"), "cloud' is not a cloud: cloud.json: No such file"),
    "no table": (drop("offer.arrow"), r"offer\.arrow cannot be read: No such file"),
    "empty facts": (text("cloud.json", ""), "is not JSON"),
    "facts cut": (cut("cloud.json", 0.5), "is not JSON"),
    "facts a list": (text("cloud.json", "[]"), "format must be 2, got"),
    "other format": (fact("format", 1), "format must be 2, got 1"),
    "no facts in it": (fact("facts", None), "cloud.json is damaged"),
    "counters": (fact("counters", [0, 0, 0, 0]), "cloud.json is damaged"),
    "traits": (fact("traits", ["COMPUTE_NODE"]), "cloud.json is damaged"),
    "checksum": (fact("checksum", 0), "cloud.json is damaged"),
    "empty file": (text("consumer.arrow", ""), "consumer.arrow is not an Arrow file"),
    "text file": (text("consumer.arrow", "x" * 999), "is not an Arrow file"),
    "cut": (cut("allocation.arrow", 0.9), "allocation.arrow is not an Arrow file"),
    "cut short": (cut("allocation.arrow", 0.1), "allocation.arrow is not an Arrow"),
    "bit": (flip, r"provider\.arrow is damaged"),
    "no column": (without("inventory", "used"), "column 'used' is missing"),
    "no names": (without("provider", "name"), "provider.arrow: column 'name' is mis"),
    "type": (
        cast("inventory", "used", pa.int32()),
        "inventory.arrow: column 'used' must be int64, got int32",
    ),
    "names type": (
        cast("provider", "uuid", pa.large_binary()),
        "column 'uuid' must be binary, got large_binary",
    ),
    "nulls": (nulls, "column 'root' has nulls"),
    "batches": (batches, "expected one record batch"),
    "compressed": (compressed, "must not be compressed"),
    "mixed": (of_another_cloud, r"allocation\.arrow is damaged, or was not written"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_no_cloud(folder: Path, fault: str) -> None:
    change, message = WRONG[fault]
    change(folder)
    with pytest.raises(BadInput, match=message) as caught:
        Cloud.read(folder)
    about_table = ".arrow" in str(caught.value)
    assert isinstance(caught.value, BadTable) == about_table


def test_every_cut_is_noticed(folder: Path) -> None:
    path = folder / "provider.arrow"
    whole = path.read_bytes()
    for size in range(0, len(whole), 61):
        path.write_bytes(whole[:size])
        with pytest.raises(BadTable):
            Cloud.read(folder)


def test_a_file_is_not_a_cloud(tmp_path: Path) -> None:
    (tmp_path / "cloud").write_text("a file")
    with pytest.raises(BadInput, match="cloud' is not a cloud"):
        Cloud.read(tmp_path / "cloud")


def test_names_too_long_for_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kilonova.cloud.names._MOST_TEXT", 40)
    cloud = Cloud()
    cloud.add_provider("a" * 30)
    with pytest.raises(BadInput, match="at most 40"):
        cloud.add_provider("b" * 30)
    assert cloud.to_document()["providers"][0]["name"] == "a" * 30
    assert len(cloud.to_document()["providers"]) == 1
