"""Healing: what servers lack is allocated; each exit status, each option, ports.

One host and one server in most cases; which servers are looked at in which order, and
how far a largest count goes, come last.
"""

from typing import Any

import pytest

import heal_cases
from heal_cases import EGRESS, uuid
from kilonova import Cloud, Inventory
from kilonova.admin.heal import CELL0, heal
from kilonova.admin.heal_ports import RecordedPorts
from kilonova.admin.heal_steps import HealOptions, HealResult
from kilonova.records.records import Records

SERVER, OTHER = uuid(1000), uuid(1001)
NODE, BRIDGE = uuid(1), uuid(3)
PORT, SECOND = uuid(4000), uuid(4001)
FLAVOR = {"vcpus": 2, "memory_mb": 512, "root_gb": 4}
WHOLE = {NODE: {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 4}}
BANDWIDTH = {BRIDGE: {EGRESS: 100}}


def cloud(bridges: int = 1, **held: Any) -> Cloud:
    """Make one host `h1`; what the server holds there, and whose it is, by key."""
    document: dict[str, Any] = {"providers": heal_cases.tree("h1", bridges, 1)}
    document["hosts"] = [{"host": "h1", "cell_uuid": "c1"}]
    document["traits"] = [heal_cases.PHYSNET]
    if held:
        held = {"project": "p", "user": "u"} | held
        document["consumers"] = [{"uuid": SERVER, **held}]
    return Cloud.from_document(document)


def records(*ports: dict[str, Any], **more: Any) -> Records:
    """Make one server on `h1`, with ports."""
    server = {"uuid": SERVER, "flavor": FLAVOR, "host": "h1", "project_id": "p"}
    return of_servers(server | {"user_id": "u"} | more, ports=ports)


def of_servers(*servers: dict[str, Any], ports: Any = ()) -> Records:
    """Make records of servers."""
    return Records.from_document(
        {"format": "kilonova-records/1", "servers": servers, "ports": ports}
    )


def bandwidth(number: int = 0, extended: bool = False) -> dict[str, Any]:
    """Give a port of the server."""
    return heal_cases.port(number, SERVER, 100, extended)


def both(*parts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {provider: held for part in parts for provider, held in part.items()}


def test_a_server_without_allocations_gets_those_of_its_flavor() -> None:
    made = cloud()
    result = heal(made, records())
    assert (result.code, result.healed) == (0, 1)
    assert made.allocations(SERVER) == WHOLE
    consumer = made.to_document()["consumers"][0]
    assert (consumer["project"], consumer["user"]) == ("p", "u")
    assert heal(made, records()).code == 4


@pytest.mark.parametrize(
    ("flavor", "more", "expected"),
    [
        pytest.param(
            {**FLAVOR, "swap_mb": 1025},
            {},
            {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 6},
            id="disks are added up, in whole GiB",
        ),
        pytest.param(
            FLAVOR,
            {"is_volume_backed": True},
            {"VCPU": 2, "MEMORY_MB": 512},
            id="the root disk is a volume",
        ),
        pytest.param(
            {
                **FLAVOR,
                "extra_specs": {
                    "resources:VCPU": "0",
                    "resources:CUSTOM_GPU": "1",
                    "resources1:CUSTOM_GPU": "2",
                },
            },
            {},
            {"CUSTOM_GPU": 3, "MEMORY_MB": 512, "DISK_GB": 4},
            id="groups are added up",
        ),
    ],
)
def test_flavors(
    flavor: dict[str, Any], more: dict[str, Any], expected: dict[str, int]
) -> None:
    made = cloud()
    assert heal(made, records(flavor=flavor, **more)).code == 0
    assert made.allocations(SERVER) == {NODE: expected}


@pytest.mark.parametrize(
    ("owner", "code"),
    [
        pytest.param({}, 4, id="right"),
        pytest.param({"project": "q"}, 0, id="another project"),
        pytest.param({"user": "v"}, 0, id="another user"),
    ],
)
def test_whose_it_is(owner: dict[str, Any], code: int) -> None:
    made = cloud(allocations={"h1": {"VCPU": 1}}, **owner)
    assert heal(made, records()).code == code
    consumer = made.to_document()["consumers"][0]
    assert (consumer["project"], consumer["user"]) == ("p", "u")
    assert consumer["allocations"] == {"h1": {"VCPU": 1}}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"task_state": "resize_prep"}, 4, id="under way"),
        pytest.param({"host": None}, 4, id="on no host"),
        pytest.param({"vm_state": "deleted"}, 4, id="deleted"),
        pytest.param({"vm_state": "soft-delete"}, 4, id="soft-deleted"),
        pytest.param({"hidden": True}, 4, id="hidden"),
        pytest.param({"cell": CELL0}, 4, id="in cell0"),
        pytest.param({"vm_state": "error"}, 0, id="in error"),
        pytest.param({"node": "h2"}, 2, id="no such node"),
        pytest.param({"cell": "c2"}, 2, id="no such node in its cell"),
        pytest.param({"flavor": {**FLAVOR, "vcpus": 17}}, 3, id="too large"),
        pytest.param(
            {"flavor": {**FLAVOR, "extra_specs": {"resources:VGPU": "1"}}}, 8, id="vGPU"
        ),
        pytest.param(
            {"flavor": {**FLAVOR, "extra_specs": {"accel:device_profile": "p"}}},
            8,
            id="Cyborg",
        ),
    ],
)
def test_codes_of_servers(more: dict[str, Any], code: int) -> None:
    made = cloud()
    result = heal(made, records(**more))
    assert result.code == code
    assert bool(result.message) == (code not in (0, 4))
    assert bool(made.allocations(SERVER)) == (code == 0)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (HealOptions(server=SERVER, cell="c1"), 127, "cannot be given together"),
        (HealOptions(force=True), 127, "is for one server"),
        (HealOptions(max_count=0), 127, "at least 1, got 0"),
        (HealOptions(server=OTHER), 127, "is mapped to a cell"),
        (HealOptions(cell="c3"), 127, "No cell 'c3' among 1"),
        (HealOptions(server=SERVER, max_count=0), 0, ""),
        (HealOptions(cell="c1"), 0, ""),
        (HealOptions(server=SERVER), 0, ""),
    ],
)
def test_codes_of_options(options: HealOptions, code: int, message: str) -> None:
    result = heal(cloud(), records(), options)
    assert result.code == code
    assert message in result.message


