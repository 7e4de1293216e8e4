"""``kilonova policy``: who may do what, and which rule says so."""

from collections.abc import Mapping
from typing import Any

from kilonova.admin.credentials import Credentials
from kilonova.admin.policy_operations import (
    OPERATIONS,
    PLACEMENT_OPERATIONS,
    rules_of,
    service_of,
)
from kilonova.cli.authority import RuleChoice
from kilonova.cli.console import make_table, plain_console, print_json
from kilonova.errors import BadInput

_TARGET = {"project": "project_id", "user": "user_id"}


def check(
    operation: str, caller: str, target: str | None, choice: RuleChoice, as_json: bool
) -> int:
    """Say whether a caller may; give the exit status, 1 for a refusal.

    Raises
    ------
    KilonovaError
        Input that cannot be right.
    """
    policy = choice.policy(service_of(operation))
    credentials = Credentials.parse(caller)
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
        print_json(found)
    elif refusal:
        print(f"refused: {refusal.rule} {refusal.reason}")
    else:
        print(f"allowed: {', '.join(asked)}")
    return 1 if refusal else 0


def show(choice: RuleChoice, service: str, as_json: bool) -> None:
    """List the operations with their rules; raises as ``check``."""
    policy = choice.policy(service)
    operations = PLACEMENT_OPERATIONS if service == "placement" else OPERATIONS
    rows: list[dict[str, Any]] = [
        {
            "operation": operation,
            "rule": rule,
            "check": policy.check(rule),
            "scope_types": list(policy.rules.rules[rule].scope_types),
        }
        for operation in operations
        for rule in rules_of(operation, policy.rules)
    ]
    if as_json:
        print_json(rows)
        return
    title = f"Rules of {service} {policy.rules.version}"
    table = make_table(title, ("operation", "rule", "check", "scope"))
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
