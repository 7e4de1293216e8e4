"""Policies: Nova's default rules as recorded, and verdicts as their texts say.

Limits first: each base rule with one thing missing. Then random callers and targets on
all rules of both releases, with and without scopes and deprecated checks, against an
evaluation of the texts that does not use oslo.policy.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import policy_cases
from kilonova.admin.credentials import Credentials, with_implied
from kilonova.admin.policy import Policy
from kilonova.admin.policy_operations import OPERATIONS, rules_of
from kilonova.admin.policy_rules import rule_set
from kilonova.cli import main
from kilonova.errors import BadInput, Forbidden, UnknownOperation, UnknownRule
from oracle.policy import Verdicts
from seeds import SEED

COUNTS = {"ussuri": 178, "current": 214}


@pytest.mark.parametrize("release", COUNTS)
def test_defaults_are_those_of_nova(release: str) -> None:
    recorded = policy_cases.recorded()[policy_cases.RELEASES[release]]
    ours = {
        rule.name: {
            "check": rule.check,
            "deprecated_check": rule.deprecated_check,
            "operations": list(rule.operations),
            "scope": list(rule.scope_types),
        }
        for rule in rule_set(release).rules.values()
    }
    differences = {
        name
        for name in ours.keys() | recorded.keys()
        if ours.get(name) != recorded.get(name)
    }
    assert not differences
    assert len(ours) == COUNTS[release]


@pytest.mark.parametrize("release", COUNTS)
def test_deprecated_rules_have_a_name_and_a_check(release: str) -> None:
    for rule in rule_set(release).rules.values():
        assert (rule.deprecated_name is None) == (rule.deprecated_check is None)


@pytest.mark.parametrize("release", COUNTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_have_rules(release: str, operation: str) -> None:
    rules = rules_of(operation, rule_set(release))
    assert rules
    assert set(rules) <= rule_set(release).rules.keys()


@pytest.mark.parametrize(
    ("release", "operation", "caller", "refused_by"),
    [
        pytest.param("current", "server-create", "role:member,project:P", None, id="m"),
        pytest.param(
            "current",
            "server-create",
            "role:reader,project:P",
            "os_compute_api:servers:create",
            id="a reader creates nothing",
        ),
        pytest.param(
            "current",
            "server-list",
            "role:admin,scope:system",
            "os_compute_api:servers:index",
            id="scope comes before the check",
        ),
        pytest.param(
            "current", "server-live-migrate", "role:manager,project:P", None, id="live"
        ),
        pytest.param(
            "current",
            "server-live-migrate-to-host",
            "role:manager,project:P",
            "os_compute_api:os-migrate-server:migrate_live:host",
            id="a manager names no host",
        ),
        pytest.param(
            "ussuri",
            "server-live-migrate-to-host",
            "role:admin,project:P",
            None,
            id="ussuri has one rule for both",
        ),
        pytest.param(
            "ussuri", "aggregate-create", "role:admin,project:P", None, id="deprecated"
        ),
        pytest.param(
            "ussuri",
            "aggregate-create",
            "role:manager,project:P",
            "os_compute_api:os-aggregates:create",
            id="no admin",
        ),
        pytest.param(
            "ussuri", "hypervisor-list", "role:reader,scope:system", None, id="system"
        ),
        pytest.param(
            "current",
            "server-resize-across-cells",
            "role:admin,project:P",
            "compute:servers:resize:cross_cell",
            id="nobody crosses cells",
        ),
    ],
)
def test_limits(
    release: str, operation: str, caller: str, refused_by: str | None
) -> None:
    policy, asks = Policy(release), Credentials.parse(caller)
    if refused_by is None:
        policy.authorize(operation, asks)
    else:
        with pytest.raises(Forbidden) as refused:
            policy.authorize(operation, asks)
        assert refused.value.rule == refused_by
        assert refused_by in str(refused.value)
        assert operation in str(refused.value)


def test_a_rule_that_held_is_not_asked_again() -> None:
    policy, asks = Policy(), Credentials.parse("role:member,project:P")
    create = "os_compute_api:servers:create"
    held = set[str]()
    policy.authorize("server-create", asks, held=held)
    assert held == {create}
    with pytest.raises(Forbidden) as refused:
        policy.authorize("server-create-on-host", asks, held=held)
    assert refused.value.rule == f"{create}:forced_host"
    assert held == {create}
    policy.authorize("server-create-on-host", asks, held={f"{create}:forced_host"})
    with pytest.raises(Forbidden):
        policy.authorize("server-create-on-host", asks)


def test_owner_decides() -> None:
    policy = Policy()
    member = Credentials.parse("role:member,project:P")
    policy.authorize("server-delete", member, {"project_id": "P"})
    for target in ({"project_id": "Q"}, {}):
        with pytest.raises(Forbidden):
            policy.authorize("server-delete", member, target)
    admin = Credentials.parse("role:admin,project:P")
    policy.authorize("server-delete", admin, {"project_id": "Q"})


def test_scope_alone_refuses() -> None:
    asks = Credentials.parse("role:admin,project:P")
    Policy("ussuri").authorize("service-list", asks)
    with pytest.raises(Forbidden, match="is for scope system, not project"):
        Policy("ussuri", enforce_scope=True).authorize("service-list", asks)


@pytest.mark.parametrize("release", COUNTS)
def test_same_as_the_texts(release: str) -> None:
    print(f"SEED={SEED}")
    draw = random.Random(SEED)
    rules = policy_cases.recorded()[policy_cases.RELEASES[release]]
    told = {True: 0, False: 0}
    for scoped in (False, True):
        for new in (False, True):
            policy = Policy(release, enforce_scope=scoped, enforce_new_defaults=new)
            oracle = Verdicts(rules, scoped, new)
            for name in rules:
                for _ in range(8):
                    caller, target = (
                        policy_cases.caller(draw),
                        policy_cases.target(draw),
                    )
                    asks = policy_cases.credentials(caller)
                    truth = oracle.allowed(name, caller, target)
                    refusal = policy.refusal(name, asks, target)
                    assert (refusal is None) == truth, (name, caller, target)
                    told[truth] += 1
    assert min(told.values()) > sum(told.values()) // 5


def test_file_takes_the_place_of_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "os_compute_api:os-evacuate: role:operator\n"
        "os_compute_api:os-hypervisors: role:observer\n"
    )
    operator = Credentials.parse("role:operator,project:P")
    with pytest.raises(Forbidden):
        Policy().authorize("server-evacuate", operator)
    policy = Policy(policy_file=path)
    policy.authorize("server-evacuate", operator)
    with pytest.raises(Forbidden, match="needs 'role:operator'"):
        policy.authorize("server-evacuate", Credentials.parse("role:admin"))
    # The old name of several rules stands for all that took its place.
    policy.authorize("hypervisor-list", Credentials.parse("role:observer"))
    with pytest.raises(Forbidden):
        policy.authorize("hypervisor-list", Credentials.parse("role:admin"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "must map names to checks, got list"),
        ("a: 3", "'a' must have a text, got 3"),
        ("a: role admin", "no check is 'role admin'"),
        ("a: 'rule:nothing'", r"rules that exist.*got \['a'\]"),
        ("a: rule:b\nb: rule:a", "not to themselves"),
        ("a: [", "cannot be read"),
    ],
)
def test_files_that_cannot_be(
    tmp_path: Path, text: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as refused:
        Policy(policy_file=path)
    assert "\n" not in str(refused.value)
    assert not caplog.records


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        Policy(policy_file=tmp_path / "none.yaml")


def test_credentials_are_read() -> None:
    found = Credentials.parse("role:manager, project:P,scope:system,user:U")
    assert found.roles == {"manager", "member", "reader"}
    assert (found.project, found.user, found.system) == ("P", "U", True)
    assert str(found) == (
        "role:manager,role:member,role:reader,project:P,user:U,scope:system"
    )
    assert Credentials.parse("role:admin", implied=False).roles == {"admin"}
    assert with_implied(["service"]) == {"service"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "role",
        "role:",
        "cell:a",
        "project:a,project:b",
        "scope:universe",
        "role:admin,scope:project",
        "role:admin,scope:domain",
        "project:P,domain:D,scope:project",
    ],
)
def test_credentials_that_cannot_be(text: str) -> None:
    with pytest.raises(BadInput):
        Credentials.parse(text)


def test_unknown_names() -> None:
    with pytest.raises(UnknownRule, match="known: ussuri, current"):
        Policy("train")
    with pytest.raises(UnknownOperation, match="No operation or rule 'fly'"):
        Policy().authorize("fly", Credentials())


def test_without_the_extra_it_is_told() -> None:
    code = (
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'oslo_policy' else find(n, *a)\n"
        "from kilonova.cli import main\n"
        "main(['policy', 'check', 'server-create', '--as', 'role:admin'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "kilonova: Policies need oslo.policy: pip install 'kilonova[policy]'.\n"
    )


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["policy", *arguments])
    return int(stop.value.code or 0)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evacuate = ("check", "server-evacuate", "--as")
    assert command(*evacuate, "role:admin,project:P") == 0
    assert capsys.readouterr().out == "allowed: os_compute_api:os-evacuate\n"
    assert command(*evacuate, "role:member,project:P") == 1
    assert capsys.readouterr().out == (
        "refused: os_compute_api:os-evacuate needs 'rule:context_is_admin'\n"
    )
    delete = ("check", "server-delete", "--as", "role:member,project:P", "--json")
    assert command(*delete, "--target", "project:P") == 0
    assert json.loads(capsys.readouterr().out)["allowed"]
    assert command(*delete, "--target", "project:Q") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["refused_by"] == "os_compute_api:servers:delete"
    path = tmp_path / "policy.yaml"
    path.write_text("os_compute_api:os-evacuate: role:member\n")
    file = ("--policy-file", str(path))
    assert command(*evacuate, "role:member,project:P", *file) == 0
    system = ("check", "service-list", "--as", "role:reader,scope:system")
    assert command(*system, "--rules", "ussuri") == 0
    assert command(*system) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "server-evacuate", "--as", "nobody"),
        ("check", "fly", "--as", "role:admin"),
        ("check", "server-evacuate", "--as", "role:admin", "--rules", "train"),
        ("check", "server-evacuate", "--as", "role:admin", "--target", "cell:1"),
        ("list", "--policy-file", "none.yaml"),
    ],
)
def test_command_lines_that_cannot_be(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*arguments) == 2
    assert capsys.readouterr().err.startswith("kilonova: ")


@pytest.mark.parametrize("release", COUNTS)
def test_list(release: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("list", "--rules", release, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["operation"] for row in rows} == set(OPERATIONS)
    assert all(row["check"] for row in rows)
