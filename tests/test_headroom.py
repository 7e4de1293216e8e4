"""Headroom counts claims exactly where it says so, and bounds them elsewhere.

Named cases first: one for each way of counting. Then random clouds, where an oracle
tries every order of claims; small amounts of room keep that possible.
"""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generators.cases import Case, random_case
from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput, BadRequest, UnknownTrait
from kilonova.request.group import Request, RequestGroup
from oracle import headroom as oracle
from oracle.state import State, from_document

Providers = list[dict[str, Any]]


def devices(*totals: int, **limits: int) -> Providers:
    """Make a host with 100 VCPU and some devices.

    cn0            100 VCPU
    +-- cn0:d0     VGPU
    +-- ...
    """
    found: Providers = [_provider("cn0", None, {"VCPU": {"total": 100}})]
    for number, total in enumerate(totals):
        offer = {"VGPU": {"total": total, **limits}}
        found.append(_provider(f"cn0:d{number}", "cn0", offer))
    return found


def pools(local: int, *shared: tuple[int, str]) -> Providers:
    """Make two hosts, of 10 and 4 VCPU, in aggregates a and b, and pools of disk.

    cn0 (a)   10 VCPU, local DISK_GB
    cn1 (b)   4 VCPU
    ss0 ...   DISK_GB, shared with those in the same aggregates
    """
    first = {"VCPU": {"total": 10}}
    if local:
        first["DISK_GB"] = {"total": local}
    found = [
        _provider("cn0", None, first, aggregates=["a"]),
        _provider("cn1", None, {"VCPU": {"total": 4}}, aggregates=["b"]),
    ]
    for number, (total, aggregates) in enumerate(shared):
        pool = _provider(f"ss{number}", None, {"DISK_GB": {"total": total}})
        pool["traits"] = ["MISC_SHARES_VIA_AGGREGATE"]
        pool["aggregates"] = list(aggregates)
        found.append(pool)
    return found


def _provider(
    name: str, parent: str | None, inventories: dict[str, Any], **rest: Any
) -> dict[str, Any]:
    made = {"name": name, "parent": parent, "inventories": inventories}
    return {**made, "traits": [], "aggregates": [], **rest}


@pytest.mark.parametrize(
    ("providers", "query", "count"),
    [
        pytest.param(devices(), "resources=VCPU:7", 14, id="division"),
        pytest.param(devices(), "resources=VCPU:101", 0, id="none"),
        pytest.param(devices(5, 7), "resources=VGPU:2", 5, id="whole amounts"),
        pytest.param(
            devices(9, 1, 1),
            "resources_A=VGPU:1&resources_B=VGPU:1&group_policy=isolate",
            2,
            id="alike groups apart",
        ),
        pytest.param(
            devices(9, 1, 1),
            "resources_A=VGPU:1&resources_B=VGPU:1&group_policy=none",
            5,
            id="alike groups",
        ),
        pytest.param(
            devices(9, 1, 1, max_unit=1),
            "resources_A=VGPU:1&resources_B=VGPU:1&group_policy=none",
            2,
            id="alike groups, max_unit",
        ),
        pytest.param(
            devices(4, 4, 4),
            "resources_A=VGPU:3&resources_B=VGPU:1&group_policy=isolate",
            3,
            id="unlike groups apart",
        ),
        pytest.param(
            devices(6, 6),
            "resources_A=VGPU:2&resources_B=VGPU:4&group_policy=none",
            2,
            id="unlike groups",
        ),
        pytest.param(
            devices(),
            "resources_A=VCPU:10&resources_B=VCPU:15&group_policy=none",
            4,
            id="one provider for all",
        ),
        pytest.param(
            devices(50), "resources=VCPU:30&resources_A=VGPU:1", 3, id="scarcest class"
        ),
        pytest.param(
            pools(0, (10, "ab")), "resources=VCPU:1,DISK_GB:1", 10, id="one pool"
        ),
        pytest.param(
            pools(3, (10, "ab")), "resources=VCPU:1,DISK_GB:1", 13, id="own disk too"
        ),
        pytest.param(
            pools(0, (3, "ab"), (9, "a")),
            "resources=VCPU:1,DISK_GB:1",
            12,
            id="the pool that the other host needs",
        ),
        pytest.param(pools(3, (10, "ab")), "resources=DISK_GB:1", 13, id="pool alone"),
    ],
)
def test_exact(providers: Providers, query: str, count: int) -> None:
    document = {"providers": providers, "consumers": []}
    found = Cloud.from_document(document).headroom(query)
    assert found.exact
    assert found.total == count


def test_hosts_and_limits() -> None:
    found = Cloud.from_document(
        {"providers": pools(3, (6, "ab")), "consumers": []}
    ).headroom("resources=VCPU:1,DISK_GB:1")
    # Each host counts as if it were alone; the pool is there only once.
    assert [(h.host, h.count, h.resource_class) for h in found.hosts] == [
        ("cn0", 9, "DISK_GB"),
        ("cn1", 4, "VCPU"),
    ]
    assert (found.total, found.host_count) == (9, 2)
    assert found.limited_by == {"DISK_GB": 1, "VCPU": 1}
    assert found.to_dict()["total"] == 9
    assert str(found) == "9 fit."


