"""Rules of policies evaluated from their texts, without oslo.policy.

Written from the description of its language: checks joined by not, and, or, with
parentheses; ``rule:``, ``role:``, comparisons of what the caller has with the target.
"""

import re
from collections.abc import Mapping
from typing import Any

Rules = Mapping[str, Mapping[str, Any]]


class Verdicts:
    """The rules of one release, each as in ``data/conformance/nova_policies.json``."""

    def __init__(self, rules: Rules, scoped: bool, new_defaults: bool) -> None:
        self.rules = rules
        self.scoped = scoped
        self.new_defaults = new_defaults

    def allowed(
        self, name: str, caller: Mapping[str, Any], target: Mapping[str, Any]
    ) -> bool:
        """Say whether a caller (roles, project, user, system, domain) may."""
        own = {"project_id": caller["project"], "user_id": caller["user"]}
        asks = {**caller, "is_admin": None}
        asks["is_admin"] = self._holds("context_is_admin", asks, own)
        scopes = self.rules[name]["scope"]
        scope = "project"
        if caller["domain"]:
            scope = "domain"
        if caller["system"]:
            scope = "system"
        if self.scoped and scopes and scope not in scopes:
            return False
        return self._holds(name, asks, target)

    def _holds(self, name: str, asks: Mapping[str, Any], target: Any) -> bool:
        rule = self.rules[name]
        texts = [rule["check"]]
        if rule["deprecated_check"] and not self.new_defaults:
            texts.append(rule["deprecated_check"])
        return any(self._text(text, asks, target) for text in texts)

    def _text(self, text: str, asks: Mapping[str, Any], target: Any) -> bool:
        def atom(match: re.Match[str]) -> str:
            return str(self._atom(match.group(0), asks, target))

        words = re.sub(r"[a-z_]+:(?:%\(\w+\)s|\w+)|[@!]", atom, text)
        assert set(words.split()) <= {"True", "False", "and", "or", "not"} or (
            set(re.findall(r"\w+", words)) <= {"True", "False", "and", "or", "not"}
        ), words
        return bool(eval(words))

    def _atom(self, text: str, asks: Mapping[str, Any], target: Any) -> bool:
        if text in "@!":
            return text == "@"
        kind, _, match = text.partition(":")
        if kind == "rule":
            return self._holds(match, asks, target)
        if kind == "role":
            return match.lower() in {role.lower() for role in asks["roles"]}
        if kind == "is_admin":
            return bool(asks["is_admin"] == (match == "True"))
        if kind == "system_scope":
            return bool(asks["system"])
        assert kind in ("project_id", "user_id"), text
        if kind not in target:
            return False
        return str(target[kind]) == str(asks[kind.removesuffix("_id")])
