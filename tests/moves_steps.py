"""Steps of named scenarios of moves, and those that many of them have."""

from typing import Any

Step = dict[str, Any]
# Steps and options of Nova, by name of the scenario.
Named = dict[str, tuple[list[Step], dict[str, Any]]]
FULL = {"VCPU": 7}


def op(do: str, *faults: str, **values: Any) -> Step:
    """Make a step; a fault is ``STEP[@HOST][*TIMES][:KIND]``."""
    step: Step = {"do": do, **values}
    if faults:
        step["faults"] = [_fault(each) for each in faults]
    return step


def web(do: str, *faults: str, **values: Any) -> Step:
    """Make a step for the server that most scenarios have."""
    return op(do, *faults, server="web", **values)


def _fault(text: str) -> dict[str, Any]:
    text, _, kind = text.partition(":")
    text, _, times = text.partition("*")
    step, _, host = text.partition("@")
    found: dict[str, Any] = {"step": step}
    for name, value in (("host", host), ("times", times), ("kind", kind)):
        if value:
            found[name] = int(value) if name == "times" else value
    return found


def take(step: str, **allocations: dict[str, int]) -> list[dict[str, Any]]:
    """Let somebody else take room at a step."""
    return [{"step": step, "consumer": "other", "allocations": allocations}]


def full(*hosts: str) -> Step:
    """Leave one VCPU of each of these hosts."""
    return op("take", consumer="full", allocations=dict.fromkeys(hosts, FULL))


BOOT = web("boot", ports=["p", "q", "n"])
UP, DOWN = op("up", host="a"), op("down", host="a")
NEVER_OFFLOAD = {"shelved_offload_time": -1}
SAME_HOST = {"allow_resize_to_same_host": True}
LARGE = web("resize", flavor="large")
END = web("delete")
