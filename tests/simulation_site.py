"""What a simulation draws: a small cloud, callers, faults, and what servers ask for."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from kilonova.admin.credentials import Credentials
from kilonova.admin.policy import Policy
from kilonova.candidates.cloud import Cloud
from kilonova.errors import StepFailed
from kilonova.hosts.options import FilterSchedulerSection, Options
from kilonova.moves.options import MoveOptions
from kilonova.records.server import Server
from moves_cloud import NOW, PHYSNET, VNIC, host_document

NAMES = ("a", "b", "c", "d")
GROUPS = ("affinity", "anti-affinity", "soft-anti-affinity")
PROJECT = "project"
CALLERS = {
    "admin": Credentials.parse(f"role:admin,project:{PROJECT}"),
    "manager": Credentials.parse(f"role:manager,project:{PROJECT}"),
    "member": Credentials.parse(f"role:member,project:{PROJECT}"),
    "reader": Credentials.parse(f"role:reader,project:{PROJECT}"),
    "stranger": Credentials.parse("role:manager,project:another"),
}
# What each caller may, told by hand: what owners do, what managers may in addition.
OWNERS = frozenset(
    {
        "boot",
        "resize",
        "confirm",
        "revert",
        "shelve",
        "unshelve",
        "rebuild",
        "rescue",
        "unrescue",
        "delete",
        "attach",
        "detach",
    }
)
MANAGERS = OWNERS | {"migrate", "live migrate"}
MAY = {
    "manager": MANAGERS,
    "member": OWNERS,
    "reader": frozenset[str](),
    "stranger": frozenset[str](),
}
# Whom an operator's file lets leave a cell, where a site has one.
CROSSERS = ("admin", "member")


class Short:
    """Prints a dataclass as the call that makes it, defaults left out."""

    def __repr__(self) -> str:
        told: Any = self
        shown = [
            f"{each.name}={getattr(told, each.name)!r}"
            for each in fields(told)
            if getattr(told, each.name) != each.default
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Host(Short):
    """One host: CPUs, interfaces with bandwidth, accelerators, number of its cell."""

    vcpus: int = 8
    agents: int = 2
    fpgas: int = 4
    cell: int = 1

    def providers(self, name: str) -> list[dict[str, Any]]:
        """Give the documents of its tree."""
        found = []
        for provider in host_document(name, self.vcpus):
            kind, number = provider["name"].split(":")[1:2], provider["name"][-1]
            if kind == ["agent"] and int(number) >= self.agents:
                continue
            if kind == ["fpga"]:
                if not self.fpgas:
                    continue
                provider["inventories"] = {"FPGA": {"total": self.fpgas}}
            found.append(provider)
        return found


@dataclass(frozen=True, repr=False)
class Site(Short):
    """A cloud, and options of Nova.

    ``crosses`` says which servers may leave their cell: none, those ``alone`` whose
    ports ask for nothing, or all, ``with ports``; ``leaves`` whether they like to.
    """

    hosts: tuple[Host, ...]
    same_host: bool = False
    offload_at_once: bool = True
    live_retries: int = -1
    crosses: str = ""
    leaves: bool = False

    @property
    def cells(self) -> dict[str, str]:
        """Cell of each host."""
        named = zip(self.names, self.hosts, strict=True)
        return {name: f"cell-{host.cell}" for name, host in named}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the hosts."""
        return NAMES[: len(self.hosts)]

    def options(self) -> MoveOptions:
        """Give the options of moves."""
        return MoveOptions(
            allow_resize_to_same_host=self.same_host,
            shelved_offload_time=0 if self.offload_at_once else -1,
            migrate_max_retries=self.live_retries,
            cross_cell_with_port_resources=self.crosses == "with ports",
        )

    def scheduling(self) -> Options:
        """Give the options of the scheduler."""
        weight = -1_000_000.0 if self.leaves else 1_000_000.0
        section = FilterSchedulerSection(cross_cell_move_weight_multiplier=weight)
        return Options(filter_scheduler=section)

    def cloud(self) -> Cloud:
        """Make the cloud."""
        named = list(zip(self.names, self.hosts, strict=True))
        return Cloud.from_document(
            {
                "traits": [PHYSNET, VNIC],
                "providers": [p for name, host in named for p in host.providers(name)],
                "hosts": [
                    {
                        "host": name,
                        "nodename": name,
                        "provider": name,
                        "cell_uuid": self.cells[name],
                        "last_seen_up": NOW,
                        "hypervisor_type": "QEMU",
                        "hypervisor_version": 1,
                    }
                    for name, host in named
                ],
                "server_groups": [
                    {"uuid": f"group {policy}", "policy": policy} for policy in GROUPS
                ],
            }
        )


@dataclass(frozen=True, repr=False)
class Turn(Short):
    """Who asks for an operation, and which of its steps fails.

    ``fails`` is the number of the first step that fails, 0 for none, ``times`` how many
    do from there, ``error`` what the failure is like.
    """

    caller: str = "admin"
    fails: int = 0
    times: int = 1
    error: str = ""


class Faults:
    """A driver that fails as a turn says."""

    def __init__(self, turn: Turn) -> None:
        self._left = range(turn.fails, turn.fails + turn.times if turn.fails else 0)
        self._error = turn.error
        self._count = 0
        self.failed: list[str] = []

    def run(self, step: str, server: Server, host: str) -> None:
        self._count += 1
        if self._count in self._left:
            self.failed.append(step)
            raise StepFailed(
                "fault",
                aborts=self._error == "aborts",
                rolls_back=self._error == "rolls back",
            )


@lru_cache
def policy() -> Policy:
    """Load Nova's rules, once."""
    return Policy()


@lru_cache
def forbidden(operation: str, caller: str, project: str) -> Exception | None:
    """Ask the policy; the same question once only."""
    try:
        policy().authorize(operation, CALLERS[caller], {"project_id": project})
    except Exception as error:
        return error
    return None
