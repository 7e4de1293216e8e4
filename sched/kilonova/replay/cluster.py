"""A recorded cluster in Placement's terms: nested providers and request groups."""

from collections.abc import Sequence

from kilonova.candidates.cloud import Cloud
from kilonova.hosts.devices import Demand, DeviceClasses, Typical
from kilonova.replay.trace import Asked, Machine, device_name
from kilonova.request.group import Request, RequestGroup

# CPU is counted in milli-units here, so that a request may ask for part of one.
CLASSES = DeviceClasses(cpu="VCPU", device="CUSTOM_GPU_MILLI", whole=1000)


def build_cloud(machines: Sequence[Machine]) -> Cloud:
    """Make an empty cloud: a root per machine, and a child provider per GPU.

    The root has VCPU (milli-units), MEMORY_MB and the trait of the GPU model; each
    child has CUSTOM_GPU_MILLI, 1000 in all.
    """
    providers: list[dict[str, object]] = []
    for machine in machines:
        providers.append(
            {
                "name": machine.name,
                "inventories": {
                    CLASSES.cpu: {"total": machine.cpu_milli},
                    "MEMORY_MB": {"total": machine.mem_mib},
                },
                "traits": [model_trait(machine.gpu_model)],
            }
        )
        providers += [
            {
                "name": device_name(machine.name, i),
                "parent": machine.name,
                "inventories": {CLASSES.device: {"total": CLASSES.whole}},
            }
            for i in range(machine.gpu)
        ]
    return Cloud.from_document({"providers": providers, "consumers": []})


def model_trait(model: str) -> str:
    """Give the trait of a GPU model."""
    letters = [c if c.isalnum() and c.isascii() else "_" for c in model.upper()]
    return f"CUSTOM_GPU_{''.join(letters)}"


def build_request(asked: Asked, known: frozenset[str]) -> Request:
    """Make the request groups of what a trace asks for.

    CPU and memory are the unsuffixed group, which requires any of the allowed models;
    a share of a GPU is one suffixed group, k whole GPUs are k isolated ones. ``known``
    are the traits of the cloud: a model that no machine has cannot be asked for.
    """
    amounts = {CLASSES.cpu: asked.cpu_milli, "MEMORY_MB": asked.mem_mib}
    plain = RequestGroup(
        resources={name: amount for name, amount in amounts.items() if amount},
        # A request without GPUs runs on any machine, whatever models it names.
        required=allowed_models(asked, known) if asked.gpu else (),
    )
    devices = tuple(
        RequestGroup(suffix=f"_GPU{i}", resources={CLASSES.device: asked.gpu_milli})
        for i in range(asked.gpu)
    )
    policy = "isolate" if asked.gpu > 1 else None
    return Request((plain, *devices), group_policy=policy)


def allowed_models(asked: Asked, known: frozenset[str]) -> tuple[frozenset[str], ...]:
    """Give the clause on the models that a request allows; none where it allows any."""
    if not asked.gpu_models:
        return ()
    wanted = {model_trait(model) for model in asked.gpu_models.split("|")}
    # A clause must name some trait: one that no machine of the trace has will do.
    return (frozenset(wanted & known or {"MISC_SHARES_VIA_AGGREGATE"}),)


def demand_of(asked: Asked, known: frozenset[str]) -> Demand:
    """Give what packing weighers see of a request; the label keeps the trace's text."""
    clauses = allowed_models(asked, known)
    return Demand(
        cpu=asked.cpu_milli,
        amount=asked.gpu_milli,
        devices=asked.gpu,
        allowed=clauses[0] if clauses else frozenset(),
        label=asked.gpu_models,
    )


def typical_demands(requests: Sequence[Asked], known: frozenset[str]) -> Typical:
    """Give the typical requests of a workload."""
    return Typical.of([demand_of(asked, known) for asked in requests])
