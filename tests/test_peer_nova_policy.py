"""Nova, asked in process, gives the same verdict on every operation and every rule.

Random callers, targets and files of overrides; without Nova, which is an extra of its
own, all of this is skipped.
"""

import os
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

import policy_cases
from kilonova.admin.policy import Policy
from kilonova.admin.policy_operations import OPERATIONS, rules_of
from kilonova.bench.peers.nova_imports import CONF

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nova import context, policies, policy

SEED = int(os.environ.get("SEED") or random.randrange(1, 1 << 31))
FILES = (
    "",
    "os_compute_api:os-evacuate: role:operator\n",
    "context_is_admin: role:operator or role:admin\n",
    "admin_api: is_admin:false\nos_compute_api:os-hosts: role:reader\n",
    "os_compute_api:os-services: '@'\nproject_member_api: '!'\n",
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
def nova(policy_file: Path, new_defaults: bool) -> Iterator[None]:
    # The first enforcer registers the options that are set below.
    policy.init(suppress_deprecation_warnings=True)
    policy.reset()
    CONF.set_override("policy_file", str(policy_file), "oslo_policy")
    CONF.set_override("enforce_new_defaults", new_defaults, "oslo_policy")
    policy.init(suppress_deprecation_warnings=True)
    yield
    CONF.clear_override("policy_file", "oslo_policy")
    CONF.clear_override("enforce_new_defaults", "oslo_policy")
    policy.reset()


def nova_context(caller: dict[str, Any]) -> Any:
    return context.RequestContext(
        user_id=caller["user"],
        project_id=caller["project"],
        roles=sorted(caller["roles"]),
        system_scope="all" if caller["system"] else None,
        domain_id=caller["domain"],
        overwrite=False,
    )


@pytest.mark.usefixtures("nova")
@pytest.mark.filterwarnings("ignore:Policy enforcement is depending")
def test_same_verdicts(policy_file: Path, new_defaults: bool) -> None:
    print(f"SEED={SEED}")
    draw = random.Random(SEED)
    ours = Policy(policy_file=policy_file, enforce_new_defaults=new_defaults)
    told = {True: 0, False: 0}
    for operation in (*OPERATIONS, *ours.rules.rules):
        rules = rules_of(operation, ours.rules)
        for _ in range(6):
            caller, target = policy_cases.caller(draw), policy_cases.target(draw)
            asks = nova_context(caller)
            truth = all(
                policy.authorize(asks, rule, target, do_raise=False) for rule in rules
            )
            refusal = ours.refusal(operation, policy_cases.credentials(caller), target)
            assert (refusal is None) == truth, (operation, caller, target)
            told[truth] += 1
    assert min(told.values()) > sum(told.values()) // 6


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
        for rule in Policy().rules.rules.values()
    }
    assert ours == theirs
