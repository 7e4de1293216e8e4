"""The rules that Nova registers by default, for two of its releases."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from kilonova.errors import UnknownRule

RULE_SETS = ("ussuri", "current")


@dataclass(frozen=True, slots=True)
class Rule:
    """One registered rule.

    Attributes
    ----------
    name, check
        Its name, and the check string in the language of oslo.policy.
    scope_types
        Scopes a token may have; empty: any.
    deprecated_name, deprecated_check
        What stood in its place before, or None.
    operations
        Methods and paths of the API that it guards.
    """

    name: str
    check: str
    scope_types: tuple[str, ...] = ()
    deprecated_name: str | None = None
    deprecated_check: str | None = None
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one release of Nova.

    Attributes
    ----------
    nova
        The release.
    enforce_scope, enforce_new_defaults
        Whether that release looks at scopes, and leaves deprecated checks aside,
        unless it is told otherwise.
    rules
        By name.
    """

    nova: str
    enforce_scope: bool
    enforce_new_defaults: bool
    rules: Mapping[str, Rule]


@cache
def rule_set(name: str) -> RuleSet:
    """Give the default rules of one release: ``ussuri`` or ``current``.

    Raises
    ------
    UnknownRule
        There is no such set.

    Notes
    -----
    What ``nova.policies.list_rules`` gives in nova 21.0.0 and 34.0.0.
    """
    if name not in RULE_SETS:
        raise UnknownRule(f"No rule set {name!r}; known: {', '.join(RULE_SETS)}.")
    text = files("kilonova.admin").joinpath(f"policy_{name}.json").read_text("utf-8")
    given = json.loads(text)
    return RuleSet(
        given["nova"],
        given["enforce_scope"],
        given["enforce_new_defaults"],
        {rule: _rule(rule, values) for rule, values in given["rules"].items()},
    )


def _rule(name: str, given: Mapping[str, Any]) -> Rule:
    deprecated = given.get("deprecated", {})
    return Rule(
        name,
        given["check"],
        tuple(given.get("scope", ())),
        deprecated.get("name"),
        deprecated.get("check"),
        tuple(given.get("operations", ())),
    )
