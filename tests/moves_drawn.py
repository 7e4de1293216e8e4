"""Random scenarios of moves: operations in any order, any step failing.

What a server might be after an operation is guessed, so that most of the next ones are
not refused; after a failure the guess may be wrong.
"""

from random import Random
from typing import Any

from moves_scenarios import HOSTS, Scenario

Step = dict[str, Any]
_KINDS = ("P", "P+wide", "Q", "Q+wide", "plain", "P+packets", "P+wide+packets")
_MOST_STEPS = 9
# Operations by what the server might be, each as often as it is to come.
_NEXT = {
    "none": ("boot",),
    "active": (
        *("resize",) * 4,
        *("migrate",) * 4,
        *("live_migrate",) * 4,
        *("evacuate",) * 4,
        *("shelve",) * 2,
        *("attach",) * 2,
        *("detach",) * 2,
        "rebuild",
        "stop",
        "delete",
        "confirm",
        "unshelve",
    ),
    "resized": (
        *("confirm",) * 4,
        *("revert",) * 4,
        "delete",
        "evacuate",
        "detach",
        "live_migrate",
        "resize",
    ),
    "shelved": (*("unshelve",) * 4, "offload", "delete", "attach", "migrate"),
}
_AFTER = {
    "boot": "active",
    "resize": "resized",
    "migrate": "resized",
    "confirm": "active",
    "revert": "active",
    "shelve": "shelved",
    "unshelve": "active",
    "delete": "none",
}
_FAULTS = {
    "boot": ("claim:claim", "spawn", "spawn:aborts", "bind_ports"),
    "resize": (
        "prep_resize",
        "prep_resize:claim",
        "claim:claim",
        "power_off",
        "power_off:rolls_back",
        "bind_ports",
        "finish_resize",
    ),
    "confirm": ("confirm_resize",),
    "revert": ("destroy_at_dest", "bind_ports", "finish_revert_resize"),
    "live_migrate": (
        "check_live_migration",
        "check_live_migration:unfit",
        "check_live_migration:unfit",
        "bind_ports:unbound",
        "pre_live_migration",
        "live_migration",
        "post_live_migration",
    ),
    "evacuate": ("claim:claim", "bind_ports", "rebuild"),
    "shelve": ("power_off", "snapshot", "unbind_ports", "destroy"),
    "offload": ("power_off", "unbind_ports", "destroy"),
    "unshelve": ("claim:claim", "bind_ports", "spawn", "power_on"),
    "rebuild": ("rebuild",),
    "delete": ("destroy", "confirm_resize"),
    "attach": ("bind_ports", "attach_interface"),
    "detach": ("detach_interface",),
}
_FAULTS["migrate"] = _FAULTS["resize"]


def random_scenario(seed: int) -> Scenario:
    """Draw a scenario; the same for the same seed."""
    draw = Random(seed)
    ports = {f"p{n}": draw.choice(_KINDS) for n in range(4)}
    scenario: Scenario = {"id": f"random {seed}", "ports": ports}
    scenario["extended"] = draw.random() < 0.5
    scenario["options"] = {
        "shelved_offload_time": draw.choice((0, 0, -1)),
        "allow_resize_to_same_host": draw.random() < 0.3,
        "migrate_max_retries": draw.choice((-1, -1, -1, 0, 1)),
        "max_attempts": draw.choice((3, 3, 3, 2, 1)),
    }
    scenario["steps"] = _Drawer(draw, ports).steps()
    return scenario


class _Drawer:
    """Draws one step after the other, and guesses what they leave."""

    def __init__(self, draw: Random, ports: dict[str, str]) -> None:
        self.draw = draw
        self.ports = ports
        self.state = {"web": "none"}
        if draw.random() < 0.4:
            self.state["db"] = "none"
        self.down: list[str] = []
        self.booted: set[str] = set()

    def steps(self) -> list[Step]:
        """Draw all steps of a scenario."""
        found: list[Step] = []
        if self.draw.random() < 0.3:
            found.append(self._take())
        count = self.draw.randint(4, _MOST_STEPS)
        while len(found) < count:
            chance = self.draw.random()
            if chance < 0.12 and self.booted:
                found += self._failing_host()
            elif chance < 0.22 and self.down:
                found.append({"do": "up", "host": self.down.pop()})
            else:
                server = self.draw.choice(list(self.state))
                found += self._operation(server)
        return found

    def _take(self) -> Step:
        """Let somebody have about as much as leaves room for one server more."""
        hosts = self.draw.sample(HOSTS, self.draw.randint(1, 2))
        amounts = {h: {"VCPU": self.draw.choice((2, 3, 4, 5, 6, 7))} for h in hosts}
        return {"do": "take", "consumer": "full", "allocations": amounts}

    def _failing_host(self) -> list[Step]:
        host = self.draw.choice([h for h in HOSTS if h not in self.down] or HOSTS)
        if host in self.down or len(self.down) > 1:
            return []
        self.down.append(host)
        server = self.draw.choice(sorted(self.booted))
        return [{"do": "down", "host": host}, self._faulty("evacuate", server)]

    def _operation(self, server: str) -> list[Step]:
        do = self.draw.choice(_NEXT[self.state[server]])
        if do == "boot" and server in self.booted:
            return []
        step = self._faulty(do, server)
        if do == "boot":
            self.booted.add(server)
            step["ports"] = self.draw.sample(
                sorted(self.ports), self.draw.randint(0, 3)
            )
            step["flavor"] = self.draw.choice(("small", "small", "large"))
        self.state[server] = _AFTER.get(do, self.state[server])
        return [step]

    def _faulty(self, do: str, server: str) -> Step:
        step: Step = {"do": do, "server": server}
        chance = self.draw.random
        if do == "resize":
            step["flavor"] = self.draw.choice(("large", "large", "small", "huge"))
        if do in ("migrate", "live_migrate", "evacuate", "unshelve") and chance() < 0.3:
            step["host"] = self.draw.choice(HOSTS)
            if do in ("live_migrate", "evacuate") and chance() < 0.3:
                step["force"] = True
        if do == "rebuild":
            step["image"] = self.draw.choice(("plain", "other", "foreign"))
        if do in ("attach", "detach"):
            step["port"] = self.draw.choice(sorted(self.ports))
        if do in _FAULTS and chance() < 0.4:
            step["faults"] = [self._fault(do)]
        return step

    def _fault(self, do: str) -> dict[str, Any]:
        name, _, kind = self.draw.choice(_FAULTS[do]).partition(":")
        fault: dict[str, Any] = {"step": name}
        if kind:
            fault["kind"] = kind
        if self.draw.random() < 0.2:
            fault["host"] = self.draw.choice(HOSTS)
        if self.draw.random() < 0.3:
            fault["times"] = self.draw.randint(2, 3)
        return fault
