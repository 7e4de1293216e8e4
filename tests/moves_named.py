"""Named scenarios of moves: each operation done, and each of its steps failing."""

from moves_named_boots import BOOTS, RESIZES
from moves_named_hosts import EVACUATIONS, LIVE
from moves_named_others import OTHERS, SHELVING
from moves_scenarios import Scenario

_PORTS = {"p": "P", "q": "Q", "n": "plain"}
_BOTH = {"p": "P+packets", "q": "Q", "n": "plain"}
# Those that are played with ports of the extended form, too.
_EXTENDED = (
    "boot",
    "boot, spawn fails",
    "boot, bind fails",
    "boot where bandwidth is taken",
    "resize, confirm",
    "resize, revert",
    "resize, claim fails",
    "resize, finish fails",
    "revert, bind fails",
    "migrate to host",
    "live",
    "live, bind fails",
    "live, preparation fails",
    "live forced with ports",
    "evacuate",
    "evacuate, rebuild fails",
    "evacuate, resize, return, revert",
    "shelve, unshelve",
    "offload, destroy fails",
    "unshelve, spawn fails",
    "attach, detach",
    "attach, migrate, detach, revert",
    "attach, no room",
    "attach twice",
    "attach, step fails",
    "detach of all, migrate",
)


def named() -> list[Scenario]:
    """Give all named scenarios, some also with ports of the extended form."""
    found = []
    for group in (BOOTS, RESIZES, LIVE, EVACUATIONS, SHELVING, OTHERS):
        for name, (steps, options) in group.items():
            scenario: Scenario = {"id": name, "ports": _PORTS, "steps": steps}
            if options:
                scenario["options"] = options
            found.append(scenario)
            if name in _EXTENDED:
                extended = {"id": f"{name} (extended)", "extended": True}
                found.append({**scenario, **extended, "ports": _BOTH})
    return found
