"""Nova, asked in process, gives the same verdict on every operation and every rule.

Random callers, targets and files of overrides; without Nova, which is an extra of its
own, all of this is skipped.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

import policy_cases
from kilonova.admin.policy import Policy
from kilonova.admin.policy_operations import OPERATIONS
from kilonova.bench.peers.nova_imports import CONF

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from nova import context, policies, policy

FILES = (
    "",
    "os_compute_api:os-evacuate: role:operator\n",
    "context_is_admin: role:operator or role:admin\n",
    "admin_api: is_admin:false\nos_compute_api:os-hosts: role:reader\n",
    "os_compute_api:os-services: '@'\nproject_member_api: '!'\n",
)
policy_file = policy_cases.policy_files(FILES)
new_defaults = policy_cases.new_defaults


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


def may(caller: dict[str, Any], rule: str, target: dict[str, Any]) -> bool:
    asks = context.RequestContext(**policy_cases.context_of(caller))
    return bool(policy.authorize(asks, rule, target, do_raise=False))


@pytest.mark.usefixtures("nova")
@pytest.mark.filterwarnings("ignore:Policy enforcement is depending")
def test_same_verdicts(policy_file: Path, new_defaults: bool) -> None:
    ours = Policy(policy_file=policy_file, enforce_new_defaults=new_defaults)
    policy_cases.compare(ours, OPERATIONS, may, times=6)


def test_same_defaults() -> None:
    theirs = policy_cases.registered(policies.list_rules())
    assert policy_cases.ours_registered(Policy().rules.rules.values()) == theirs
