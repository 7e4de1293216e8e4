"""Placement registers the same rules, and gives the same verdict on every one of them.

Asked in process, with random callers, targets and files of overrides.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("placement", reason="Placement is an extra of its own")

from oslo_config import cfg
from oslo_context.context import RequestContext
from oslo_policy import opts
from placement import exception, policies, policy

import policy_cases
from kilonova.admin.policy import Policy
from kilonova.admin.policy_operations import PLACEMENT_OPERATIONS
from kilonova.admin.policy_rules import rule_set

FILES = (
    "",
    "admin_api: role:operator\n",
    "placement:allocation_candidates:list: role:reader\n",
    "admin_or_service_api: '@'\nservice_api: '!'\n",
    "project_reader_api: user_id:%(user_id)s\n",
)
policy_file = policy_cases.policy_files(FILES)
new_defaults = policy_cases.new_defaults


@pytest.fixture
def placement(policy_file: Path, new_defaults: bool) -> Iterator[None]:
    conf = cfg.ConfigOpts()
    conf([], project="placement", default_config_files=[], default_config_dirs=[])
    opts._register(conf)
    conf.set_override("policy_file", str(policy_file), "oslo_policy")
    conf.set_override("policy_dirs", [], "oslo_policy")
    conf.set_override("enforce_new_defaults", new_defaults, "oslo_policy")
    before = policy._ENFORCER
    policy._ENFORCER = None
    policy.init(conf, suppress_deprecation_warnings=True)
    yield
    policy._ENFORCER = before


def may(caller: dict[str, Any], rule: str, target: dict[str, Any]) -> bool:
    asks = RequestContext(**policy_cases.context_of(caller))
    try:
        return bool(policy.authorize(asks, rule, target))
    except exception.PolicyNotAuthorized:
        return False


@pytest.mark.usefixtures("placement")
@pytest.mark.filterwarnings("ignore:Policy enforcement is depending")
def test_same_verdicts(policy_file: Path, new_defaults: bool) -> None:
    ours = Policy(
        policy_file=policy_file, service="placement", enforce_new_defaults=new_defaults
    )
    policy_cases.compare(ours, PLACEMENT_OPERATIONS, may, times=20)


def test_same_defaults() -> None:
    rules = rule_set("current", "placement").rules.values()
    theirs = policy_cases.registered(policies.list_rules())
    assert policy_cases.ours_registered(rules) == theirs
    assert len(rule_set("ussuri", "placement").rules) == 35
