"""Put random selections to Kilonova's filters and weighers and to Nova's own.

Needs nova (the extra of this name). Prints the seed and what came of it, and writes the
tally into ARCHITECTURE.md where that has a place for it; ``--record`` keeps Nova's
answers to the first selections for test runs without nova.
"""

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import figures
import fits_contest
import hosts_contest
from generators.fits import random_fit
from generators.hosts import Case, random_case
from peers import nova_hosts, nova_numa, rounds
from peers.rounds import Round

PACKAGES = ("nova", "numpy")
_SHOWN = 5
_STRIDE = 1_000_003


@dataclass(slots=True)
class Tally:
    """What a run came to; amounts are those of Nova."""

    counts: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, novas: list[Round]) -> None:
        """Count what Nova did with a selection."""
        self.counts["selections"] += 1
        self.counts["servers"] += len(novas)
        for each in novas:
            self.counts["weights"] += len(each.weights)
            if each.error is not None:
                self.refused[each.error] += 1
            before = len(each.steps[0][1]) if each.steps else 0
            before = len(case.hosts) if each is novas[0] else before
            for name, hosts in each.steps:
                self.counts["verdicts of filters"] += before
                self.removed[name] += before - len(hosts)
                before = len(hosts)


def main() -> int:
    """Run; return 1 if answers differ, 2 if the tally has no place."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=3000, help="whole selections")
    parser.add_argument("--fits", type=int, default=20_000, help="NUMA cells alone")
    parser.add_argument("--seed", type=int, help="draw the cases of that run again")
    parser.add_argument("--record", type=int, help="keep Nova's answers to so many")
    parser.add_argument("--document", type=Path, default=Path("ARCHITECTURE.md"))
    parser.add_argument(
        "--print", action="store_true", dest="dry", help="leave the document as it is"
    )
    options = parser.parse_args()
    if options.record:
        record(options.record)
        return 0
    seed = options.seed or random.randrange(1, 1 << 31)
    print(f"SEED={seed}", flush=True)
    tally = Tally()
    for number in range(options.cases):
        play(_STRIDE * seed + number, tally)
    for number in range(options.fits):
        play_fit(_STRIDE * seed + number, tally)
    body = report(tally, f"--cases {options.cases} --fits {options.fits} --seed {seed}")
    print(body)
    try:
        if not options.dry:
            figures.write(figures.ROOT / options.document, "differential-nova", body)
    except (figures.FigureError, OSError) as error:
        print(f"differential_nova: {error}", file=sys.stderr)
        return 2
    return 1 if tally.counts["differences"] else 0


def record(count: int) -> None:
    """Keep Nova's answers to so many selections, and four times as many fits."""
    selections = {n: nova_hosts.play(random_case(n)) for n in range(count)}
    fits = {n: nova_numa.play(random_fit(n)) for n in range(4 * count)}
    rounds.write(rounds.Kept(selections, fits))


def play(seed: int, tally: Tally) -> None:
    """Put one selection to both."""
    case = random_case(seed)
    novas, ours = nova_hosts.play(case), hosts_contest.play(case)
    tally.add(case, novas)
    tally.counts["other threads"] += rounds.chose_other_threads(ours, novas)
    _note(tally, seed, rounds.differences(ours, novas))


def play_fit(seed: int, tally: Tally) -> None:
    """Put one question about NUMA cells and PCI devices to both."""
    case = random_fit(seed)
    ours, novas = _plain(fits_contest.play(case)), _plain(nova_numa.play(case))
    tally.counts["fits"] += len(novas)
    tally.counts["fitting"] += sum(1 for each in novas if each and each[0] is not False)
    differ = [
        f"ours {a}, Nova's {b}" for a, b in zip(ours, novas, strict=True) if a != b
    ]
    _note(tally, seed, differ)


def _note(tally: Tally, seed: int, found: list[str]) -> None:
    if found:
        tally.counts["differences"] += 1
        if tally.counts["differences"] <= _SHOWN:
            print("\n  ".join([f"Seed {seed}:", *found]), file=sys.stderr)


def _plain(found: list[Any]) -> Any:
    return json.loads(json.dumps(found))


def report(tally: Tally, command: str) -> str:
    """Return the tally as Markdown."""
    counts = tally.counts
    rows = [
        ("selections", f"{counts['selections']:,}"),
        ("servers in them", f"{counts['servers']:,}"),
        ("verdicts of filters", f"{counts['verdicts of filters']:,}"),
        *(
            (f"removed by {name}", f"{count:,}")
            for name, count in sorted(tally.removed.items())
        ),
        *(
            (f"refused with {name}", f"{count:,}")
            for name, count in sorted(tally.refused.items())
        ),
        ("weights, equal to the last bit", f"{counts['weights']:,}"),
        ("NUMA fits and PCI questions", f"{counts['fits']:,}"),
        ("of them granted", f"{counts['fitting']:,}"),
        ("other threads of the same cores pinned", f"{counts['other threads']:,}"),
        ("differences", f"{counts['differences']:,}"),
    ]
    text = (
        f"Run by `python scripts/differential_nova.py {command}`\n"
        f"on {figures.machine(PACKAGES)}."
    )
    return "\n\n".join([figures.table(("what", "number"), rows), text])


if __name__ == "__main__":
    sys.exit(main())
