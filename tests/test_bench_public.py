"""Every call that the documentation teaches is timed by some workload.

Method: all workloads make themselves ready on small clouds, which makes their calls,
while Python notes each function that is entered. Public are the methods of the classes
below, and whatever functions the examples of README and docs import.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from kilonova import Cloud, Scheduler
from kilonova.bench import run
from kilonova.bench.busy_cloud import busy_cloud
from kilonova.bench.workload import FILL, SHAPES, Fleet
from kilonova.bench.workloads.register import workloads
from kilonova.candidates.candidates import Candidates
from kilonova.moves.operations import Operations
from kilonova.records.records import Records

pytestmark = pytest.mark.jit

HOSTS = 120
ROOT = Path(__file__).parent.parent
# What the scheduler is asked for by users; the rest is for the modules around it.
OF_SCHEDULER = ("select", "play", "prepare", "explain", "notes")
# A file is what ``from_document`` and ``to_document`` make, as JSON.
LEFT_OUT = {"Records.from_file", "Records.save", "kilonova.cli.main"}


def public() -> dict[str, CodeType]:
    found = {}
    for owner in (Cloud, Scheduler, Operations, Candidates, Records):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if owner is Scheduler and name not in OF_SCHEDULER:
                continue
            if (owner is Records and name.endswith("_copy")) or name == "copy_in":
                continue
            if not name.startswith("_"):
                found[f"{owner.__name__}.{name}"] = method.__code__
    found |= {name: function.__code__ for name, function in taught()}
    return {name: code for name, code in found.items() if name not in LEFT_OUT}


def taught() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give the functions of Kilonova that examples import."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        lines = re.findall(r"^from (kilonova\S*) import (.+)$", page.read_text(), re.M)
        for module, names in lines:
            for name in names.split(", "):
                found = getattr(import_module(module), name)
                if inspect.isfunction(found):
                    yield f"{module}.{name}", found


@contextmanager
def entered() -> Iterator[set[CodeType]]:
    """Note what is entered in the block."""
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call":
            found.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


def test_every_public_call_is_timed() -> None:
    known = public()
    assert len(known) > 50
    missing = dict(known)
    for shape in SHAPES:
        fleet = Fleet(HOSTS, shape, FILL)
        cloud = busy_cloud(*fleet)
        for workload in workloads():
            if not workload.runs_on(fleet):
                continue
            work = run.ready(workload, cloud, fleet)
            if work.before is not None:
                work.before()
            with entered() as codes:
                work.call()
            if work.after is not None:
                work.after()
            if work.close is not None:
                work.close()
            missing = {name: c for name, c in missing.items() if c not in codes}
    assert sorted(missing) == []
