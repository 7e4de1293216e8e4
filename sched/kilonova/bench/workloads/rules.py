"""What Nova decides of a single host or of none: policies, vGPU types, rescue."""

from importlib.util import find_spec

from kilonova.admin.credentials import Credentials
from kilonova.admin.mdev import MdevPlan, plan_mdevs
from kilonova.admin.mdev_apply import apply_mdevs
from kilonova.admin.mdev_devices import devices
from kilonova.admin.mdev_options import mdev_options
from kilonova.admin.policy import Policy
from kilonova.admin.rescue import RescueImage, check_rescue
from kilonova.admin.rescue_devices import RescuePlan, plan_rescue
from kilonova.admin.rescue_reading import rescue_server
from kilonova.bench.workload import Fleet, Work, Workload
from kilonova.candidates.cloud import Cloud
from kilonova.errors import Forbidden

_NEW = "bench host of GPUs"
_TYPES, _EACH = ("nvidia-35", "nvidia-36"), 16
_BLOCK_DEVICES = 8


def _policy(_cloud: Cloud, _fleet: Fleet) -> Work:
    policy = Policy()
    member = Credentials.parse("role:member,project:P")

    def allowed(project: str) -> bool:
        try:
            policy.authorize("server-delete", member, {"project_id": project})
        except Forbidden:
            return False
        return True

    return Work(
        call=lambda: allowed("P"), check=lambda: allowed("P") and not allowed("Q")
    )


def _addresses() -> list[str]:
    return [f"0000:{number:02x}:00.0" for number in range(len(_TYPES) * _EACH)]


def _plan() -> MdevPlan:
    """Plan the providers of a host with cards of two types."""
    types = {address: _TYPES[n % 2] for n, address in enumerate(_addresses())}
    lines = ["[devices]", f"enabled_mdev_types = {', '.join(_TYPES)}"]
    for name in _TYPES:
        listed = ", ".join(address for address in types if types[address] == name)
        lines += [f"[mdev_{name}]", f"device_addresses = {listed}"]
    given = [
        {"address": address, "types": {name: {"existing": 1, "available": 15}}}
        for address, name in types.items()
    ]
    return plan_mdevs(mdev_options("\n".join(lines)), devices(given), _NEW)


def _planned(_cloud: Cloud, _fleet: Fleet) -> Work:
    def check() -> bool:
        found = _plan().providers
        return [each.address for each in found] == _addresses() and all(
            each.inventories["VGPU"].total == 16 for each in found
        )

    return Work(call=_plan, check=check)


def _applied(cloud: Cloud, _fleet: Fleet) -> Work:
    """Bring the tree of the last host in line with a plan."""
    plan = _plan()
    cloud.add_provider(_NEW, inventories={"VCPU": {"total": 4}})

    def undo() -> None:
        for provider in reversed(plan.providers):
            cloud.remove_provider(provider.name)

    def check() -> bool:
        made = apply_mdevs(cloud, plan)
        again = apply_mdevs(cloud, plan)
        right = len(made.added) == len(plan.providers) and not again.added
        room = sum(cloud.inventories(p.name)["VGPU"].capacity for p in plan.providers)
        undo()
        return right and room == 16 * len(plan.providers)

    return Work(
        call=lambda: apply_mdevs(cloud, plan),
        check=check,
        after=undo,
        close=lambda: cloud.remove_provider(_NEW),
    )


def _rescue(_cloud: Cloud, _fleet: Fleet) -> Work:
    disks = [
        {
            "name": "root" if n == 0 else f"/dev/vd{chr(97 + n)}",
            "bus": "virtio",
            "dev": f"vd{chr(97 + n)}",
            "volume_id": f"volume {n}",
            "volume_status": "in-use",
        }
        for n in range(_BLOCK_DEVICES)
    ]
    given = {"uuid": "5f2c6a3e-6f0a-4b5c-9f0e-2d6a3c1b7a90", "disks": disks}
    properties = {"hw_rescue_device": "disk", "hw_rescue_bus": "virtio"}
    image, traits = RescueImage("image", properties), ("COMPUTE_RESCUE_BFV",)

    def call() -> RescuePlan:
        server = rescue_server(given)
        return plan_rescue(server, check_rescue(server, image, traits=traits))

    return Work(
        call=call,
        check=lambda: (
            [each.dev for each in call().disks]
            == [*(each["dev"] for each in disks), call().boot.dev]
        ),
    )


_MADE = {
    "policy": ("ask the rule of an operation", _policy),
    "vGPU types": (f"plan the providers of {len(_addresses())} cards", _planned),
    "vGPU apply": ("lay these below a new host", _applied),
    "rescue": (f"plan the disks of a rescue, with {_BLOCK_DEVICES} volumes", _rescue),
}

WORKLOADS = tuple(
    Workload(
        f"rules: {name}",
        doing,
        make,
        shapes=("flat",),
        fills=(0.7,),
        largest=1_000_000 if name == "vGPU apply" else 1_000,
    )
    for name, (doing, make) in _MADE.items()
    # Policies are an extra.
    if name != "policy" or find_spec("oslo_policy")
)
