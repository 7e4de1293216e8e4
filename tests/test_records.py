"""Records as documents and files: there and back, and what is refused where.

Random records first, of everything their dataclasses have, so that a field that is
added and not read back fails; then defaults, and errors, a line each.
"""

import json
import string
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilonova.errors import BadInput
from kilonova.records.cell_copy import CellCopy
from kilonova.records.migration import Migration
from kilonova.records.reading import reader_of
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image

FORMAT = "kilonova-records/1"
FLAVOR = {"vcpus": 1, "memory_mb": 64}
ONE = {"uuid": "s1", "flavor": FLAVOR}

texts = st.text(string.ascii_letters + "-\n\u00e4\u2603", max_size=4)
maybe = st.none() | texts
whole = st.integers(0, 2**53 - 1) | st.sampled_from([0, 2**53 - 1])
times = st.floats(-(2**53) + 1, 2**53 - 1, allow_nan=False)
flavors = st.builds(
    Flavor,
    *(whole for _ in range(5)),
    texts,
    st.dictionaries(texts, texts, max_size=2),
)
values = texts | st.integers() | st.booleans() | st.lists(texts, max_size=2)
images = st.builds(
    Image, st.dictionaries(texts, values, max_size=2), texts, maybe, texts
)
KNOWN: dict[str, Any] = {
    "flavor": flavors,
    "old_flavor": st.none() | flavors,
    "new_flavor": st.none() | flavors,
    "image": images,
    "hints": st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2),
    "ports": st.lists(texts, max_size=2).map(tuple),
    "created_at": times,
    "vm_state": st.sampled_from(["active", "deleted", "soft-delete"]),
    "power_state": st.sampled_from(["running", "nostate"]),
    "kind": st.sampled_from(["resize", "migration", "live-migration", "evacuation"]),
}
BY_TYPE: dict[Any, Any] = {
    bool: st.booleans(),
    int: whole,
    float: times,
    str: texts,
    str | None: maybe,
    tuple[str, ...]: st.lists(texts, max_size=2).map(tuple),
}


def made_of(kind: type[Any], uuid: str) -> st.SearchStrategy[Any]:
    """Draw a record with a value in each of its fields."""
    drawn = {
        each.name: KNOWN[each.name] if each.name in KNOWN else BY_TYPE[each.type]
        for each in fields(kind)
        if each.name != "uuid"
    }
    return st.builds(kind, uuid=st.just(uuid), **drawn)


def copies_of(uuid: str) -> st.SearchStrategy[list[CellCopy]]:
    """Draw what other cells have of a server."""
    server, migration = made_of(Server, uuid), made_of(Migration, uuid)
    copy = st.builds(CellCopy, server=server, migration=migration)
    return st.lists(copy, min_size=1, max_size=2)


@st.composite
def all_records(draw: st.DrawFn) -> Records:
    names = [str(UUID(int=n + 1)) for n in range(draw(st.integers(0, 3)))]
    ports: dict[str, dict[str, object]] = {
        name: {"id": name, "binding:profile": draw(st.none() | st.just({"a": [1]}))}
        for name in names
    }
    return Records(
        servers={name: draw(made_of(Server, name)) for name in names},
        migrations={name: draw(made_of(Migration, name)) for name in names},
        ports=ports,
        networks={name: {"segments": [{"x": 1}]} for name in names},
        device_profiles={name: ({"resources:FPGA": "1"},) for name in names},
        host_mappings=draw(st.dictionaries(texts, texts, max_size=2)),
        aggregate_hosts=dict.fromkeys(names, ("h1", "h2")),
        copies={name: draw(copies_of(name)) for name in names},
    )


