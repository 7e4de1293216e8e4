"""The azure and huawei replays: servers that go through the whole scheduler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kilonova.candidates.cloud import Cloud
from kilonova.errors import UnknownPolicy
from kilonova.hosts.events import Boot, Delete
from kilonova.hosts.options import Options
from kilonova.hosts.options_file import read_options
from kilonova.hosts.scheduler import Scheduler
from kilonova.replay.azure import HOSTS, read_azure
from kilonova.replay.contents import Contents
from kilonova.replay.huawei import read_huawei
from kilonova.replay.server_play import Player, ServerOutcome
from kilonova.replay.server_report import contents_of, summary_of
from kilonova.replay.server_tables import runs_table
from kilonova.replay.servers import STAYS, ServerTrace, Window
from kilonova.replay.source import Choice, Progress, Recording, Summary
from kilonova.replay.trace import refuse_unknown
from kilonova.request.flavor import Flavor
from kilonova.request.server import ServerSpec

# What is played where nothing is chosen; all windows where a source is not named.
_DEFAULT_WINDOWS = {"azure": ("test",)}


def packed(options: Options) -> Options:
    """Prefer the hosts with least free memory and CPUs, which Nova calls packing."""
    section = replace(
        options.filter_scheduler, ram_weight_multiplier=-1.0, cpu_weight_multiplier=-1.0
    )
    return replace(options, filter_scheduler=section)


POLICIES: Mapping[str, Options] = {"spread": Options(), "pack": packed(Options())}


@dataclass(frozen=True, slots=True)
class ServerGame:
    """One window under one policy."""

    trace: ServerTrace
    window: Window
    policy: str
    options: Options
    seed: int

    @property
    def label(self) -> str:
        """Name policy, window and seed."""
        return f"{self.policy}, {self.window.name}, seed {self.seed}"

    @property
    def size(self) -> int:
        """Count arrivals, and departures until the last arrival."""
        end, last = self.window.end, int(self.window.start[-1])
        leaving = (end != STAYS) & (end <= last)
        return len(end) + int(np.count_nonzero(leaving))

    def play(self, progress: Progress) -> ServerOutcome:
        """Play it on an empty fleet."""
        player = Player(
            self.trace, self.window, self.policy, self.options, seed=self.seed
        )
        return player.play(progress)


class ServerRecording(Recording):
    """A list of servers, and what to play of it.

    Parameters
    ----------
    name
        Of the source.
    trace
        As it was read.
    choice
        Policies, windows, seeds, options.
    """

    unit = "events"

    def __init__(self, name: str, trace: ServerTrace, choice: Choice) -> None:
        self.trace, self.choice = trace, choice
        self.folder, self.about = trace.folder, trace.about
        known = list(trace.windows)
        refuse_unknown("workload", choice.workloads, known)
        usual = [each for each in _DEFAULT_WINDOWS.get(name, known) if each in known]
        self._windows = list(dict.fromkeys(choice.workloads)) or usual or known
        self._policies = chosen_policies(choice)

    def games(self) -> Sequence[ServerGame]:
        """List the games, a policy after the other."""
        return [
            ServerGame(self.trace, self.trace.windows[window], policy, options, seed)
            for policy, options in self._policies.items()
            for window in self._windows
            for seed in dict.fromkeys(self.choice.seeds or (0,))
        ]

    def kernel(self) -> Callable[..., object]:
        """Give the loop of the scheduler."""
        from kilonova_kernels.select import select_all

        return select_all

    def warm_up(self) -> None:
        """Let one server come and go on one host, and explain it."""
        host = {"VCPU": {"total": 1}, "MEMORY_MB": {"total": 1}}
        document = {"providers": [{"name": "warm", "inventories": host}]}
        scheduler = Scheduler(Cloud.from_document(document))
        spec = ServerSpec(Flavor(1, 1))
        scheduler.play([Boot("a", spec, 0), Delete("a")])
        scheduler.explain(spec)

    def rows(self, outcomes: Sequence[Any]) -> list[dict[str, Any]]:
        """Give the table of runs."""
        found: list[dict[str, Any]] = runs_table(outcomes).to_pylist()
        return found

    def summary(self, outcomes: Sequence[Any]) -> Summary:
        """Give a row per run."""
        return summary_of(outcomes)

    def contents(self, outcomes: Sequence[Any]) -> Contents:
        """Give the report."""
        return contents_of(self.trace, outcomes)


def chosen_policies(choice: Choice) -> dict[str, Options]:
    """Give the options of each policy; those of a file go by its name.

    Raises
    ------
    UnknownPolicy
        With those that there are.
    BadInput, BadOption
        The file cannot be read, or has what cannot be.
    """
    known = dict(POLICIES)
    usual = "spread"
    if choice.config_file is not None:
        usual = choice.config_file.stem
        known[usual] = read_options(choice.config_file)
    names = list(dict.fromkeys(choice.policies)) or [usual]
    for name in names:
        if name not in known:
            raise UnknownPolicy(f"Unknown policy {name!r}. Known: {', '.join(known)}.")
    return {name: known[name] for name in names}


def open_recording(name: str, folder: Path, choice: Choice) -> ServerRecording:
    """Read what servers ask; raises as ``read_azure`` and ``read_huawei``."""
    if name == "azure":
        choice.require_only(name, "hosts", "config_file")
        trace = read_azure(folder, HOSTS if choice.hosts is None else choice.hosts)
    else:
        choice.require_only(name, "config_file")
        trace = read_huawei(folder)
    return ServerRecording(name, trace, choice)
