"""Let all of Nova, in this process, and Kilonova move the same servers, and compare.

Needs Nova's services and what its tests need (the extra ``nova-services``). Named
scenarios come first, then random ones; prints the seed and what came of it.
``--record`` keeps what Nova did for test runs without it.
"""

import argparse
import json
import random
import sys
from typing import Any

from peers import nova_moves  # isort: skip

import moves_named
import moves_play
import moves_recorded
from moves_drawn import random_scenario
from moves_scenarios import Scenario

_STRIDE = 1_000_003
_SHOWN = 10


def main() -> int:
    """Run; return 1 if answers differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=100, help="random scenarios")
    parser.add_argument("--seed", type=int, help="draw the scenarios of that run again")
    parser.add_argument("--only", help="named scenarios with this in their name")
    parser.add_argument("--record", action="store_true", help="keep what Nova did")
    options = parser.parse_args()
    seed = options.seed or random.randrange(1, 1 << 31)
    print(f"SEED={seed}", flush=True)
    wanted = [
        each for each in moves_named.named() if (options.only or "") in each["id"]
    ]
    wanted += [random_scenario(_STRIDE * seed + n) for n in range(options.cases)]
    played: list[tuple[Scenario, list[dict[str, Any]]]] = []
    different = steps = 0
    for scenario in wanted:
        played.append((scenario, _plain(nova_moves.play(scenario))))
        found = compare(*played[-1])
        steps += len(scenario["steps"])
        different += bool(found)
        if found and different <= _SHOWN:
            print("\n".join(found), flush=True)
    print(f"{len(wanted)} scenarios, {steps} steps, {different} scenarios differ")
    if options.record:
        moves_recorded.write(played)
    return 1 if different else 0


def compare(scenario: Scenario, novas: list[dict[str, Any]]) -> list[str]:
    """Play a scenario with Kilonova; say what differs."""
    return moves_recorded.differences(scenario, moves_play.play(scenario), novas)


def _plain(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(json.dumps(seen))
    return found


if __name__ == "__main__":
    sys.exit(main())
