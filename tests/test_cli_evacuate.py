"""``kilonova evacuate`` as an operator uses it: a rack fails, plan, look, apply."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from generators.evac_small import uuid
from kilonova.candidates.cloud import Cloud
from kilonova.cli import main
from kilonova.plan import apply as applying
from kilonova.records import document as documents
from kilonova.records.records import Records
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor

Run = Any


@pytest.fixture(params=["document", "folder"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Lay out two racks of two hosts; rack 1 has three servers, one of them too big.

    All hosts have 4 CPUs; those of rack 2 are empty.
    """
    document: dict[str, Any] = {
        "providers": [
            {
                "name": f"h{n}",
                "uuid": uuid(2, n),
                "inventories": {
                    "VCPU": {"total": 4, "max_unit": 16},
                    "MEMORY_MB": {"total": 8192},
                },
            }
            for n in range(4)
        ],
        "host_aggregates": [{"uuid": f"rack{n}", "name": f"rack {n}"} for n in (1, 2)],
        "hosts": [
            {"nodename": f"h{n}", "aggregates": [f"rack{n // 2 + 1}"]} for n in range(4)
        ],
        "consumers": [
            {
                "uuid": uuid(4, n),
                "allocations": {f"h{n % 2}": {"VCPU": vcpus, "MEMORY_MB": 512}},
                "host": f"h{n % 2}",
                "vcpus": vcpus,
                "memory_mb": 512,
            }
            for n, vcpus in enumerate((1, 2, 3))
        ],
    }
    records = Records()
    for n, vcpus in enumerate((1, 2, 5)):
        host = f"h{n % 2}"
        server = Server(uuid(4, n), Flavor(vcpus, 512), host=host, node=host)
        records.servers[server.uuid] = server
    documents.write_file(records, tmp_path / "records.json")
    if request.param == "folder":
        Cloud.from_document(document).write(tmp_path / "cloud")
    else:
        (tmp_path / "cloud").write_text(json.dumps(document))
    return tmp_path


def run(site: Path, *more: str) -> int:
    """Run the command over the files of a site; give its exit status."""
    arguments = ["evacuate", str(site / "cloud")]
    arguments += ["--records", str(site / "records.json")]
    arguments += ["--plan", str(site / "plan.parquet"), *more]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def texts(site: Path) -> dict[str, bytes]:
    """Give what the files of cloud and records hold."""
    paths = [p for p in site.rglob("*") if p.is_file() and p.name != "plan.parquet"]
    return {str(path): path.read_bytes() for path in paths}


def cloud_of(site: Path) -> Cloud:
    path = site / "cloud"
    if path.is_dir():
        return Cloud.read(path)
    return Cloud.from_document(json.loads(path.read_text()))


def test_a_rack_fails(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = texts(site)
    assert run(site, "--rack", "rack 1") == 3
    assert texts(site) == before
    shown = capsys.readouterr().out
    assert "3 servers of 2 hosts" in shown
    assert "2 hosts, allocation candidates removed 2" in shown

    rows = pq.read_table(site / "plan.parquet").to_pylist()
    assert [(row["step"], row["source"], row["status"]) for row in rows] == [
        (0, "h0", "planned"),
        (1, "h1", "planned"),
        (2, "h0", "unplaced"),
    ]
    assert {row["target"] for row in rows} == {"h2", "h3", None}

    assert run(site, "--apply", "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert told["statuses"] == {"done": 2, "unplaced": 1}
    assert (told["placed"], told["bound"], told["gap"]) == (2, 2, 0.0)

    # Later an audit finds what is held on rack 1 by servers that are elsewhere.
    cloud, records = cloud_of(site), documents.read_file(site / "records.json")
    orphans = {
        (server.uuid, provider)
        for server in records.servers.values()
        for provider in cloud.allocations(server.uuid)
        if provider in (uuid(2, 0), uuid(2, 1)) and server.node not in ("h0", "h1")
    }
    assert orphans == {(uuid(4, 0), uuid(2, 0)), (uuid(4, 1), uuid(2, 1))}
    assert len(records.migrations) == 2

    after = texts(site)
    assert run(site, "--apply") == 3
    assert texts(site) == after
    assert run(site, "--rack", "rack 1") == 2
    assert "is a plan that was begun" in capsys.readouterr().err


def test_all_servers_have_a_host(site: Path) -> None:
    assert run(site, "--host", "h1", "--greedy") == 0
    assert run(site, "--apply") == 0


def test_interrupted_and_run_again(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    assert run(site, "--rack", "rack1") == 3
    carry_out = applying._carry_out

    def interrupted(*given: Any) -> None:
        carry_out(*given)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(applying, "_carry_out", interrupted)
        assert run(site, "--apply") == 130
    assert "1 servers are left" in capsys.readouterr().err
    assert run(site, "--apply", "--json") == 3
    assert json.loads(capsys.readouterr().out)["statuses"]["done"] == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param((), "Which hosts failed?", id="nothing failed"),
        pytest.param(("--host", "x"), "No host 'x'", id="unknown host"),
        pytest.param(("--rack", "x"), "No host aggregate 'x'", id="unknown rack"),
        pytest.param(("--cell", "x"), "No cell 'x'", id="unknown cell"),
        pytest.param(("--apply",), "plan first, without --apply", id="no plan"),
        pytest.param(
            ("--apply", "--host", "h0"), "takes the hosts from the plan", id="both"
        ),
        pytest.param(
            ("--host", "h0", "--as", "role:member,project:p,scope:project"),
            "os_compute_api:os-evacuate",
            id="forbidden",
        ),
    ],
)
def test_what_cannot_be(
    site: Path,
    more: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = texts(site)
    assert run(site, *more) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert texts(site) == before
    assert not (site / "plan.parquet").exists()


def test_administrators_may(site: Path) -> None:
    assert run(site, "--host", "h1", "--as", "role:admin,project:p,scope:project") == 0


def test_records_are_needed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "records.json").unlink()
    assert run(site, "--host", "h0") == 2
    assert "records.json: no such file" in capsys.readouterr().err