def test_stops_at_most() -> None:
    providers = [_provider(f"cn{i}", None, {"VCPU": {"total": 10}}) for i in range(5)]
    cloud = Cloud.from_document({"providers": providers, "consumers": []})
    assert cloud.headroom("resources=VCPU:1").total == 50
    found = cloud.headroom("resources=VCPU:1", most=15)
    assert (found.total, found.exact, found.host_count) == (15, True, 2)
    assert cloud.headroom("resources=VCPU:1", most=70).total == 50


def test_nothing_is_written() -> None:
    cloud = Cloud.from_document({"providers": devices(4, 4, 4), "consumers": []})
    query = "resources_A=VGPU:3&resources_B=VGPU:1&group_policy=isolate"
    before, largest = cloud.to_document(), cloud.state.index().largest.copy()
    cloud.headroom(query)
    assert cloud.to_document() == before
    assert (cloud.state.index().largest == largest).all()


def test_errors() -> None:
    cloud = Cloud.from_document({"providers": devices(), "consumers": []})
    with pytest.raises(UnknownTrait):
        cloud.headroom("resources=VCPU:1&required=CUSTOM_NOWHERE")
    with pytest.raises(BadRequest):
        cloud.headroom("resources=VCPU:0")
    with pytest.raises(BadInput, match="most must be a whole number from 1, got 0"):
        cloud.headroom("resources=VCPU:1", most=0)


@st.composite
def device_cases(draw: st.DrawFn) -> tuple[dict[str, Any], State, Request]:
    """Draw one or two hosts with a few small devices, and groups that want them."""
    providers: Providers = []
    for host in range(draw(st.integers(1, 2))):
        name = f"cn{host}"
        offer = {"VCPU": {"total": draw(st.integers(1, 9))}}
        providers.append(_provider(name, None, offer))
        for number in range(draw(st.integers(1, 3))):
            total = draw(st.integers(1, 6))
            most = draw(st.sampled_from([1, 2, total, 100]))
            offer = {"VGPU": {"total": total, "max_unit": most}}
            traits = draw(
                st.lists(st.sampled_from(["CUSTOM_A", "CUSTOM_B"]), max_size=2)
            )
            device = _provider(f"{name}:d{number}", name, offer, traits=[*{*traits}])
            providers.append(device)
    groups = [RequestGroup("", {"VCPU": draw(st.integers(1, 3))})] * draw(
        st.integers(0, 1)
    )
    for number in range(draw(st.integers(1, 3))):
        clause = draw(st.sampled_from(["", "", "", "CUSTOM_A", "CUSTOM_B"]))
        required = (frozenset({clause}),) if clause else ()
        amount = draw(st.sampled_from([1, 1, 2, 3]))
        groups.append(RequestGroup(f"_{number}", {"VGPU": amount}, required))
    request = Request(
        tuple(groups), group_policy=draw(st.sampled_from(["none", "isolate"]))
    )
    document = {"providers": providers, "consumers": []}
    traits = ["CUSTOM_A", "CUSTOM_B"]
    state = from_document(document, traits)
    return {**document, "traits": traits}, state, request


@settings(max_examples=200)
@given(device_cases())
def test_devices_as_oracle(
    case: tuple[dict[str, Any], State, Request],
) -> None:
    document, state, request = case
    found = Cloud.from_document(document).headroom(request)
    wanted = {root: oracle.most_claims(state, request, root) for root in state.roots()}
    # So few candidates a host: the integer programs solve all of them.
    assert found.exact
    assert {each.host: each.count for each in found.hosts} == {
        root: count for root, count in wanted.items() if count
    }
    assert found.total == sum(wanted.values())


@settings(max_examples=200)
@given(st.integers(0, 2**20), st.integers(0, 40))
def test_any_cloud_as_oracle(seed: int, number: int) -> None:
    case: Case = random_case(seed, number)
    found = Cloud.from_document(case.document).headroom(case.request)
    try:
        wanted = oracle.most_claims(case.state, case.request)
        hosts = {
            root: oracle.most_claims(case.state, case.request, root)
            for root in case.state.roots()
        }
    except oracle.TooManyError:
        assume(False)
    assert found.total <= wanted <= found.upper
    for each in found.hosts:
        assert each.count <= hosts[each.host] <= each.upper
    assert {each.host for each in found.hosts} == {r for r in hosts if hosts[r]}


@settings(max_examples=30)
@given(device_cases())
def test_oracle_as_claims(case: tuple[dict[str, Any], State, Request]) -> None:
    """Claim by claim the oracle's number goes down to nothing, one at a time."""
    _, state, request = case
    left = oracle.most_claims(state, request)
    while left:
        claims = oracle.claims_of(state, request)
        counts = [
            oracle.most_claims(oracle.after(state, claim), request) for claim in claims
        ]
        assert max(counts) == left - 1
        state = oracle.after(state, claims[counts.index(left - 1)])
        left -= 1
    assert not oracle.claims_of(state, request)