def test_one_server_is_healed_and_no_other() -> None:
    made = cloud()
    servers = [{"uuid": u, "flavor": FLAVOR, "host": "h1"} for u in (OTHER, SERVER)]
    result = heal(made, of_servers(*servers), HealOptions(server=SERVER))
    assert (result.code, result.healed) == (0, 1)
    assert made.allocations(SERVER) == WHOLE
    assert not made.allocations(OTHER)


def test_a_cloud_of_nothing_has_no_cells() -> None:
    lines: list[str] = []
    assert heal(Cloud(), Records(), tell=lines.append).code == 4
    assert lines == ["There are no cells.", "Healed: 0."]


def test_a_provider_that_is_gone_takes_nothing() -> None:
    made = cloud(0)
    made.remove_provider("h1_agent")
    made.remove_provider("h1")
    assert heal(made, records()).code == 3


def test_dry_run_changes_nothing() -> None:
    made, known = cloud(), records(bandwidth())
    before = made.to_document(), known.to_document()
    result = heal(made, known, HealOptions(dry_run=True))
    assert (result.code, result.healed) == (4, 0)
    assert [(s.action, s.allocations) for s in result.steps] == [
        ("create", both(WHOLE, BANDWIDTH))
    ]
    assert (made.to_document(), known.to_document()) == before


def test_force_replaces_what_is_held() -> None:
    made = cloud(allocations={"h1": {"VCPU": 9}, "h1_br0": {EGRESS: 7}})
    assert heal(made, records()).code == 4
    result = heal(made, records(), HealOptions(server=SERVER, force=True))
    assert (result.code, result.steps[0].action) == (0, "update")
    assert made.allocations(SERVER) == WHOLE


@pytest.mark.parametrize("extended", [False, True])
def test_ports(extended: bool) -> None:
    made, known = cloud(), records(bandwidth(extended=extended))
    known.ports[PORT]["binding:profile"] = {"trusted": "true"}
    assert heal(made, known).code == 0
    assert made.allocations(SERVER) == both(WHOLE, BANDWIDTH)
    expected = {uuid(5000): BRIDGE} if extended else BRIDGE
    assert known.ports[PORT]["binding:profile"] == {
        "trusted": "true",
        "allocation": expected,
    }
    assert heal(made, known).code == 4


def test_ports_are_added_to_what_is_held() -> None:
    made = cloud(allocations={"h1": {"VCPU": 2}, "h1_br0": {EGRESS: 50}})
    result = heal(made, records(bandwidth(), bandwidth(1)))
    assert (result.code, result.steps[0].action) == (0, "update")
    assert made.allocations(SERVER) == {NODE: {"VCPU": 2}, BRIDGE: {EGRESS: 250}}


def test_ports_may_be_skipped() -> None:
    made, known = cloud(), records(bandwidth())
    assert heal(made, known, HealOptions(skip_ports=True)).code == 0
    assert made.allocations(SERVER) == WHOLE
    assert "binding:profile" not in known.ports[PORT]


