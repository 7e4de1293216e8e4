"""The commands that ask a cloud: what they print, and one line for what is wrong.

Each runs in this process through ``main``, as the console script does, on a small cloud
in a file. JSON output is compared with what the library answers.
"""

import json
from pathlib import Path

import pytest

from kilonova import Cloud
from kilonova.candidates.headroom import Headroom, HostRoom
from kilonova.cli import main
from kilonova.request.group import Request

DOCUMENT = {
    "providers": [
        {
            "name": "h1",
            "inventories": {"VCPU": {"total": 8}, "MEMORY_MB": {"total": 4096}},
            "traits": ["HW_CPU_X86_AVX2"],
        },
        {
            "name": "h1:pf0",
            "parent": "h1",
            "inventories": {"NET_BW_EGR_KILOBIT_PER_SEC": {"total": 1000}},
            "traits": ["CUSTOM_PHYSNET_0"],
        },
        {
            "name": "h2",
            "inventories": {"VCPU": {"total": 16}, "MEMORY_MB": {"total": 2048}},
        },
    ],
    "consumers": [],
}
PORT = ["--group", "_p", "--resource", "NET_BW_EGR_KILOBIT_PER_SEC=1000"]
PORT += ["--required", "CUSTOM_PHYSNET_0"]


@pytest.fixture
def cloud(tmp_path: Path) -> str:
    path = tmp_path / "cloud.json"
    path.write_text(json.dumps(DOCUMENT))
    return str(path)


def run(*arguments: str) -> int:
    try:
        main(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(*arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_candidates_as_json(cloud: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--resource", "VCPU=4", *PORT, "--json"]
    body = json.loads(printed(capsys, "candidates", cloud, *options))
    query = (
        "resources=VCPU:4&resources_p=NET_BW_EGR_KILOBIT_PER_SEC:1000"
        "&required_p=CUSTOM_PHYSNET_0"
    )
    truth = Cloud.from_document(DOCUMENT).allocation_candidates(query).to_placement()
    assert body == truth
    assert len(body["allocation_requests"]) == 1
    assert json.loads(printed(capsys, "candidates", cloud, query, "--json")) == truth


def test_candidates_as_table(cloud: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, "candidates", cloud, "--resource", "VCPU=4")
    assert "2 allocation candidates" in out
    out = printed(capsys, "candidates", cloud, "--resource=VCPU=4", "--limit", "1")
    assert "1 allocation candidate" in out
    out = printed(capsys, "candidates", cloud, "--resource", "VCPU=17")
    assert "kilonova explain" in out


def test_options_go_to_their_group(
    cloud: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # The trait is h1's own: asked of the port's provider, nobody has both.
    mine = ["--resource", "VCPU=4", "--required", "HW_CPU_X86_AVX2", *PORT]
    assert "1 allocation candidate" in printed(capsys, "candidates", cloud, *mine)
    wrong = ["--resource", "VCPU=4", *PORT, "--required", "HW_CPU_X86_AVX2"]
    assert "No candidates" in printed(capsys, "candidates", cloud, *wrong)


def test_explain(cloud: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--resource", "VCPU=4", "--resource", "MEMORY_MB=8192"]
    out = printed(capsys, "explain", cloud, *options)
    assert "0 of 2 hosts fit" in out
    assert "MEMORY_MB 4096 less" in out
    out = printed(capsys, "explain", cloud, *options, "--host", "h2", "--json")
    found = json.loads(out)
    assert found["host"] == "h2"
    assert found["failing"][0]["best"] == 2048


def test_headroom(cloud: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--resource", "VCPU=2", "--resource", "MEMORY_MB=512"]
    assert printed(capsys, "headroom", cloud, *options).startswith("8 fit.")
    found = json.loads(printed(capsys, "headroom", cloud, *options, "--json"))
    assert (found["total"], found["exact"]) == (8, True)
    assert found["limited_by"] == {"MEMORY_MB": 1, "VCPU": 1}


def test_headroom_shows_both_bounds_where_they_differ(
    cloud: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = (HostRoom("h1", 2, 3, "VCPU"), HostRoom("h2", 1, 1, "MEMORY_MB"))
    limited_by = {"MEMORY_MB": 1, "VCPU": 2}
    found = Headroom(Request(()), 3, 4, rooms, 2, limited_by)
    monkeypatch.setattr(Cloud, "headroom", lambda *_: found)
    text = " ".join(printed(capsys, "headroom", cloud, "--resource", "VCPU=2").split())
    assert text.startswith("At least 3 fit, at most 4.")
    assert "2 to 3" in text
    assert "1 to 1" not in text
    assert "VCPU runs out first on 2, MEMORY_MB runs out first on 1" in text


def test_a_folder_is_a_cloud_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Cloud.from_document(DOCUMENT).write(tmp_path / "cloud")
    out = printed(capsys, "candidates", str(tmp_path / "cloud"), "--resource", "VCPU=9")
    assert "1 allocation candidate" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "--resource VCPU=4", id="nothing asked"),
        pytest.param(["--resource", "VCPU"], "'VCPU'", id="no amount"),
        pytest.param(["--resource", "VCPU=0"], "0", id="amount zero"),
        pytest.param(["--resource", "VCPU=x"], "x", id="amount a word"),
        pytest.param(["--resource", "NIX=1"], "NIX", id="unknown class"),
        pytest.param(
            ["--resource", "VCPU=1", "--required", "NIX"], "NIX", id="unknown trait"
        ),
        pytest.param(
            ["resources=VCPU:1", "--resource", "VCPU=1"], "not both", id="both forms"
        ),
        pytest.param(["resources=VCPU"], "VCPU", id="malformed query"),
        pytest.param(
            ["--resource", "VCPU=1", "--group-policy", "some"], "some", id="policy"
        ),
    ],
)
@pytest.mark.parametrize("command", ["candidates", "explain", "headroom"])
def test_one_line_says_what_is_wrong(
    cloud: str,
    command: str,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(command, cloud, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("kilonova: ")
    assert words in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "no such file", id="missing"),
        pytest.param("{", "not JSON", id="not JSON"),
        pytest.param("[]", "object", id="a list"),
        pytest.param('{"providers": 3}', "providers", id="not a list"),
        pytest.param('{"providers": [{"name": "a", "x": 1}]}', "'x'", id="unknown key"),
    ],
)
def test_a_cloud_that_cannot_be_read(
    tmp_path: Path,
    content: str | None,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "cloud.json"
    if content is not None:
        path.write_text(content)
    assert run("candidates", str(path), "--resource", "VCPU=1") == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert words in err


def test_limits_must_be_positive(
    cloud: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("candidates", cloud, "--resource", "VCPU=1", "--limit", "0") == 2
    assert "at least 1" in capsys.readouterr().err
    assert run("headroom", cloud, "--resource", "VCPU=1", "--most", "0") == 2
    assert "0" in capsys.readouterr().err
