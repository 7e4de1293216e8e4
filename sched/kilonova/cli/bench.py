"""``kilonova bench``: measure, or hold the gates; tables, or one JSON object."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from kilonova.bench import suite
from kilonova.bench.gates import outcomes, read_gates
from kilonova.bench.short import short
from kilonova.bench.texts import Table, notes, tables
from kilonova.cli.console import plain_console, print_json, print_uncut
from kilonova.errors import BadInput

# For tests of the gates: "NAME=TIMES" makes a workload so many times slower.
SLOW = "KILONOVA_BENCH_SLOW"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    quick: bool
    peers: str
    hosts: tuple[str, ...]
    only: str
    gates: Path | None
    as_json: bool

    def suite(self) -> suite.Wanted:
        """Say what to run; raises BadInput."""
        names = tuple(name for name in self.peers.split(",") if name)
        if self.peers and not names:
            raise BadInput(f"--peers must name services, got {self.peers!r}.")
        return suite.Wanted(self.quick, numbers(self.hosts), names, self.only)


def run(wanted: Wanted) -> int:
    """Carry out the command; give the exit status, 1 where a gate is breached.

    Raises
    ------
    KilonovaError
        Something that was given cannot be right, or a workload gives a wrong result.
    """
    if wanted.gates is not None:
        return _hold(wanted)
    asked = wanted.suite()
    asked.check()
    with _told() as progress:
        document = suite.run(asked, progress).document()
    if wanted.as_json:
        print_json(document)
        return 0
    console = plain_console()
    for table in (*tables(document), short(document)):
        if table.rows:
            print_uncut(console, _shown(table))
    for line in notes(document):
        console.print(line, soft_wrap=True)
    return 0


def _hold(wanted: Wanted) -> int:
    if wanted.hosts or wanted.peers or wanted.only or wanted.quick:
        raise BadInput("--gates has its own workloads and sizes; give it alone.")
    assert wanted.gates is not None
    gates = read_gates(wanted.gates)
    known = {gate.workload for gate in gates}
    slower = slowdowns(os.environ.get(SLOW, ""), known)
    with _told() as progress:
        found = list(outcomes(gates, slower, progress))
    breaches = [each for each in found if not each.holds]
    if wanted.as_json:
        print_json({"gates": [each.row() for each in found]})
    else:
        for each in breaches:
            print(each.line())
        print(f"{len(found)} gates, {len(breaches)} breached")
    return 1 if breaches else 0


def numbers(texts: Sequence[str]) -> tuple[int, ...]:
    """Read numbers of hosts, one by one or with commas; raises BadInput."""
    found = []
    for text in ",".join(texts).split(",") if texts else ():
        if not text.strip().isascii() or not text.strip().isdigit():
            raise BadInput(f"--hosts must be whole numbers, got {text!r}.")
        found.append(int(text))
    return tuple(sorted(set(found)))


def slowdowns(text: str, known: Collection[str]) -> dict[str, int]:
    """Read ``NAME=TIMES``, a known workload's; raises BadInput."""
    if not text:
        return {}
    name, _, times = text.rpartition("=")
    # Other scripts have digits, too, which are no numbers to Python.
    is_number = times.isascii() and times.isdigit()
    if not name or not is_number or int(times) < 1:
        raise BadInput(f"{SLOW} must be NAME=TIMES, got {text!r}.")
    if name not in known:
        raise BadInput(
            f"{SLOW} must name a workload of the gates, one of {sorted(known)}, "
            f"got {name!r}."
        )
    return {name: int(times)}


@contextmanager
def _told() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what is being done."""
    screen = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with screen.status("starting") as status:
        yield lambda text: status.update(text)


def _shown(table: Table) -> RichTable:
    found = RichTable(title=table.title, title_justify="left", pad_edge=False)
    for place, head in enumerate(table.head):
        found.add_column(head, justify="left" if place < table.texts else "right")
    for row in table.rows:
        found.add_row(*row)
    return found
