"""``kilonova audit``, ``heal`` and ``sync-aggregates`` as an operator runs them.

The story of an evacuation first; then what is shown, what goes wrong, and who may. What
is refused is one line on standard error, and nothing is written.
"""

import json
from pathlib import Path
from typing import Any

import pytest

import heal_cases
from heal_cases import uuid
from kilonova import Cloud
from kilonova.cli import main

SERVER, NODES = uuid(1000), {"h1": uuid(1), "h2": uuid(10)}
FLAVOR = {"vcpus": 2, "memory_mb": 512, "root_gb": 4}
HELD = {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 4}


def run(*arguments: str | Path) -> int:
    """Run the command and give its exit status."""
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return int(ended.value.code or 0)


def write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def cloud(folder: Path, *held: str) -> Path:
    """Write two hosts, and a server that holds what it needs on some of them."""
    document: dict[str, Any] = {
        "providers": heal_cases.tree("h1", 1, 1) + heal_cases.tree("h2", 1, 10),
        "traits": [heal_cases.PHYSNET],
        "host_aggregates": [{"uuid": "a1", "name": "rack"}],
        "hosts": [
            {"host": name, "cell_uuid": "c1", "aggregates": ["a1"]} for name in NODES
        ],
    }
    allocations = dict.fromkeys(held, HELD)
    if held:
        document["consumers"] = [
            {"uuid": SERVER, "project": "p", "user": "u", "allocations": allocations}
        ]
    return write(folder / "cloud.json", document)


def records(folder: Path, *ports: dict[str, Any], **more: Any) -> Path:
    """Write a server on `h2`, evacuated from `h1`, with ports."""
    server = {"uuid": SERVER, "flavor": FLAVOR, "host": "h2", "cell": "c1"}
    server |= {"project_id": "p", "user_id": "u"}
    evacuation = {"uuid": uuid(7), "server": SERVER, "kind": "evacuation"}
    evacuation |= {"status": "done", "source_host": "h1", "dest_host": "h2"}
    document = {"format": "kilonova-records/1", "migrations": [evacuation]}
    return write(
        folder / "records.json",
        document | {"servers": [server | more], "ports": list(ports)},
    )


def test_an_evacuation_whose_source_never_came_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """h1 went down, the server was evacuated to h2, and h1 never cleaned up."""
    made, known = cloud(tmp_path, "h1", "h2"), records(tmp_path)
    assert run("audit", made, "--records", known) == 3
    assert capsys.readouterr() == ("", "")
    assert run("audit", made, "--records", known, "--verbose") == 3
    assert capsys.readouterr().out.splitlines() == [
        f"Provider {NODES['h1']}: consumer {SERVER} (VCPU 2, MEMORY_MB 512, DISK_GB 4) "
        "belongs to nothing.",
        "Orphans found: 1.",
    ]
    after = tmp_path / "after"
    deletion = ("--delete", "--verbose", "--out", after)
    assert run("audit", made, "--records", known, *deletion) == 4
    assert "belongs to nothing: deleted." in capsys.readouterr().out
    assert Cloud.read(after).allocations(SERVER) == {NODES["h2"]: HELD}
    assert run("audit", after, "--records", known, "--verbose") == 0
    assert capsys.readouterr().out == "Orphans found: 0.\n"
    # In place, too; and what was lost by mistake is healed.
    other = records(tmp_path, host="h1")
    assert run("audit", after, "--records", other, "--delete", "--out", after) == 4
    assert Cloud.read(after).allocations(SERVER) == {}
    assert run("heal", after, "--records", known, "--out", after) == 0
    assert run("audit", after, "--records", known) == 0
    assert run("heal", after, "--records", known) == 4


def test_options_of_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, known = cloud(tmp_path, "h1", "h2"), records(tmp_path)
    only = ("audit", made, "--records", known, "--resource_provider")
    assert run(*only, NODES["h2"]) == 0
    assert run(*only, NODES["h1"], "--json") == 3
    found = json.loads(capsys.readouterr().out)
    assert found["orphans"] == [
        {
            "provider": NODES["h1"],
            "consumer": SERVER,
            "resources": HELD,
            "deleted": False,
            "failure": None,
        }
    ]
    assert run(*only, "nobody") == 127
    assert capsys.readouterr() == (
        "",
        "kilonova: No resource provider 'nobody' among the 6 of this cloud.\n",
    )


def test_classes_and_trees_that_nova_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, known = cloud(tmp_path), records(tmp_path)
    document = json.loads(made.read_text())
    pool = {"name": "pool", "inventories": {"DISK_GB": {"total": 9}}}
    document["providers"].append(pool)
    document["resource_classes"] = ["CUSTOM_GPU"]
    document["consumers"] = [
        {"uuid": SERVER, "allocations": {"pool": {"DISK_GB": 1}}},
        {"uuid": "other", "allocations": {"h1": {"CUSTOM_GPU": 1}}},
    ]
    write(made, document)
    assert run("audit", made, "--records", known, "--verbose") == 3
    out = capsys.readouterr().out
    assert "Provider pool: its tree has no compute node" in out
    assert run("audit", made, "--records", known, "--hosts-only") == 0
    everything = ("--hosts-only", "--all-classes", "--verbose")
    assert run("audit", made, "--records", known, *everything) == 3
    assert "consumer other (CUSTOM_GPU 1)" in capsys.readouterr().out


def test_what_cannot_be_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, known = cloud(tmp_path, "h1", "h2"), records(tmp_path)
    document = json.loads(made.read_text())
    node = next(each for each in document["providers"] if each["name"] == "h2")
    node["inventories"]["VCPU"]["max_unit"] = 1
    write(made, document)
    assert run("audit", made, "--records", known, "--delete") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "could not be deleted: 'h2' cannot give 2 VCPU: max_unit is 1." in err
    assert f"stopped after provider {NODES['h1']}" in err


