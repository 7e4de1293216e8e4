"""Put many random questions to Kilonova, to Placement and to the oracle.

Prints the seed and what came of it, keeps each case with a difference, made small, in
data/conformance/found/, and writes the tally into ARCHITECTURE.md.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import figures
from contest import FOUND, QUERIES_PER_CLOUD, Contest, Tally, draw_cases, keep
from peers.placement import PlacementPeer

PACKAGES = ("openstack-placement", "numpy", "numba")
# Cases between two lines of progress, whole documents each.
_PART = 100 * QUERIES_PER_CLOUD


def main() -> int:
    """Run the cases; return 1 if answers differ, 2 if the tally has no place."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="draw the cases of that run again")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--document", type=Path, default=Path("ARCHITECTURE.md"))
    parser.add_argument(
        "--print", action="store_true", dest="dry", help="leave the document as it is"
    )
    options = parser.parse_args()
    if options.cases < 1 or options.jobs < 1:
        parser.error("--cases and --jobs must be at least 1.")
    seed = options.seed or random.randrange(1, 1 << 31)
    print(f"SEED={seed}", flush=True)
    total = Tally()
    for tally in _tallies(seed, options.cases, options.jobs):
        total.add(tally)
        print(
            f"{total.cases} cases, {total.differences} differences",
            file=sys.stderr,
            flush=True,
        )
    body = report(total, seed)
    print(body)
    try:
        if not options.dry:
            figures.write(figures.ROOT / options.document, "differential", body)
    except (figures.FigureError, OSError) as error:
        print(f"differential: {error}", file=sys.stderr)
        return 2
    return 1 if total.differences else 0


def _tallies(seed: int, cases: int, jobs: int) -> Iterator[Tally]:
    parts = [
        (seed, first, min(_PART, cases - first)) for first in range(0, cases, _PART)
    ]
    if jobs == 1:
        yield from map(play, parts)
        return
    # Placement's threads and databases would not survive a fork.
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(play, parts)


def play(part: tuple[int, int, int]) -> Tally:
    """Play some cases of a seed: the first, and how many."""
    tally = Tally()
    with PlacementPeer() as peer:
        contest = Contest(peer)
        for case in draw_cases(*part):
            faults = contest.play(case, tally)
            if faults:
                path = keep(contest.shrink(case))
                print("\n".join([f"Kept in {path}:", *faults]), file=sys.stderr)
    return tally


def report(tally: Tally, seed: int) -> str:
    """Return the tally as Markdown."""
    rows = [
        ("questions", f"{tally.cases:,}"),
        ("of them with candidates", f"{tally.answered:,}"),
        ("of them refused", f"{tally.refused:,}"),
        ("candidates compared", f"{tally.candidates:,}"),
        *(
            (f"excused by `{defect}`", f"{count:,}")
            for defect, count in sorted(tally.excused.items())
        ),
        ("differences", f"{tally.differences:,}"),
    ]
    where = FOUND.relative_to(figures.ROOT)
    text = (
        f"Run by `make differential N={tally.cases} SEED={seed}`\n"
        f"on {figures.machine(PACKAGES)}."
    )
    if tally.differences:
        text += f"\nThe differences are in `{where}`."
    return "\n\n".join([figures.table(("what", "number"), rows), text])


if __name__ == "__main__":
    sys.exit(main())