@settings(deadline=None, max_examples=150)
@given(all_records())
def test_there_and_back(records: Records) -> None:
    document = records.to_document()
    assert document["format"] == FORMAT
    text = json.dumps(document, allow_nan=False)
    again = Records.from_document(json.loads(text))
    assert again == records
    assert again.to_document() == document


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "new" / "records.json"
    records = Records(servers={"s1": Server("s1", Flavor(1, 64), host="h1")})
    records.save(path)
    assert Records.from_file(path) == records
    before = path.read_bytes()
    records.ports["p1"] = {"id": "p1", "odd": float("nan")}
    with pytest.raises(BadInput, match="a value that JSON has not"):
        records.save(path)
    records.ports["p1"] = {"id": "p2"}
    with pytest.raises(BadInput, match=r"ports\['p1'\]: id must be the same, got 'p2'"):
        records.save(path)
    with pytest.raises(BadInput, match="is a folder; give a file"):
        records.save(tmp_path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["records.json"]


@pytest.mark.parametrize(
    ("more", "node"),
    [
        pytest.param({"host": "h1"}, "h1", id="like its host"),
        pytest.param({"host": "h1", "node": "n1"}, "n1", id="another"),
        pytest.param({"host": "h1", "node": None}, None, id="on no node"),
        pytest.param({}, None, id="on no host"),
    ],
)
def test_nodes_are_called_like_their_hosts(
    more: dict[str, Any], node: str | None
) -> None:
    records = Records.from_document({"format": FORMAT, "servers": [ONE | more]})
    assert records.servers["s1"].node == node
    assert Records.from_document(records.to_document()) == records


def test_only_what_is_said_is_written() -> None:
    document = {"format": FORMAT, "servers": [ONE]}
    assert Records.from_document(document).to_document() == document
    assert Records().to_document() == {"format": FORMAT}


MOVE = {"uuid": "m1", "server": "s1", "kind": "resize"}


def _of_image(**properties: object) -> dict[str, object]:
    return {"servers": [ONE | {"image": {"properties": properties}}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "Records must be an object, got []."),
        ({}, "Records: format must be 'kilonova-records/1', got None."),
        ({"format": "kilonova-records/2"}, "got 'kilonova-records/2'."),
        ({"instances": []}, "Records: unknown key 'instances', known: ['format', 's"),
        ({"servers": {}}, "servers must be a list, got {}."),
        ({"servers": [5]}, "servers[0] must be an object, got 5."),
        ({"servers": [{}]}, "servers[0]: uuid is missing."),
        ({"servers": [{"uuid": "s1"}]}, "servers[0] ('s1'): flavor is missing."),
        ({"servers": [ONE | {"uuid": ""}]}, "uuid must be text of 1 to 255 characters"),
        ({"servers": [ONE | {"uuid": 5}]}, "servers[0]: uuid must be a text, got 5."),
        (
            {"servers": [ONE, ONE]},
            "servers[0] and servers[1] both have the uuid 's1'; it is unique.",
        ),
        (
            {"servers": [ONE | {"hosts": "h1"}]},
            "servers[0] ('s1'): unknown key 'hosts', known: [",
        ),
        (
            {"servers": [ONE | {"host": 5}]},
            "servers[0] ('s1'): host must be a text, got 5.",
        ),
        (
            {"servers": [ONE | {"ports": "p1"}]},
            "servers[0] ('s1'): ports must be a list, got 'p1'.",
        ),
        (
            {"servers": [ONE | {"ports": ["p1", None]}]},
            "servers[0] ('s1'): ports[1] must be a text, got None.",
        ),
        (
            {"servers": [ONE | {"vm_state": "gone"}]},
            "servers[0] ('s1'): vm_state must be one of building, active, ",
        ),
        (
            {"servers": [ONE | {"locked": 1}]},
            "servers[0] ('s1'): locked must be true or false, got 1.",
        ),
        (
            {"servers": [ONE | {"created_at": "now"}]},
            "servers[0] ('s1'): created_at must be a number, got 'now'.",
        ),
        (
            {"servers": [ONE | {"created_at": float("nan")}]},
            "created_at must be within 9007199254740992, got nan.",
        ),
        (
            {"servers": [{"uuid": "s1", "flavor": {"vcpus": -1, "memory_mb": 1}}]},
            "servers[0] ('s1'): flavor: vcpus must be in 0..9007199254740991, got -1.",
        ),
        (
            {"servers": [{"uuid": "s1", "flavor": {"vcpus": True, "memory_mb": 1}}]},
            "flavor: vcpus must be a whole number, got True.",
        ),
        (
            {"servers": [{"uuid": "s1", "flavor": {"vcpus": 1}}]},
            "servers[0] ('s1'): flavor: memory_mb is missing.",
        ),
        (
            _of_image(hw_numa_nodes="x"),
            "servers[0] ('s1'): image: properties: hw_numa_nodes must be a whole "
            "number, got 'x'.",
        ),
        (_of_image(hw_numa_nodes=True), "hw_numa_nodes must be a whole number"),
        (_of_image(hw_pmu="yes"), "hw_pmu must be true or false, got 'yes'."),
        (_of_image(os_distro=None), "os_distro must be a text, got None."),
        (_of_image(hw_cpu_policy="any"), "must be one of dedicated, shared, mixed"),
        (_of_image(hw_cpu_policy=["mixed"]), "must be one of dedicated, shared"),
        (_of_image(hw_numa_mem=[1, "2"]), "hw_numa_mem must be a list of whole"),
        (_of_image(hw_numa_cpus=[0, 1]), "must be a list of lists of whole numbers"),
        (_of_image(traits_required="T"), "traits_required must be a list of texts"),
        (
            {"servers": [ONE | {"hints": {"group": "g"}}]},
            "servers[0] ('s1'): hints: 'group' must be a list, got 'g'.",
        ),
        (
            {"migrations": [MOVE | {"kind": "cold"}]},
            "migrations[0] ('m1'): kind must be one of resize, migration, ",
        ),
        (
            {"migrations": [MOVE | {"cross_cell_move": None}]},
            "cross_cell_move must be true or false, got None.",
        ),
        ({"ports": [{"name": "x"}]}, "ports[0]: id must be text of 1 to 255"),
        ({"networks": []}, "networks must be an object, got []."),
        ({"networks": {"n": 5}}, "networks: 'n' must be an object, got 5."),
        (
            {"device_profiles": {"p": [{"resources:FPGA": 1}]}},
            "device_profiles: 'p'[0]: 'resources:FPGA' must be a text, got 1.",
        ),
        ({"host_mappings": {"h1": None}}, "host_mappings: 'h1' must be a text"),
        ({"aggregate_hosts": {"a": "h1"}}, "aggregate_hosts: 'a' must be a list"),
        (
            {"copies": {"s2": [{"server": ONE, "migration": MOVE}]}},
            "copies: 's2'[0]: server: uuid must be the same, got 's1'.",
        ),
        (
            {"copies": {"s1": [{"server": ONE}]}},
            "copies: 's1'[0]: migration is missing.",
        ),
    ],
)
def test_refused(document: Any, message: str) -> None:
    if isinstance(document, dict) and document and "format" not in document:
        document = {"format": FORMAT} | document
    with pytest.raises(BadInput) as refused:
        Records.from_document(document)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "records.json: no such file."),
        ("{", "records.json is not JSON: "),
        ("[" * 100_000, "records.json is nested too deeply to be records."),
        ('{"format": 1}', "records.json: Records: format must be "),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "records.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput) as refused:
        Records.from_file(path)
    assert message in str(refused.value)
    with pytest.raises(BadInput, match="cannot be read"):
        Records.from_file(tmp_path)


def test_types_without_json() -> None:
    for hint in (complex, int | str, None | str | int):
        with pytest.raises(TypeError, match="No JSON"):
            reader_of(hint)
