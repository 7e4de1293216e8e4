"""Do random sequences of operations on random small clouds until one goes wrong.

Prints the seed, tells how far it is, and ends at the first failure with the shortest
program that shows it.
"""

import argparse
import random
import sys
import time
import traceback
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from simulation import STEPS, Simulation

# Sequences between two lines of progress; hypothesis remembers all of one part.
_PART = 1000
# Parts must differ from each other, and those of one seed from those of another.
_STRIDE = 1_000_003


def main() -> int:
    """Run the sequences; return 1 if one of them goes wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sequences", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="draw the sequences of that run again")
    options = parser.parse_args()
    if options.sequences < 1:
        parser.error("--sequences must be at least 1.")
    number = options.seed or random.randrange(1, 1 << 31)
    print(f"SEED={number}", flush=True)
    started = time.monotonic()
    for first in range(0, options.sequences, _PART):
        count = min(_PART, options.sequences - first)
        try:
            play(number * _STRIDE + first, count)
        except Exception:
            traceback.print_exc()
            print(f"Went wrong after {first} sequences of SEED={number}.")
            return 1
        elapsed = time.monotonic() - started
        print(f"{first + count} sequences, {elapsed:.0f} s", flush=True)
    return 0


def play(number: int, count: int) -> None:
    """Play some sequences; raises what the first that goes wrong raises, made short."""
    # Each run has a class of its own: hypothesis notes the seed on it.
    machine: Any = type("Simulation", (Simulation,), {})
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=count,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
