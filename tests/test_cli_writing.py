"""Cloud and records are written together, or neither of them."""

import json
from pathlib import Path

import pytest

from kilonova.candidates.cloud import Cloud
from kilonova.cli.writing import write_outputs
from kilonova.errors import BadInput
from kilonova.records.document import read_file
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from moves_cloud import make_cloud
from story_site import SMALL, StorySite


@pytest.fixture
def cloud() -> Cloud:
    return make_cloud(("a", "b"))


@pytest.fixture
def records() -> Records:
    made = Records()
    made.servers["s"] = Server("s", Flavor(1, 512))
    return made


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_both(tmp_path: Path, cloud: Cloud, records: Records) -> None:
    write_outputs(cloud, tmp_path / "new/cloud", records, tmp_path / "new/r.json")
    assert Cloud.read(tmp_path / "new/cloud").to_document() == cloud.to_document()
    assert read_file(tmp_path / "new/r.json").servers == records.servers
    assert names(tmp_path / "new") == {"cloud", "r.json"}


def test_records_within_the_folder_of_the_cloud(
    tmp_path: Path, cloud: Cloud, records: Records
) -> None:
    for _ in range(2):
        write_outputs(cloud, tmp_path / "out", records, tmp_path / "out/r.json")
    assert read_file(tmp_path / "out/r.json").servers == records.servers
    assert Cloud.read(tmp_path / "out").to_document() == cloud.to_document()
    assert not any(name.startswith(".") for name in names(tmp_path / "out"))


def test_one_of_them_or_none(tmp_path: Path, cloud: Cloud, records: Records) -> None:
    write_outputs(cloud, None, records, None)
    write_outputs(cloud, None)
    assert names(tmp_path) == set()
    write_outputs(cloud, None, records, tmp_path / "r.json")
    assert names(tmp_path) == {"r.json"}
    write_outputs(cloud, tmp_path / "out", records)
    assert names(tmp_path) == {"out", "r.json"}


def test_a_document_stays_one(tmp_path: Path, cloud: Cloud) -> None:
    write_outputs(cloud, tmp_path / "cloud.json", as_document=True)
    assert json.loads((tmp_path / "cloud.json").read_text()) == cloud.to_document()


@pytest.mark.parametrize("as_document", [False, True])
def test_no_cloud_without_records(
    tmp_path: Path, cloud: Cloud, records: Records, as_document: bool
) -> None:
    out = tmp_path / "out"
    (tmp_path / "r.json").mkdir()
    with pytest.raises(BadInput, match="is a folder; give a file to write"):
        write_outputs(cloud, out, records, tmp_path / "r.json", as_document=as_document)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is a file"):
        write_outputs(cloud, out, records, tmp_path / "file/r.json")
    records.servers["s"].fault = object()  # type: ignore[assignment]
    with pytest.raises(BadInput):
        write_outputs(cloud, out, records, tmp_path / "records.json")
    assert names(tmp_path) == {"r.json", "file"}


def test_no_records_without_a_cloud(
    tmp_path: Path, cloud: Cloud, records: Records
) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(BadInput, match="is a file"):
        write_outputs(cloud, tmp_path / "out", records, tmp_path / "new/r.json")
    assert names(tmp_path) == {"out"}


IMAGE = "6f2c6a3e-6f0a-4b5c-9f0e-2d6a3c1b7a90"
READ = "--records {site}/records.json"
BOTH = "--out {new}/cloud --records-out {new}/more/records.json"
# What each command that writes is given; its files go into folders that are not there.
WRITING = [
    f"evacuate {{site}}/cloud {READ} --host a --plan {{new}}/plan.parquet",
    f"audit {{site}}/cloud {READ} --out {{new}}/cloud",
    f"heal {{site}}/cloud {READ} {BOTH}",
    f"sync-aggregates {{site}}/cloud {READ} --out {{new}}/cloud",
    f"precache {{site}}/cloud rack {IMAGE} --out {{new}}/cloud",
    f"server stop-service {{site}}/cloud a {READ} {BOTH}",
    "vgpu apply {site}/cloud {site}/nova.conf {site}/devices.json --node a"
    " --out {new}/cloud",
]


@pytest.mark.parametrize("line", WRITING, ids=lambda line: line.split(" {")[0])
def test_all_commands_make_the_folders_that_they_write_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    racks = [{"uuid": "r1", "name": "rack"}]
    site = StorySite(tmp_path, capsys, host_aggregates=racks)
    assert site.server("boot", "web", "--flavor", SMALL, "--host", "a") == 0
    (tmp_path / "nova.conf").write_text("")
    (tmp_path / "devices.json").write_text("[]")
    new = tmp_path / "new/er"
    typed = line.format(site=tmp_path, new=new).split()
    before = names(tmp_path)
    assert site.run(*typed, "--as", "nobody") in (2, 127)
    assert names(tmp_path) == before
    site.run(*typed)
    outputs = [Path(each) for each in typed if each.startswith(str(new))]
    assert outputs
    assert all(path.exists() for path in outputs)
