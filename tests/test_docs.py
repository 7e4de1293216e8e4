"""What the pages of docs/ show works: examples run, commands and files exist.

An example is a block of Python with the text that it prints below it. Each `kilonova`
command that a page names must be one, and each file that it links to must be there.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
EXAMPLES = [
    pytest.param(code, text, id=name)
    for name, page in sorted(PAGES.items())
    for code, text in EXAMPLE.findall(page)
]
COMMANDS = sorted(
    {
        command
        for page in PAGES.values()
        for command in re.findall(
            r"^ +kilonova ((?:policy |rescue |server |vgpu )?[a-z-]+)",
            page,
            re.MULTILINE,
        )
    }
)
LINKS = sorted(
    {
        (name, link)
        for name, page in PAGES.items()
        for link in re.findall(r"\]\(([^)#:]+)\)", page)
    }
)


@pytest.mark.parametrize(("code", "text"), EXAMPLES)
def test_example_prints_what_the_page_says(code: str, text: str) -> None:
    assert text, "an example must be followed by what it prints"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == text


@pytest.mark.parametrize(
    "page",
    [
        "audit",
        "cross-cell",
        "heal",
        "image-cache",
        "policies",
        "records",
        "rescue",
        "vgpu",
    ],
)
def test_each_of_these_pages_has_an_example(page: str) -> None:
    assert EXAMPLE.search(PAGES[f"{page}.md"])


@pytest.mark.parametrize(
    ("feature", "page"),
    [
        ("QoS ports in moves", "qos-ports"),
        ("moves", "moves"),
        ("placement audit", "audit"),
        ("heal and aggregates", "heal"),
        ("policy scopes", "policies"),
        ("accelerators", "accelerators"),
        ("stable device rescue", "rescue"),
        ("image pre-caching", "image-cache"),
        ("several types of vGPU", "vgpu"),
        ("evacuation at scale", "evacuation"),
    ],
)
def test_each_feature_has_a_page(feature: str, page: str) -> None:
    text = PAGES[f"{page}.md"]
    assert text.startswith("# "), feature
    assert EXAMPLE.search(text) or "    kilonova " in text, feature


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kilonova", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_links_lead_somewhere(page: str, link: str) -> None:
    assert (FOLDER / page).parent.joinpath(link).exists()
