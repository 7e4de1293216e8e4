"""An enforcer of oslo.policy; the one module that imports it."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from kilonova.admin.policy_rules import Rule
from kilonova.errors import BadInput


def enforcer(
    rules: Iterable[Rule],
    policy_file: Path | None,
    *,
    enforce_scope: bool,
    enforce_new_defaults: bool,
) -> policy.Enforcer:
    """Make an enforcer of default rules and an operator's file.

    Raises
    ------
    BadInput
        The file cannot be read, is no mapping of names to checks, has a check that
        is none, or one that leads nowhere or to itself.
    """
    if policy_file is not None:
        with _quiet():
            _check_file(policy_file)
    conf = cfg.ConfigOpts()
    conf([], project="kilonova", default_config_files=[], default_config_dirs=[])
    # Without a file of its own it would look for one in the folders of the system.
    path = str(policy_file.absolute()) if policy_file else os.devnull
    made = policy.Enforcer(conf, policy_file=path)
    for option, value in {
        "policy_dirs": [],
        "enforce_scope": True,
        "enforce_new_defaults": enforce_new_defaults,
    }.items():
        # From release 6 on scopes are always enforced, and no option says so.
        if option in conf.oslo_policy:
            conf.set_override(option, value, "oslo_policy")
    made.suppress_default_change_warnings = True
    made.suppress_deprecation_warnings = True
    made.register_defaults([_default(rule, enforce_scope) for rule in rules])
    try:
        with _quiet():
            made.load_rules()
            made.check_rules(raise_on_violation=True)
    except policy.InvalidDefinitionError as error:
        raise BadInput(
            f"{policy_file}: rules must lead to rules that exist, and not to "
            f"themselves, got {_culprits(error)}."
        ) from error
    # All is loaded: no question looks at the file again.
    made.use_conf = False
    return made


def _culprits(error: Exception) -> str:
    """Give the list of names in a message of oslo.policy."""
    text = str(error)
    return text[text.find("[") : text.rfind("]") + 1]


@policy.register("is_admin")
class IsAdmin(policy.Check):
    """The check ``is_admin:True``, which oslo.policy does not know by itself."""

    def __init__(self, kind: str, match: str) -> None:
        self.expected = match.lower() == "true"
        super().__init__(kind, str(self.expected))

    def __call__(
        self,
        target: Mapping[str, Any],
        creds: MutableMapping[str, Any],
        enforcer: policy.Enforcer,
        current_rule: str | None = None,
    ) -> bool:
        """Say whether the caller is an administrator, or is not, as the rule asks."""
        return bool(creds["is_admin"] == self.expected)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep oslo.policy from logging what is about to become an error of ours."""
    logger = logging.getLogger("oslo_policy")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _default(rule: Rule, enforce_scope: bool) -> policy.RuleDefault:
    deprecated = None
    if rule.deprecated_name is not None and rule.deprecated_check is not None:
        deprecated = policy.DeprecatedRule(
            rule.deprecated_name,
            rule.deprecated_check,
            deprecated_reason="Nova has new default roles.",
            deprecated_since="21.0.0",
        )
    scopes = list(rule.scope_types) if enforce_scope else []
    return policy.RuleDefault(
        rule.name, rule.check, deprecated_rule=deprecated, scope_types=scopes or None
    )


def _check_file(path: Path) -> None:
    try:
        given = policy.parse_file_contents(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = " ".join(str(error).split())
        raise BadInput(f"Policy file {path} cannot be read: {what}.") from error
    if not isinstance(given, dict):
        kind = type(given).__name__
        raise BadInput(f"Policy file {path} must map names to checks, got {kind}.")
    for name, check in given.items():
        if not isinstance(name, str) or not isinstance(check, str):
            raise BadInput(
                f"Policy file {path}: {name!r} must have a text, got {check!r:.80}."
            )
        # What cannot be parsed becomes a check that refuses all, without a word.
        if str(policy.RuleDefault(name, check).check) == "!" != check.strip():
            raise BadInput(f"Policy file {path}: {name!r}: no check is {check!r:.80}.")
