"""Placement registers the same rules, and gives the same verdict on every one of them.

Asked in process, with random callers, targets and files of overrides.
"""

import os
import random
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
from kilonova.admin.policy_operations import PLACEMENT_OPERATIONS, rules_of
from kilonova.admin.policy_rules import rule_set

SEED = int(os.environ.get("SEED") or random.randrange(1, 1 << 31))
FILES = (
    "",
    "admin_api: role:operator\n",
    "placement:allocation_candidates:list: role:reader\n",
    "admin_or_service_api: '@'\nservice_api: '!'\n",
    "project_reader_api: user_id:%(user_id)s\n",
)


@pytest.fixture(params=FILES)
def policy_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(request.param)
    return path


@pytest.fixture(params=[False, True], ids=["old", "new"])
def new_defaults(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


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


def asks(caller: dict[str, Any]) -> RequestContext:
    return RequestContext(
        user_id=caller["user"],
        project_id=caller["project"],
        roles=sorted(caller["roles"]),
        system_scope="all" if caller["system"] else None,
        domain_id=caller["domain"],
        overwrite=False,
    )


def may(caller: dict[str, Any], rule: str, target: dict[str, Any]) -> bool:
    try:
        return bool(policy.authorize(asks(caller), rule, target))
    except exception.PolicyNotAuthorized:
        return False


@pytest.mark.usefixtures("placement")
@pytest.mark.filterwarnings("ignore:Policy enforcement is depending")
def test_same_verdicts(policy_file: Path, new_defaults: bool) -> None:
    print(f"SEED={SEED}")
    draw = random.Random(SEED)
    ours = Policy(
        policy_file=policy_file, service="placement", enforce_new_defaults=new_defaults
    )
    told = {True: 0, False: 0}
    for operation in (*PLACEMENT_OPERATIONS, *ours.rules.rules):
        rules = rules_of(operation, ours.rules)
        assert rules
        for _ in range(20):
            caller, target = policy_cases.caller(draw), policy_cases.target(draw)
            truth = all(may(caller, rule, target) for rule in rules)
            refusal = ours.refusal(operation, policy_cases.credentials(caller), target)
            assert (refusal is None) == truth, (operation, caller, target)
            told[truth] += 1
    assert min(told.values()) > sum(told.values()) // 20


def test_same_defaults() -> None:
    theirs = {
        rule.name: (
            rule.check_str,
            tuple(rule.scope_types or ()),
            rule.deprecated_rule and rule.deprecated_rule.name,
            rule.deprecated_rule and rule.deprecated_rule.check_str,
        )
        for rule in policies.list_rules()
    }
    ours = {
        rule.name: (
            rule.check,
            rule.scope_types,
            rule.deprecated_name,
            rule.deprecated_check,
        )
        for rule in rule_set("current", "placement").rules.values()
    }
    assert ours == theirs
    assert len(rule_set("ussuri", "placement").rules) == 35
