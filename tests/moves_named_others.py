"""Named scenarios: shelving, rebuilds, deletions, ports."""

from moves_scenarios import EGRESS, INGRESS
from moves_steps import BOOT, DOWN, END, LARGE, NEVER_OFFLOAD, UP, Named, full, op, web

SHELVING: Named = {
    "shelve, unshelve": ([BOOT, web("shelve"), web("unshelve"), END], {}),
    "shelve, delete": ([BOOT, web("shelve"), END], {}),
    "shelve of stopped": (
        [BOOT, web("stop"), web("shelve"), web("unshelve"), END],
        {},
    ),
    "shelve of paused": ([BOOT, web("pause"), web("shelve"), web("unshelve")], {}),
    "shelve, offload, unshelve": (
        [BOOT, web("shelve"), web("offload"), web("unshelve"), END],
        NEVER_OFFLOAD,
    ),
    "shelve, unshelve there": (
        [BOOT, web("shelve"), web("unshelve"), END],
        NEVER_OFFLOAD,
    ),
    "shelve, power on fails": (
        [BOOT, web("shelve"), web("unshelve", "power_on"), web("unshelve")],
        NEVER_OFFLOAD,
    ),
    "shelve, delete there": ([BOOT, web("shelve"), END], NEVER_OFFLOAD),
    "shelve, power off fails": (
        [BOOT, web("shelve", "power_off"), web("shelve"), END],
        {},
    ),
    "shelve, snapshot fails": (
        [BOOT, web("shelve", "snapshot"), web("shelve"), END],
        {},
    ),
    "offload, power off fails": (
        [BOOT, web("shelve"), web("offload", "power_off"), web("offload"), END],
        NEVER_OFFLOAD,
    ),
    "offload, unbind fails": (
        [BOOT, web("shelve", "unbind_ports"), web("offload"), END],
        {},
    ),
    "offload, destroy fails": (
        [BOOT, web("shelve", "destroy"), web("offload"), web("unshelve"), END],
        {},
    ),
    "unshelve on host": ([BOOT, web("shelve"), web("unshelve", host="c"), END], {}),
    "unshelve on no host": ([BOOT, web("shelve"), web("unshelve", host="z")], {}),
    "unshelve on full host": (
        [BOOT, web("shelve"), full("c"), web("unshelve", host="c"), END],
        {},
    ),
    "unshelve, no host": (
        [BOOT, web("shelve"), full("a", "b", "c"), web("unshelve"), END],
        {},
    ),
    "unshelve, claim fails": (
        [BOOT, web("shelve"), web("unshelve", "claim:claim"), web("unshelve"), END],
        {},
    ),
    "unshelve, bind fails": (
        [BOOT, web("shelve"), web("unshelve", "bind_ports"), web("unshelve"), END],
        {},
    ),
    "unshelve, spawn fails": (
        [BOOT, web("shelve"), web("unshelve", "spawn"), web("unshelve"), END],
        {},
    ),
    "unshelve of active": ([BOOT, web("unshelve"), web("offload")], {}),
    "shelve of shelved": ([BOOT, web("shelve"), web("shelve"), LARGE], {}),
}
OTHERS: Named = {
    "rebuild": ([BOOT, web("rebuild"), END], {}),
    "rebuild from another image": ([BOOT, web("rebuild", image="other"), END], {}),
    "rebuild from a foreign image": (
        [BOOT, web("rebuild", image="foreign"), web("rebuild"), END],
        {},
    ),
    "rebuild of stopped": ([BOOT, web("stop"), web("rebuild"), END], {}),
    "rebuild fails": ([BOOT, web("rebuild", "rebuild"), web("rebuild"), END], {}),
    "rebuild fails, stopped": (
        [BOOT, web("stop"), web("rebuild", "rebuild"), web("rebuild"), END],
        {},
    ),
    "rebuild rolls back, migrate": (
        [BOOT, web("rebuild", "rebuild:rolls_back"), web("migrate"), web("confirm")],
        {},
    ),
    "rebuild rolls back, migrate, revert": (
        [BOOT, web("rebuild", "rebuild:rolls_back"), web("migrate"), web("revert")],
        {},
    ),
    "rebuild rolls back, evacuate": (
        [BOOT, web("rebuild", "rebuild:rolls_back"), DOWN, web("evacuate"), UP, END],
        {},
    ),
    "rebuild of resized": ([BOOT, LARGE, web("rebuild"), web("shelve")], {}),
    "delete fails": ([BOOT, web("delete", "destroy"), END], {}),
    "delete twice": ([BOOT, END, END], {}),
    "attach, detach": (
        [
            web("boot", ports=["n"]),
            web("attach", port="p"),
            web("detach", port="p"),
            END,
        ],
        {},
    ),
    "attach, migrate, detach, revert": (
        [
            web("boot", ports=["q"]),
            web("attach", port="p"),
            web("migrate"),
            web("detach", port="p"),
            web("confirm"),
            web("detach", port="p"),
            web("migrate"),
            web("revert"),
            END,
        ],
        {},
    ),
    "attach without a request": ([web("boot"), web("attach", port="n"), END], {}),
    "attach, no room": (
        [
            op(
                "take",
                consumer="full",
                allocations={"a:agent:eth0": {EGRESS: 701, INGRESS: 1}},
            ),
            web("boot", ports=["q"]),
            web("attach", port="p"),
            END,
        ],
        {},
    ),
    "attach twice": ([BOOT, web("attach", port="p"), END], {}),
    "attach no port": ([BOOT, web("attach", port="z")], {}),
    "detach no port": ([web("boot", ports=["q"]), web("detach", port="p")], {}),
    "attach, bind fails": (
        [web("boot"), web("attach", "bind_ports", port="p"), END],
        {},
    ),
    "attach, step fails": (
        [web("boot"), web("attach", "attach_interface", port="p"), END],
        {},
    ),
    "detach fails": (
        [BOOT, web("detach", "detach_interface", port="p"), END],
        {},
    ),
    "attach to shelved": ([web("boot"), web("shelve"), web("attach", port="p")], {}),
    "attach to stopped": (
        [web("boot"), web("stop"), web("attach", port="p"), END],
        {},
    ),
    "detach of all, migrate": (
        [
            BOOT,
            web("detach", port="q"),
            web("detach", port="p"),
            web("migrate"),
            web("confirm"),
            END,
        ],
        {},
    ),
}
