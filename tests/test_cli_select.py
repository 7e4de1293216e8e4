"""``kilonova select``: the host, the reasons, and one line for input that is wrong.

Method: the command runs in this process on a small cloud; exit status 0 with a host, 1
without any, 2 for input that cannot be right.
"""

import json
import shlex
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kilonova.cli import main
from kilonova.errors import BadRequest
from kilonova.request.group import Request

PORT = {
    "id": "3c1f5b0a-5d1c-4e7b-9f57-0c3b1f6a2d10",
    "network_id": "net",
    "resource_request": {
        "resources": {"NET_BW_EGR_KILOBIT_PER_SEC": 1000},
        "required": ["CUSTOM_PHYSNET_A"],
    },
}
NOVA_CONF = """
[filter_scheduler]
enabled_filters = ComputeFilter,AggregateInstanceExtraSpecsFilter
ram_weight_multiplier = -1.0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cloud of two hosts, of which the larger one has bandwidth."""
    made = tmp_path_factory.mktemp("select")
    large = {"VCPU": {"total": 16}, "MEMORY_MB": {"total": 32768}}
    small = {"VCPU": {"total": 4}, "MEMORY_MB": {"total": 8192}}
    bridge = {"NET_BW_EGR_KILOBIT_PER_SEC": {"total": 1000}}
    document = {
        "providers": [
            {"name": "large", "inventories": large},
            {
                "name": "large:bridge",
                "parent": "large",
                "inventories": bridge,
                "traits": ["CUSTOM_PHYSNET_A"],
            },
            {"name": "small", "inventories": small},
        ],
        "hosts": [
            {"nodename": "large", "aggregates": ["fast"]},
            {"nodename": "small"},
        ],
        "host_aggregates": [{"uuid": "fast", "metadata": {"disk": "nvme"}}],
        "server_groups": [{"uuid": "pair", "policy": "anti-affinity"}],
    }
    (made / "cloud.json").write_text(json.dumps(document))
    (made / "port.json").write_text(json.dumps([PORT]))
    (made / "nova.conf").write_text(NOVA_CONF)
    return made


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def select(folder: Path, *arguments: str) -> Done:
    """Run the command in the folder of the cloud."""
    out, err, status = StringIO(), StringIO(), 0
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        try:
            main(["select", "cloud.json", *arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


def found(folder: Path, *arguments: str) -> Any:
    done = select(folder, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_table_and_reasons(folder: Path) -> None:
    done = select(folder, "--flavor", "vcpus=2,ram=1024", "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("large", "small", "ComputeFilter", "RAMWeigher", "normalised"):
        assert word in done.stdout


def test_a_port_goes_where_its_bandwidth_is(folder: Path) -> None:
    for port in ("port.json", json.dumps(PORT)):
        document = found(folder, "--flavor", "vcpus=1,ram=512", "--port", port)
        (server,) = document["servers"]
        assert server["host"] == "large"
        assert server["mappings"][PORT["id"]] == ["large:bridge"]
        assert server["allocations"]["large"] == {"VCPU": 1, "MEMORY_MB": 512}


def test_options_change_the_answer(folder: Path) -> None:
    flavor = ("--flavor", "vcpus=1,ram=512")
    config = ("--config-file", "nova.conf")
    assert found(folder, *flavor)["servers"][0]["host"] == "large"
    assert found(folder, *flavor, *config)["servers"][0]["host"] == "large"
    extra = ("--property", "disk=nvme")
    assert found(folder, *flavor, *config, *extra)["servers"][0]["alternates"] == []


def test_a_group_keeps_servers_apart(folder: Path) -> None:
    flavor = ("--flavor", "vcpus=1,ram=512", "--server-group", "pair")
    servers = found(folder, *flavor, "--count", "2")["servers"]
    assert {server["host"] for server in servers} == {"large", "small"}


def test_no_host(folder: Path) -> None:
    done = select(folder, "--flavor", "vcpus=99,ram=512")
    assert done.returncode == 1
    assert "No valid host was found." in done.stdout
    assert "allocation candidates" in done.stdout
    done = select(folder, "--flavor", "vcpus=99,ram=512", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["refused"].startswith("No valid host was found.")
    assert document["explanation"]["steps"][0]["after"] == 0


INGRESS = {"resources": {"NET_BW_IGR_KILOBIT_PER_SEC": 1}}
PORTS = json.dumps(
    [
        {**PORT, "id": f"3c1f5b0a-5d1c-4e7b-9f57-0c3b1f6a2d{i}", **request}
        for i, request in ((11, {}), (12, {"resource_request": INGRESS}))
    ]
)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--flavor", "vcpus=99,ram=512"),
        ("--flavor", "vcpus=1,ram=512", "--port", PORTS),
        ("--flavor", "vcpus=1,ram=512", "--property", "trait:HW_CPU_X86_AVX2=required"),
        ("--flavor", "vcpus=99,ram=512", "--property", "hw:cpu_policy=dedicated"),
    ],
)
def test_no_candidate_points_to_explain(
    folder: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    done = select(folder, *arguments)
    assert done.returncode == 1
    command = shlex.split(done.stdout.splitlines()[-1].partition("kilonova ")[2])
    assert command[:2] == ["explain", "cloud.json"]
    with chdir(folder), pytest.raises(SystemExit) as end:
        main(command)
    assert not end.value.code
    assert "0 of 2 hosts fit" in capsys.readouterr().out


def test_what_no_query_says_points_to_explain(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: Request) -> str:
        raise BadRequest("No query says it.")

    monkeypatch.setattr("kilonova.cli.select.render_query", refuse)
    done = select(folder, "--flavor", "vcpus=99,ram=512")
    assert done.returncode == 1
    assert done.stdout.endswith("kilonova explain cloud.json QUERY\n")


def test_filters_alone_do_not_point_to_explain(folder: Path) -> None:
    given = ("--flavor", "vcpus=1,ram=512", "--config-file", "nova.conf")
    done = select(folder, *given, "--property", "disk=none")
    assert done.returncode == 1
    assert "kilonova explain" not in done.stdout


@pytest.mark.parametrize("more", [(), ("--explain",), ("--json",)])
@pytest.mark.parametrize(("vcpus", "status"), [(1, 0), (99, 1)])
def test_what_is_ignored_is_said(
    folder: Path, more: tuple[str, ...], vcpus: int, status: int
) -> None:
    flavor = ("--flavor", f"vcpus={vcpus},ram=512", "--property", "resources:VCPU=x")
    done = select(folder, *flavor, *more)
    note = "resources:VCPU must be a whole number from 0, got 'x'; it is ignored."
    assert done.returncode == status
    assert done.stderr == f"kilonova: {note}\n"
    if more == ("--json",):
        assert json.loads(done.stdout)["notes"] == [note]
    else:
        assert "ignored" not in done.stdout


def test_nothing_is_ignored(folder: Path) -> None:
    assert found(folder, "--flavor", "vcpus=1,ram=512")["notes"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--flavor", "vcpus=4"], "--flavor needs ram"),
        (["--flavor", "vcpus=4,ram=1,colour=2"], "--flavor has no 'colour'"),
        (["--flavor", "vcpus=4,ram=x"], "ram must be a whole number, got 'x'"),
        (["--flavor", "vcpus=4,ram"], "--flavor must be KEY=VALUE, got 'ram'"),
        (["--count", "0"], "count must be at least 1, got 0"),
        (["--property", "hw:cpu_policy=x"], "hw:cpu_policy"),
        (["--property", "x"], "--property must be KEY=VALUE, got 'x'"),
        (["--port", "nowhere.json"], "--port must be JSON or a file of it"),
        (["--port", "{"], "is not JSON"),
        (["--port", "[1]"], "must be an object or a list of them"),
        (["--server-group", "x"], "no group 'x'; known: pair, affinity"),
        (["--config-file", "none.conf"], "none.conf"),
        (["--hint", "x"], "--hint must be KEY=VALUE, got 'x'"),
    ],
)
def test_wrong_input(folder: Path, arguments: list[str], message: str) -> None:
    given = arguments
    if "--flavor" not in arguments:
        given = ["--flavor", "vcpus=1,ram=1", *arguments]
    done = select(folder, *given)
    assert done.returncode == 2
    assert done.stderr.startswith("kilonova: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
