"""The rules that Nova and Placement register by default, for two of their releases."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from kilonova.errors import UnknownRule

RULE_SETS = ("ussuri", "current")
SERVICES = ("nova", "placement")


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
    """The rules of one release of a service.

    Attributes
    ----------
    service, version
        Whose rules, ``nova`` or ``placement``, and of which release.
    enforce_scope, enforce_new_defaults
        Whether that release looks at scopes, and leaves deprecated checks aside,
        unless it is told otherwise.
    rules
        By name.
    """

    service: str
    version: str
    enforce_scope: bool
    enforce_new_defaults: bool
    rules: Mapping[str, Rule]


@cache
def rule_set(name: str, service: str = "nova") -> RuleSet:
    """Give the default rules of one release: ``ussuri`` or ``current``.

    Parameters
    ----------
    name
        The release.
    service
        One of ``SERVICES``.

    Raises
    ------
    UnknownRule
        There is no such set.

    Notes
    -----
    What ``nova.policies.list_rules`` gives in nova 21.0.0 and 34.0.0, and
    ``placement.policies.list_rules`` in openstack-placement 3.0.0 and 16.0.0.
    """
    if name not in RULE_SETS:
        raise UnknownRule(f"No rule set {name!r}; known: {', '.join(RULE_SETS)}.")
    if service not in SERVICES:
        raise UnknownRule(f"No rules of {service!r}; known: {', '.join(SERVICES)}.")
    kind = "policy" if service == "nova" else f"policy_{service}"
    text = files("kilonova.admin").joinpath(f"{kind}_{name}.json").read_text("utf-8")
    given = json.loads(text)
    return RuleSet(
        service,
        given[service],
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
