"""Whether a caller may do an operation, as oslo.policy decides it with Nova's rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kilonova.admin.credentials import Credentials
from kilonova.admin.policy_operations import rules_of
from kilonova.admin.policy_rules import rule_set
from kilonova.errors import BadInput, Forbidden

if TYPE_CHECKING:
    from oslo_policy.policy import Enforcer

Target = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a caller may not: the rule, and what of it does not hold."""

    rule: str
    reason: str


class Policy:
    """The rules of one release of a service, with an operator's file over them.

    Attributes
    ----------
    rules
        The default rules.
    enforce_scope, enforce_new_defaults
        Whether scopes are looked at, and deprecated checks left aside.
    """

    def __init__(
        self,
        rules: str = "current",
        policy_file: str | Path | None = None,
        *,
        service: str = "nova",
        enforce_scope: bool | None = None,
        enforce_new_defaults: bool | None = None,
    ) -> None:
        """Load rules once; a file that changes later is not read again.

        Parameters
        ----------
        rules
            ``ussuri`` or ``current``.
        policy_file
            ``policy.yaml``: checks by the names of rules.
        service
            Whose rules: ``nova`` or ``placement``; each has a file of its own, too.
        enforce_scope, enforce_new_defaults
            As the options of ``[oslo_policy]``; None is what the release has.

        Raises
        ------
        BadInput
            oslo.policy is not installed, or the file cannot be right.
        UnknownRule
            There is no such set of rules.
        """
        self.rules = rule_set(rules, service)
        self.enforce_scope = _either(enforce_scope, self.rules.enforce_scope)
        self.enforce_new_defaults = _either(
            enforce_new_defaults, self.rules.enforce_new_defaults
        )
        _require_extra()
        from kilonova.admin import policy_enforcer

        self._enforcer: Enforcer = policy_enforcer.enforcer(
            self.rules.rules.values(),
            Path(policy_file) if policy_file is not None else None,
            enforce_scope=self.enforce_scope,
            enforce_new_defaults=self.enforce_new_defaults,
        )

    def authorize(
        self,
        operation: str,
        credentials: Credentials,
        target: Target | None = None,
        held: set[str] | None = None,
    ) -> None:
        """Return if the caller may; call it before anything is changed.

        Parameters
        ----------
        operation
            One of ``OPERATIONS``, or of ``PLACEMENT_OPERATIONS`` where the rules are
            Placement's, or the name of a rule.
        credentials
            Who asks.
        target
            What is acted upon: ``project_id`` and ``user_id`` of its owner. Left out,
            it is the caller's own.
        held
            Rules that are not asked again, as they held for this caller and target a
            moment ago; those that hold now are added.

        Raises
        ------
        Forbidden
            A rule refuses; the message names it.
        UnknownOperation
            There is no such operation.
        """
        refusal = self.refusal(operation, credentials, target, held)
        if refusal:
            raise Forbidden(
                f"Policy does not allow {operation} to {credentials}: "
                f"{refusal.rule} {refusal.reason}.",
                refusal.rule,
            )

    def refusal(
        self,
        operation: str,
        credentials: Credentials,
        target: Target | None = None,
        held: set[str] | None = None,
    ) -> Refusal | None:
        """Give the first rule that refuses, or None; raises as ``authorize``.

        Notes
        -----
        As ``authorize`` in the ``policy.py`` of Nova and of Placement. The scope is
        looked at before the check; whether the caller is an administrator is a rule of
        Nova itself, which is asked about the caller's own project.
        """
        held = set() if held is None else held
        asked = [name for name in rules_of(operation, self.rules) if name not in held]
        if not asked:
            return None
        values = credentials.policy_values() | {"is_admin": None}
        own = credentials.target()
        if "context_is_admin" in self.rules.rules:
            admin = self._enforcer.enforce("context_is_admin", own, dict(values))
            values["is_admin"] = bool(admin)
        target = dict(own if target is None else target)
        for name in asked:
            # The enforcer writes into what it is given.
            if not self._enforcer.enforce(name, target, dict(values)):
                return Refusal(name, self._reason(name, credentials))
            held.add(name)
        return None

    def _reason(self, name: str, credentials: Credentials) -> str:
        scopes = self.rules.rules[name].scope_types
        if self.enforce_scope and scopes and credentials.scope not in scopes:
            return f"is for scope {' or '.join(scopes)}, not {credentials.scope}"
        return f"needs {self.check(name)!r}"

    def check(self, rule: str) -> str:
        """Give the check string that is in force under the name of a rule."""
        return str(self._enforcer.rules[rule])


def _either(given: bool | None, default: bool) -> bool:
    return default if given is None else given


def _require_extra() -> None:
    if find_spec("oslo_policy") is None:
        raise BadInput("Policies need oslo.policy: pip install 'kilonova[policy]'.")