def test_heal_with_ports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = heal_cases.port(0, SERVER, 100, extended=False)
    made, known = cloud(tmp_path), records(tmp_path, port)
    command = ("heal", made, "--records", known)
    assert run(*command, "--dry-run", "--verbose") == 4
    assert "would create allocations: {" in capsys.readouterr().out
    assert run(*command, "--fail", port["id"]) == 6
    assert capsys.readouterr().err.startswith(f"kilonova: Port {port['id']} was not")
    after, ports = tmp_path / "after", tmp_path / "after.json"
    assert run(*command, "--out", after, "--records-out", ports, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["healed"], found["servers"][0]["action"]) == (1, "create")
    bridge = uuid(12)
    written = json.loads(ports.read_text())["ports"][0]
    assert written["binding:profile"] == {"allocation": bridge}
    assert run("heal", after, "--records", ports) == 4
    # The flavor alone, anew; bandwidth that a port has is not asked for again.
    forced = ("--instance", SERVER, "--force", "--out", after)
    assert run("heal", after, "--records", ports, *forced) == 0
    assert Cloud.read(after).allocations(SERVER) == {NODES["h2"]: HELD}


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--max-count", "0"], 127),
        (["--max-count", "many"], 127),
        (["--max-count", "1"], 1),
        (["--max-count", "many", "--instance", SERVER], 0),
        (["--instance", "nobody"], 127),
        (["--instance", SERVER, "--cell", "c1"], 127),
        (["--cell", "c1"], 0),
        (["--cell", "c2"], 127),
        (["--force"], 127),
        (["--fail", "nobody"], 127),
        (["--skip-port-allocations"], 0),
    ],
)
def test_options_of_heal(
    options: list[str],
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made, known = cloud(tmp_path), records(tmp_path)
    assert run("heal", made, "--records", known, *options) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == (status == 127)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"node": "h3"}, 2),
        ({"flavor": FLAVOR | {"vcpus": 99}}, 3),
        ({"ports": ["nobody"]}, 5),
        ({"flavor": FLAVOR | {"extra_specs": {"resources:VGPU": "1"}}}, 8),
    ],
)
def test_servers_that_cannot_be_healed(
    more: dict[str, Any],
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = records(tmp_path, **{"host": "h2", **more})
    assert run("heal", cloud(tmp_path), "--records", known) == status
    assert capsys.readouterr().err.startswith(f"kilonova: Server {SERVER}")


def test_ports_that_stay_as_they_are(tmp_path: Path) -> None:
    ports = [heal_cases.port(n, SERVER, 100, extended=True) for n in range(2)]
    known = records(tmp_path, *ports)
    failing = ("--fail", ports[1]["id"], "--fail", f"{ports[0]['id']}=rollback")
    assert run("heal", cloud(tmp_path), "--records", known, *failing) == 7


def test_sync_aggregates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, after = cloud(tmp_path), tmp_path / "after"
    assert run("sync-aggregates", made, "--verbose", "--out", after) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Aggregate rack:",
        "Host h1: its provider is in aggregate a1.",
        "Host h2: its provider is in aggregate a1.",
    ]
    assert run("sync-aggregates", after, "--json") == 0
    assert json.loads(capsys.readouterr().out)["added"] == []
    for when, status in (("read", 2), ("update", 3)):
        assert run("sync-aggregates", made, "--fail", f"h2={when}") == status
        assert "provider of host 'h2'" in capsys.readouterr().err
    assert run("sync-aggregates", made, "--fail", "h2") == 127
    members = {"format": "kilonova-records/1", "aggregate_hosts": {"a1": ["h9"]}}
    known = write(tmp_path / "known.json", members)
    assert run("sync-aggregates", made, "--records", known) == 4


COMMANDS = ("audit", "heal", "sync-aggregates")


@pytest.mark.parametrize("command", COMMANDS)
def test_input_that_cannot_be_right(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, odd, out = cloud(tmp_path), tmp_path / "odd.json", tmp_path / "out"
    for text, message in (
        (None, "odd.json: no such file."),
        ("{", "odd.json is not JSON: "),
        ('{"format": "kilonova-records/1", "servers": [5]}', "servers[0] must be an"),
    ):
        if text is not None:
            odd.write_text(text)
        assert run(command, made, "--records", odd, "--out", out) == 127
        shown, err = capsys.readouterr()
        assert shown == ""
        assert message in err
        assert err.count("\n") == 1
    known = records(tmp_path)
    assert run(command, tmp_path / "none", "--records", known, "--out", out) == 127
    assert "none: no such file or folder." in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("caller", "rules", "refused"),
    [
        ("role:admin,project:P", "current", None),
        ("role:manager,project:P", "current", "context_is_admin"),
        ("role:admin,scope:system", "ussuri", None),
        ("role:member,scope:system", "ussuri", "system_admin_api"),
    ],
)
def test_who_may(
    command: str,
    caller: str,
    rules: str,
    refused: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("oslo_policy", reason="oslo.policy is an extra of its own")
    made, known, out = cloud(tmp_path), records(tmp_path), tmp_path / "out"
    asked = ("--records", known, "--as", caller, "--rules", rules, "--out", out)
    status = run(command, made, *asked)
    assert out.exists() == (refused is None)
    assert (status == 127) == (refused is not None)
    err = capsys.readouterr().err
    assert (refused or "") in err
    assert err.count("\n") == (refused is not None)
