"""``kilonova policy``: who may do what, and which rule says so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from kilonova.admin.credentials import Credentials
from kilonova.admin.policy import Policy
from kilonova.admin.policy_operations import OPERATIONS, rules_of
from kilonova.cli.asking import plain_console
from kilonova.errors import BadInput

_TARGET = {"project": "project_id", "user": "user_id"}


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rules are asked: a release, and an operator's file over it."""

    release: str = "current"
    policy_file: Path | None = None

    def policy(self) -> Policy:
        """Load them; raises BadInput, UnknownRule."""
        return Policy(self.release, self.policy_file)


def check(
    operation: str, caller: str, target: str | None, rules: Rules, as_json: bool
) -> int:
    """Say whether a caller may; give the exit status, 1 for a refusal.

    Raises
    ------
    KilonovaError
        Input that cannot be right.
    """
    policy, credentials = rules.policy(), Credentials.parse(caller)
    refusal = policy.refusal(operation, credentials, _target(target))
    asked = rules_of(operation, policy.rules)
    if as_json:
        found: dict[str, Any] = {
            "operation": operation,
            "credentials": str(credentials),
            "rules": {rule: policy.check(rule) for rule in asked},
            "allowed": refusal is None,
            "refused_by": refusal.rule if refusal else None,
            "reason": refusal.reason if refusal else None,
        }
        print(json.dumps(found, indent=1))
    elif refusal:
        print(f"refused: {refusal.rule} {refusal.reason}")
    else:
        print(f"allowed: {', '.join(asked)}")
    return 1 if refusal else 0


def show(rules: Rules, as_json: bool) -> None:
    """List the operations with their rules; raises as ``check``."""
    policy = rules.policy()
    rows: list[dict[str, Any]] = [
        {
            "operation": operation,
            "rule": rule,
            "check": policy.check(rule),
            "scope_types": list(policy.rules.rules[rule].scope_types),
        }
        for operation in OPERATIONS
        for rule in rules_of(operation, policy.rules)
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(title=f"Rules of nova {policy.rules.nova}")
    for name in ("operation", "rule", "check", "scope"):
        table.add_column(name, overflow="fold")
    for row in rows:
        scopes = ", ".join(row["scope_types"])
        table.add_row(row["operation"], row["rule"], row["check"], scopes)
    plain_console().print(table)


def _target(text: str | None) -> Mapping[str, str] | None:
    if text is None:
        return None
    found = {}
    for pair in text.split(","):
        key, _, value = pair.partition(":")
        if key not in _TARGET or not value:
            raise BadInput(f"--target must be like project:P,user:U, got {pair!r}.")
        found[_TARGET[key]] = value
    return found
