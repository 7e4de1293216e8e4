"""Ctrl-C during a replay: how far it came, exit code 130, nothing half-written.

The signal is raised at a given place in this process; once it comes from outside, to a
process at a terminal.
"""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kilonova.cli import replay as command
from kilonova.replay import openb, report, run
from replay_small import code, files, small_cluster

START = [sys.executable, "-c", "from kilonova.cli import main; main()"]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return small_cluster(tmp_path, monkeypatch)


def interrupting(original: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """Have the function press Ctrl-C when it is called for the n-th time."""
    left = [calls]

    def pressing(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            signal.raise_signal(signal.SIGINT)
        return original(*arguments, **options)

    return pressing


@pytest.mark.parametrize(
    ("owner", "name", "calls", "message"),
    [
        pytest.param(
            openb, "read_trace", 1, "before the first run; nothing was", id="reading"
        ),
        pytest.param(
            run.Workload, "play", 2, "after 0 of 12 runs; nothing was", id="first run"
        ),
        pytest.param(
            run.Workload, "play", 7, "after 5 of 12 runs and ", id="later run"
        ),
        pytest.param(
            report, "write_metrics", 1, "after 12 of 12 runs; nothing was", id="report"
        ),
        pytest.param(
            command, "show", 1, "; the report is complete: out/recorded/", id="table"
        ),
    ],
)
def test_interrupted(
    cluster: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    calls: int,
    message: str,
) -> None:
    monkeypatch.setattr(owner, name, interrupting(getattr(owner, name), calls))
    assert code(cluster) == 130
    out, error = capsys.readouterr()
    assert out == ""
    # Where nothing was compiled before, that is said first.
    said = error.removeprefix("kilonova: compiling kernels, once\n")
    assert re.fullmatch(r"kilonova: interrupted[^\n]+\n", said), error
    assert message in error
    complete = "complete" in message
    assert files(Path.cwd()) == (["out"] if complete else [])
    assert Path("out/recorded/report.html").exists() == complete


def test_interrupt_keeps_an_older_report(
    cluster: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[str | Path] = [cluster, "--workload", "v", "--policy"]
    assert code(*options, "FGD") == 0
    before = {p.name: p.read_bytes() for p in Path("out/recorded").iterdir()}
    pressing = interrupting(report.write_metrics, 1)
    monkeypatch.setattr(report, "write_metrics", pressing)
    assert code(*options, "BestFit") == 130
    assert {p.name: p.read_bytes() for p in Path("out/recorded").iterdir()} == before


class Terminal:
    """A command on a terminal of its own, of which all output is kept."""

    def __init__(self, arguments: list[str], **environment: str) -> None:
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*START, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", **environment},
            start_new_session=True,
        )
        os.close(theirs)
        self.ours, self.text = ours, ""

    def read_until(self, wanted: str | None, seconds: float = 60) -> None:
        """Read until some text was shown, or to the end."""
        stop = time.monotonic() + seconds
        while wanted is None or wanted not in self.text:
            assert time.monotonic() < stop, self.text
            if not select.select([self.ours], [], [], 0.1)[0]:
                continue
            # Linux tells with an error that the other side was closed.
            with contextlib.suppress(OSError):
                if more := os.read(self.ours, 65536):
                    self.text += more.decode()
                    continue
            assert wanted is None, self.text
            return

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.mark.jit
def test_ctrl_c_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded cluster is played; Ctrl-C comes when a run has begun."""
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(["replay", "openb", "--policy", "FGD", "--workload", "default"])
    try:
        terminal.read_until("replaying FGD, default, seed 43")
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_until(None)
        assert terminal.process.wait(10) == 130
    finally:
        terminal.close()
    last = terminal.text.rstrip().splitlines()[-1]
    assert re.search(
        r"kilonova: interrupted after 1 of 5 runs and \d+ of \d+ requests; nothing was",
        last,
    ), last
    assert "Traceback" not in terminal.text
    assert files(tmp_path) == []
