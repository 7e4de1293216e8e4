"""Random callers and targets for the tests of policies, near what rules look at.

And what is asked of both peers: files of overrides, verdicts, defaults.
"""

import json
import random
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kilonova.admin.credentials import Credentials
from kilonova.admin.policy import Policy
from kilonova.admin.policy_operations import rules_of
from kilonova.admin.policy_rules import Rule
from seeds import SEED

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


def policy_files(texts: tuple[str, ...]) -> Any:
    """Make a fixture: a file with each of these overrides."""

    @pytest.fixture(params=texts)
    def policy_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        path = tmp_path / "policy.yaml"
        path.write_text(request.param)
        return path

    return policy_file


@pytest.fixture(params=[False, True], ids=["old", "new"])
def new_defaults(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def context_of(caller: dict[str, Any]) -> dict[str, Any]:
    """Give what oslo's context of a request takes, of a drawn caller."""
    return {
        "user_id": caller["user"],
        "project_id": caller["project"],
        "roles": sorted(caller["roles"]),
        "system_scope": "all" if caller["system"] else None,
        "domain_id": caller["domain"],
        "overwrite": False,
    }


def compare(
    ours: Policy,
    operations: Iterable[str],
    may: Callable[[dict[str, Any], str, dict[str, Any]], bool],
    times: int,
) -> None:
    """Compare all verdicts on operations and rules with a peer's.

    Parameters
    ----------
    ours
        Our rules.
    operations
        Of the peer; all rules are asked by themselves, too.
    may
        Asks the peer: a caller, a rule, a target.
    times
        Callers and targets to draw for each; neither verdict may be as rare as one in
        that many.
    """
    print(f"SEED={SEED}")
    draw = random.Random(SEED)
    told = {True: 0, False: 0}
    for operation in (*operations, *ours.rules.rules):
        rules = rules_of(operation, ours.rules)
        assert rules
        for _ in range(times):
            asks, on = caller(draw), target(draw)
            truth = all(may(asks, rule, on) for rule in rules)
            refusal = ours.refusal(operation, credentials(asks), on)
            assert (refusal is None) == truth, (operation, asks, on)
            told[truth] += 1
    assert min(told.values()) > sum(told.values()) // times


def registered(rules: Iterable[Any]) -> dict[str, tuple[object, ...]]:
    """Give what oslo's defaults say, by name."""
    return {
        rule.name: (
            rule.check_str,
            tuple(rule.scope_types or ()),
            rule.deprecated_rule and rule.deprecated_rule.name,
            rule.deprecated_rule and rule.deprecated_rule.check_str,
        )
        for rule in rules
    }


def ours_registered(rules: Iterable[Rule]) -> dict[str, tuple[object, ...]]:
    """Give the same of our rules."""
    return {
        rule.name: (
            rule.check,
            rule.scope_types,
            rule.deprecated_name,
            rule.deprecated_check,
        )
        for rule in rules
    }
