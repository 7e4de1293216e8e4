"""Random callers and targets for the tests of policies, near what rules look at."""

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from kilonova.admin.credentials import Credentials

FILE = Path(__file__).parent.parent / "data" / "conformance" / "nova_policies.json"
RELEASES = {"ussuri": "21.0.0", "current": "34.0.0"}
ROLES = ("reader", "member", "manager", "admin", "service", "Admin", "operator")


@cache
def recorded() -> dict[str, dict[str, dict[str, Any]]]:
    """Load the rules that Nova registers, by release and name."""
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(FILE.read_text("utf-8"))
    return found


def caller(draw: random.Random) -> dict[str, Any]:
    """Draw who asks: often exactly what one rule wants, or all but that."""
    return {
        "roles": frozenset(draw.sample(ROLES, draw.choice((0, 1, 1, 1, 2, 3)))),
        "project": draw.choice(("p1", "p1", "p2", None)),
        "user": draw.choice(("u1", "u2", None)),
        "system": draw.random() < 0.3,
        "domain": "d1" if draw.random() < 0.1 else None,
    }


def target(draw: random.Random) -> dict[str, Any]:
    """Draw what is acted upon, now and then without an owner."""
    found = {
        "project_id": draw.choice(("p1", "p2", None)),
        "user_id": draw.choice(("u1", "u2", None)),
    }
    return {key: found[key] for key in found if draw.random() < 0.9}


def credentials(given: dict[str, Any]) -> Credentials:
    """Make of a drawn caller what the library takes."""
    return Credentials(**given)
