"""What the README shows works: its example runs, its commands and files exist.

The first code block is run as a new user would run it; each `kilonova` command that it
names must be one, and each file that it links to must be there.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^ +kilonova ([a-z-]+)", TEXT, re.MULTILINE)))
LINKS = sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT)))


def test_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 10
    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "('host1:gpu',) {'host1': {'VCPU': 4}, 'host1:gpu': {'VGPU': 1}}\n"
        "{'VCPU': 4} 3 fit.\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kilonova", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
