"""Machines with GPUs and requests for them, as plain objects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

WHOLE = 1000
"""Milli-GPU of one device."""


@dataclass(frozen=True)
class Request:
    """What is asked of one machine.

    ``gpu`` devices with ``gpu_milli`` of each; ``gpu_models`` are the allowed models
    joined by ``|``, empty for any.
    """

    cpu_milli: int
    mem_mib: int = 0
    gpu: int = 0
    gpu_milli: int = 0
    gpu_models: str = ""

    @property
    def is_share(self) -> bool:
        return self.gpu == 1 and self.gpu_milli < WHOLE

    @property
    def gpu_milli_total(self) -> int:
        return self.gpu * self.gpu_milli

    @property
    def kind(self) -> str:
        """What GpuClustering keeps together: shares, or equal numbers of devices."""
        return "share" if self.is_share else f"{self.gpu} whole"

    def allows(self, gpu_model: str) -> bool:
        """Tell whether a machine with GPUs of this model may serve the request."""
        return not self.gpu_models or gpu_model in self.gpu_models.split("|")


@dataclass
class Machine:
    """What a machine has left: ``devices`` holds the free milli-GPU of each."""

    cpu_milli: int
    mem_mib: int
    gpu_model: str
    devices: list[int]
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def gpu_milli(self) -> int:
        return sum(self.devices)

    @property
    def whole_count(self) -> int:
        return self.devices.count(WHOLE)


def feasible(machine: Machine, request: Request) -> bool:
    """Tell whether the machine could take the request now."""
    if machine.cpu_milli < request.cpu_milli or machine.mem_mib < request.mem_mib:
        return False
    if request.gpu == 0:
        return True
    fitting = [free for free in machine.devices if free >= request.gpu_milli]
    return request.allows(machine.gpu_model) and len(fitting) >= request.gpu


def fitting_devices(machine: Machine, request: Request) -> list[int]:
    """Return the devices that have what the request asks of each."""
    return [
        device
        for device, free in enumerate(machine.devices)
        if free >= request.gpu_milli
    ]


def choose_devices(machine: Machine, request: Request) -> tuple[int, ...]:
    """Choose devices: the fullest for a share, the first free ones otherwise."""
    fitting = fitting_devices(machine, request)
    if request.is_share:
        return (min(fitting, key=lambda device: machine.devices[device]),)
    return tuple(islice(fitting, request.gpu))


def claim(machine: Machine, request: Request, devices: Sequence[int]) -> None:
    """Take what the request asks from the machine and from these devices."""
    machine.cpu_milli -= request.cpu_milli
    machine.mem_mib -= request.mem_mib
    for device in devices:
        machine.devices[device] -= request.gpu_milli
    if request.gpu:
        machine.kinds[request.kind] += 1