@pytest.mark.parametrize(
    ("bridges", "message"),
    [(0, "there is no candidate"), (2, "there is more than one candidate")],
)
def test_ports_with_no_way_or_two(bridges: int, message: str) -> None:
    made, known = cloud(bridges), records(bandwidth())
    result = heal(made, known)
    assert result.code == 3
    assert message in result.message
    assert made.allocations(SERVER) == {}


def test_ports_that_nobody_knows() -> None:
    result = heal(cloud(), records(ports=[PORT]))
    assert (result.code, result.steps) == (5, [])
    assert "no port" in result.message
    odd = bandwidth() | {"resource_request": {"resources": {EGRESS: "much"}}}
    assert heal(cloud(), records(odd)).code == 5


def failing(known: Records, *ports: str, sticking: tuple[str, ...] = ()) -> HealResult:
    write = RecordedPorts(known, ports, sticking)
    return heal(cloud(), known, write=write)


def test_ports_that_cannot_be_updated_are_rolled_back() -> None:
    known = records(bandwidth(), bandwidth(1))
    result = failing(known, SECOND)
    assert result.code == 6
    assert SECOND in result.message
    assert known.ports[PORT]["binding:profile"] == {}
    assert "binding:profile" not in known.ports[SECOND]


def test_ports_that_cannot_be_rolled_back_are_named() -> None:
    known = records(bandwidth(), bandwidth(1))
    result = failing(known, SECOND, sticking=(PORT,))
    assert result.code == 7
    assert result.message.startswith(f"Ports {PORT} have an allocation")
    assert known.ports[PORT]["binding:profile"] == {"allocation": BRIDGE}


@pytest.mark.parametrize(("sticking", "code"), [((), 3), ((PORT,), 7)])
def test_ports_of_a_server_that_placement_refuses(
    sticking: tuple[str, ...], code: int
) -> None:
    made, known = cloud(), records(bandwidth())
    made.set_inventory("h1", "VCPU", Inventory(total=1))
    write = RecordedPorts(known, sticking=sticking)
    assert heal(made, known, write=write).code == code
    assert bool(known.ports[PORT]["binding:profile"]) == (code == 7)


def many(*created: float, cell: str = "c1") -> list[dict[str, Any]]:
    return [
        {
            "uuid": uuid(2000 + int(at)),
            "flavor": {"vcpus": 0, "memory_mb": 1},
            "host": "h1" if cell == "c1" else "h2",
            "cell": cell,
            "created_at": at,
        }
        for at in created
    ]


def two_cells() -> Cloud:
    providers = heal_cases.tree("h1", 0, 1) + heal_cases.tree("h2", 0, 10)
    hosts = [{"host": f"h{n}", "cell_uuid": f"c{n}"} for n in (1, 2)]
    return Cloud.from_document({"providers": providers, "hosts": hosts})


def healed(result: HealResult) -> list[int]:
    return [int(step.server[-4:], 16) - 2000 for step in result.steps]


def test_oldest_first_cell_by_cell() -> None:
    known = of_servers(*many(5, 4, cell="c2"), *many(9, 3, 7))
    assert healed(heal(two_cells(), known)) == [3, 7, 9, 4, 5]
    one = HealOptions(cell="c2")
    assert healed(heal(two_cells(), known, one)) == [4, 5]


@pytest.mark.parametrize(
    ("count", "code", "expected"),
    [(1, 1, [3]), (3, 1, [3, 7, 9]), (4, 1, [3, 7, 9, 4]), (6, 0, [3, 7, 9, 4, 5])],
)
def test_largest_count(count: int, code: int, expected: list[int]) -> None:
    known = of_servers(*many(5, 4, cell="c2"), *many(9, 3, 7))
    result = heal(two_cells(), known, HealOptions(max_count=count))
    assert (result.code, healed(result)) == (code, expected)


def test_largest_count_may_be_passed() -> None:
    """The count is also the size of a batch, and looked at after each."""
    made, known = two_cells(), of_servers(*many(1, 2, 3, 4), *many(5, cell="c2"))
    made.claim(uuid(2001), {"h1": {"VCPU": 1}})
    result = heal(made, known, HealOptions(max_count=2))
    assert (result.code, healed(result)) == (0, [2, 3, 4, 5])


def test_fifty_healed_in_a_cell_look_like_a_largest_count() -> None:
    known = of_servers(*many(*range(1, 51)), *many(60, cell="c2"))
    result = heal(two_cells(), known)
    assert (result.code, result.healed) == (1, 50)
    assert heal(two_cells(), of_servers(*many(*range(1, 52)))).code == 0
