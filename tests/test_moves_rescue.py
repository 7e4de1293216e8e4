"""Rescue and its end: states, what is held, and what each failure leaves.

What is refused is compared with ``kilonova.admin.rescue``, which is with Nova.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilonova.admin.rescue import Disk, RescueImage, RescueServer
from kilonova.admin.rescue import check_rescue as ask_api
from kilonova.errors import Refused, StepFailed
from kilonova.records.server import Server
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from moves_cloud import LARGE, SMALL, Bench, make_server

pytestmark = pytest.mark.usefixtures("fixed_clock")

TRAIT = "COMPUTE_RESCUE_BFV"
STABLE = {"hw_rescue_device": "disk", "hw_rescue_bus": "virtio"}
VTPM = Flavor(2, 2048, root_gb=10, extra_specs={"hw:tpm_version": "2.0"})
STATES = ("active", "stopped", "error", "rescued", "paused", "shelved", "resized")


def booted(bench: Bench, vm_state: str = "active") -> Server:
    server = bench.do.boot(make_server())
    server.vm_state = vm_state
    server.power_state = "running" if vm_state == "active" else "shutdown"
    bench.steps.clear()
    return server


@pytest.mark.parametrize("before", ["active", "stopped", "error"])
def test_rescued_and_back(before: str) -> None:
    bench = Bench()
    server = booted(bench, before)
    held = bench.held(server.uuid)
    bench.do.rescue(server.uuid, Image({}, uuid="other"))
    assert (server.vm_state, server.task_state) == ("rescued", None)
    assert (server.power_state, server.image) == ("running", Image())
    bench.do.unrescue(server.uuid)
    # Also one that was stopped.
    assert (server.vm_state, server.task_state) == ("active", None)
    assert server.power_state == "running"
    assert bench.held(server.uuid) == held
    assert bench.steps == ["rescue", "rescue", "unrescue", "unrescue"]


@pytest.mark.parametrize(
    ("step", "rolls_back", "state"),
    [
        ("rescue", False, "error"),
        ("rescue", True, "error"),
        ("unrescue", False, "error"),
        ("unrescue", True, "active"),
    ],
)
def test_what_a_failure_leaves(step: str, rolls_back: bool, state: str) -> None:
    bench = Bench()
    server = booted(bench)
    held = bench.held(server.uuid)
    if step == "unrescue":
        bench.do.rescue(server.uuid)
    bench.driver.fail(step, error=StepFailed("no disk", rolls_back=rolls_back))
    (bench.do.rescue if step == "rescue" else bench.do.unrescue)(server.uuid)
    assert (server.vm_state, server.task_state) == (state, None)
    nova = "InstanceNotRescuable" if step == "rescue" else "NovaException"
    assert server.fault == f"{nova}: no disk"
    assert bench.held(server.uuid) == held


def test_what_may_be_done_meanwhile() -> None:
    bench = Bench()
    server = booted(bench)
    bench.do.rescue(server.uuid)
    bench.add_ports({"id": "p", "network_id": "net"})
    for operation in (
        lambda: bench.do.rescue(server.uuid),
        lambda: bench.do.resize(server.uuid, LARGE),
        lambda: bench.do.migrate(server.uuid),
        lambda: bench.do.live_migrate(server.uuid),
        lambda: bench.do.evacuate(server.uuid),
        lambda: bench.do.shelve(server.uuid),
        lambda: bench.do.rebuild(server.uuid),
        lambda: bench.do.attach_port(server.uuid, "p"),
    ):
        with pytest.raises(Refused, match="got 'rescued'") as refused:
            operation()
        assert (refused.value.status, refused.value.nova) == (
            409,
            "InstanceInvalidState",
        )
    bench.do.delete(server.uuid)
    assert bench.held(server.uuid) == {}


@pytest.mark.parametrize("vm_state", [state for state in STATES if state != "rescued"])
def test_only_a_rescued_server_can_be_unrescued(vm_state: str) -> None:
    bench = Bench()
    server = booted(bench, vm_state)
    with pytest.raises(Refused, match="must be one of \\['rescued'\\]"):
        bench.do.unrescue(server.uuid)
    server.vm_state, server.locked, bench.do.is_admin = "rescued", True, False
    with pytest.raises(Refused, match="locked"):
        bench.do.unrescue(server.uuid)
    assert bench.steps == []


BENCHES = [Bench(("a",)), Bench(("a",))]
BENCHES[1].cloud.set_traits("a", [TRAIT])


@given(
    server=st.builds(
        Server,
        st.just("web"),
        st.sampled_from([SMALL, SMALL, SMALL, VTPM]),
        st.sampled_from([Image(), Image(STABLE)]),
        host=st.just("a"),
        node=st.just("a"),
        vm_state=st.sampled_from([*STATES, "active", "active", "stopped"]),
        task_state=st.sampled_from([None, None, None, "rescuing"]),
        is_volume_backed=st.booleans(),
        launched=st.sampled_from([True, True, True, False]),
        locked=st.booleans(),
    ),
    image=st.none()
    | st.sampled_from(
        [Image(dict(chosen), uuid="r") for chosen in product(STABLE.items(), repeat=2)]
        + [
            Image(uuid="r"),
            Image({**STABLE, "img_block_device_mapping": "[{}]"}, uuid="r"),
        ]
    ),
    has_trait=st.booleans(),
    is_admin=st.booleans(),
)
def test_refusals_are_those_of_the_api(
    server: Server, image: Image | None, has_trait: bool, is_admin: bool
) -> None:
    volume = ("v", "in-use") if server.is_volume_backed else (None, None)
    disk = Disk("root", "virtio", "vda", "disk", *volume)
    asked = RescueServer(
        server.uuid,
        [disk],
        server.vm_state,
        server.task_state,
        server.launched,
        server.locked,
        server.flavor == VTPM,
        server.image.properties,
    )
    other = RescueImage(image.uuid, image.properties) if image is not None else None
    expected = None
    try:
        ask_api(asked, other, traits=[TRAIT] * has_trait, is_admin=is_admin)
    except Refused as error:
        expected = error.status, error.nova
    bench = BENCHES[has_trait]
    bench.records.servers[server.uuid] = server
    bench.do.is_admin = is_admin
    found = None
    try:
        bench.do.rescue(server.uuid, image)
    except Refused as error:
        found = error.status, error.nova
    assert found == expected
    assert (server.vm_state == "rescued") >= (expected is None)
