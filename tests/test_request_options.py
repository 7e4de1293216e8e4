"""Options in the form of osc-placement give the request that it would send.

Method: command lines and the query that osc-placement 4.9 sends for each; then what is
refused.
"""

import pytest

from generators.document import uuid_of
from kilonova.errors import BadRequest
from kilonova.request.options import GroupOptions, request_from_options, split_groups
from kilonova.request.query import parse_query

ONE, TWO = uuid_of("one"), uuid_of("two")


def options(line: str) -> list[tuple[str, str]]:
    """Split a command line into names and values."""
    words = line.split()
    return [
        (name.removeprefix("--"), value)
        for name, value in zip(words[::2], words[1::2], strict=True)
    ]


@pytest.mark.parametrize(
    ("line", "query"),
    [
        pytest.param("--resource VCPU=1", "resources=VCPU:1", id="least"),
        pytest.param(
            "--resource VCPU=1 --resource DISK_GB=2 --resource VCPU=3",
            "resources=VCPU:1,DISK_GB:2,VCPU:3",
            id="the last amount of a class",
        ),
        pytest.param(
            "--required A --resource VCPU=1 --required B,C --forbidden D --forbidden E",
            "resources=VCPU:1&required=A&required=in:B,C&required=!D,!E",
            id="traits",
        ),
        pytest.param(
            f"--resource VCPU=1 --member-of {ONE},{TWO} --member-of {TWO}",
            f"resources=VCPU:1&member_of=in:{ONE},{TWO}&member_of=in:{TWO}",
            id="aggregates",
        ),
        pytest.param(
            "--resource VCPU=1 --group 1 --resource VGPU=1 --required A",
            "resources=VCPU:1&resources1=VGPU:1&required1=A&group_policy=none",
            id="a group after the unnamed one",
        ),
        pytest.param(
            "--group _B --resource VCPU=1 --group _A --resource VGPU=1",
            "resources_B=VCPU:1&resources_A=VGPU:1&group_policy=none",
            id="groups only, in order",
        ),
    ],
)
def test_requests(line: str, query: str) -> None:
    assert request_from_options(split_groups(options(line))) == parse_query(query)


def test_group_policy_and_limit() -> None:
    groups = {suffix: GroupOptions(resource=("VCPU=1",)) for suffix in ("1", "2")}
    assert request_from_options(groups, "isolate", 5) == parse_query(
        "resources1=VCPU:1&resources2=VCPU:1&group_policy=isolate&limit=5"
    )


def test_a_policy_is_left_out_where_no_group_has_a_name() -> None:
    groups = {"": GroupOptions(resource=("VCPU=1",))}
    assert request_from_options(groups, "isolate").group_policy is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--group 1 --resource VCPU=1 --group 1",
            "--group must be new each time, got '1' again.",
        ),
        (
            "--node x",
            "No option is called --node. Known: ('resource', 'required', 'forbidden', "
            "'member_of').",
        ),
        (
            "--required A",
            "The group without a name must have at least one --resource, got none.",
        ),
        (
            "--resource VCPU=1 --group 1 --required A",
            "Group '1' must have at least one --resource, got none.",
        ),
        (
            "--group a/b --resource VCPU=1",
            "--group must be at most 64 of the characters a-z A-Z 0-9 _ -, got 'a/b'.",
        ),
        ("--resource VCPU:1", "--resource must be like 'VCPU=4', got 'VCPU:1'."),
        ("--resource =1", "--resource must be like 'VCPU=4', got '=1'."),
        ("--resource VCPU=0", "--resource VCPU must be at least 1, got 0."),
        ("--resource VCPU=x", "--resource VCPU must be a whole number, got 'x'."),
        (
            "--resource VCPU=2147483648",
            "--resource VCPU must be at most 2147483647, got 2147483648.",
        ),
        (
            "--resource VCPU=1 --required A,",
            "--required must be the name of a trait, got 'A,'.",
        ),
        (
            "--resource VCPU=1 --required !A",
            "--required must be the name of a trait, got '!A'.",
        ),
        (
            "--resource VCPU=1 --forbidden A,B",
            "--forbidden must be one trait at a time, got 'A,B'.",
        ),
        (
            "--resource VCPU=1 --member-of x",
            "--member-of must be UUIDs between commas, got 'x'.",
        ),
        (
            "--resource VCPU=1 --required A --forbidden A",
            "required must not demand and forbid the same traits, got ['A'] in both.",
        ),
        ("", "resources must be given for at least one group, got none."),
    ],
)
def test_what_is_refused(line: str, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        request_from_options(split_groups(options(line)))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("group_policy", "limit", "message"),
    [
        ("some", None, "--group-policy must be 'none' or 'isolate', got 'some'."),
        ("none", 0, "--limit must be at least 1, got 0."),
    ],
)
def test_bad_policies_and_limits(
    group_policy: str, limit: int | None, message: str
) -> None:
    groups = {"": GroupOptions(resource=("VCPU=1",))}
    with pytest.raises(BadRequest) as refused:
        request_from_options(groups, group_policy, limit)
    assert str(refused.value) == message
