"""Odd input to the commands that ask a cloud: names like markup, none, too deep files.

What is refused is one line on standard error, and nothing on standard output.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from test_cli_asking import run

NAMES = ("[red]x[/red]", "[/x]", ":cat:", "[link=a]b", "\\[x")
QUESTIONS = ("candidates", "explain", "headroom")


def file(folder: Path, document: Any) -> str:
    path = folder / "cloud.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


def host(name: str) -> dict[str, Any]:
    return {"name": name, "inventories": {"VCPU": {"total": 8}}}


@pytest.mark.parametrize("command", ["candidates", "headroom"])
def test_names_like_markup(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = file(tmp_path, {"providers": [host(name) for name in NAMES]})
    assert run(command, cloud, "resources=VCPU:8") == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name in NAMES:
        assert name in out


@pytest.mark.parametrize("command", ["candidates", "headroom"])
def test_long_names_are_whole_without_a_terminal(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = file(tmp_path, {"providers": [host("x" * 200)]})
    assert run(command, cloud, "resources=VCPU:8") == 0
    out, _ = capsys.readouterr()
    assert "x" * 200 in out
    assert max(map(len, out.splitlines())) < 1000


def test_names_like_markup_in_what_would_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = file(tmp_path, {"providers": [host(NAMES[0])]})
    assert run("explain", cloud, "resources=VCPU:9", "--host", NAMES[0]) == 0
    out, _ = capsys.readouterr()
    assert "VCPU" in out
    assert run("explain", cloud, "resources=VCPU:9", "--host", NAMES[1]) == 2
    out, err = capsys.readouterr()
    assert NAMES[1] in err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("candidates", "No candidates"),
        ("explain", "0 of 0 hosts fit"),
        ("headroom", "0 fit."),
    ],
)
def test_an_empty_cloud(
    command: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = file(tmp_path, {"providers": []})
    assert run(command, cloud, "resources=VCPU:1") == 0
    out, err = capsys.readouterr()
    assert said in out
    assert err == ""
    assert run(command, cloud, "resources=VCPU:1", "--json") == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


DEEP = '{"providers": ' + "[" * 100_000 + "]" * 100_000 + "}"
REFUSED = [
    pytest.param(
        DEEP, ["resources=VCPU:1"], "is nested too deeply to be a cloud.", id="deep"
    ),
    pytest.param(
        {"providers": []}, ["resources=VCPU:1", "--group-policy", "none"],
        "Give a query or --resource and its like, not both.", id="policy and query",
    ),
    pytest.param(
        {"providers": []}, ["--group", "", "--resource", "VCPU=1"],
        "--group must have a name, got none.", id="group without a name",
    ),
    pytest.param(
        {"providers": []}, ["--group="], "--group must have a name, got none.",
        id="nothing but a group",
    ),
]  # fmt: skip


@pytest.mark.parametrize("command", QUESTIONS)
@pytest.mark.parametrize(("document", "options", "said"), REFUSED)
def test_refused(
    command: str,
    document: Any,
    options: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(command, file(tmp_path, document), *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"{said}\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("depth", [200, 600, 900, 950, 980, 990, 1000, 1100])
def test_files_of_any_depth(
    depth: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Near the limit of the stack a file is read, and to tell what it holds fails."""
    inner = "[" * depth + "]" * depth
    for document in (f'{{"providers": {inner}}}', f'{{"providers": [{inner}]}}'):
        assert run("candidates", file(tmp_path, document), "resources=VCPU:1") == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("kilonova: ")
        assert err.count("\n") == 1
