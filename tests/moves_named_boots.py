"""Named scenarios: boots, resizes and cold migrations."""

from moves_scenarios import EGRESS, INGRESS
from moves_steps import (
    BOOT,
    DOWN,
    END,
    FULL,
    LARGE,
    SAME_HOST,
    UP,
    Named,
    full,
    op,
    take,
    web,
)

BOOTS: Named = {
    "boot": ([BOOT, END], {}),
    "boot without ports": ([web("boot"), END], {}),
    "boot on host": ([web("boot", host="b", ports=["p"])], {}),
    "boot on host, spawn fails": ([web("boot", "spawn", host="b", ports=["p"])], {}),
    "boot on no host": ([web("boot", host="z")], {}),
    "boot forced": ([web("boot", zone="nova:b", ports=["p"]), END], {}),
    "boot forced, spawn fails": ([web("boot", "spawn", zone="nova:b")], {}),
    "boot forced, no room": ([full("b"), web("boot", zone="nova:b")], {}),
    "boot forced on no host": ([web("boot", zone="nova:z")], {}),
    "boot, no host": ([web("boot", flavor="huge", ports=["p"]), END], {}),
    "boot, spawn fails": ([web("boot", "spawn@a", ports=["p", "q"]), END], {}),
    "boot, spawn fails twice": ([web("boot", "spawn*2", ports=["p"]), END], {}),
    "boot, spawn fails thrice": ([web("boot", "spawn*3", ports=["p"]), END], {}),
    "boot, spawn aborts": ([web("boot", "spawn:aborts", ports=["p"]), END], {}),
    "boot, claim fails": ([web("boot", "claim@a:claim", ports=["p"]), END], {}),
    "boot, claim fails thrice": ([web("boot", "claim*3:claim", ports=["p"])], {}),
    "boot, claim and spawn fail": ([web("boot", "claim@a:claim", "spawn@b")], {}),
    "boot, bind fails": ([web("boot", "bind_ports", ports=["p"]), END], {}),
    "boot, two attempts": ([web("boot", "spawn*2")], {"max_attempts": 2}),
    "boot, one attempt": ([web("boot", "spawn")], {"max_attempts": 1}),
    "boot, alternate is full": (
        [web("boot", "spawn@a", takes=take("spawn", b=FULL), ports=["p"]), END],
        {},
    ),
    "boot, alternates are full": (
        [web("boot", "spawn@a", takes=take("spawn", b=FULL, c=FULL)), END],
        {},
    ),
    "boot, first host is full": ([full("a"), web("boot", ports=["p"])], {}),
    "boot, first host is down": ([DOWN, web("boot", ports=["p"])], {}),
    "boot where bandwidth is taken": (
        [
            op(
                "take",
                consumer="full",
                allocations={"a:agent:eth0": {EGRESS: 701, INGRESS: 1}},
            ),
            web("boot", ports=["p", "q"]),
        ],
        {},
    ),
    "boot two": ([web("boot", count=2)], {}),
    "boot five": ([web("boot", count=5)], {}),
    "boot twelve": ([web("boot", count=12)], {}),
    "boot thirteen": ([web("boot", count=13)], {}),
    "boot two, spawn fails": ([web("boot", "spawn@a", count=2)], {}),
    "boot two with a port": ([web("boot", count=2, ports=["p"])], {}),
    "boot, port is in use": (
        [web("boot", ports=["p"]), op("boot", server="db", ports=["p"])],
        {},
    ),
}
RESIZES: Named = {
    "resize, confirm": ([BOOT, LARGE, web("confirm"), END], {}),
    "resize, revert": ([BOOT, LARGE, web("revert"), END], {}),
    "resize, delete": ([BOOT, LARGE, END], {}),
    "resize to same flavor": ([BOOT, web("resize", flavor="small")], {}),
    "resize, no host": ([BOOT, web("resize", flavor="huge"), END], {}),
    "resize of stopped, confirm": (
        [BOOT, web("stop"), LARGE, web("confirm"), END],
        {},
    ),
    "resize of stopped, revert": ([BOOT, web("stop"), LARGE, web("revert")], {}),
    "resize on same host, confirm": ([BOOT, LARGE, web("confirm"), END], SAME_HOST),
    "resize on same host, revert": ([BOOT, LARGE, web("revert"), END], SAME_HOST),
    "resize on same host, delete": ([BOOT, LARGE, END], SAME_HOST),
    "resize, source is down": ([BOOT, DOWN, LARGE], {}),
    "resize of deleted": ([BOOT, END, LARGE], {}),
    "resize, host fails": (
        [BOOT, web("resize", "prep_resize@b", flavor="large"), web("confirm")],
        {},
    ),
    "resize, claim fails": (
        [BOOT, web("resize", "claim@b:claim", flavor="large"), web("revert")],
        {},
    ),
    "resize, all hosts fail": (
        [BOOT, web("resize", "prep_resize*2", flavor="large"), END],
        {},
    ),
    "resize, two attempts": (
        [BOOT, web("resize", "claim*2:claim", flavor="large"), END],
        {"max_attempts": 2},
    ),
    "resize, one attempt": (
        [BOOT, web("resize", "claim:claim", flavor="large"), END],
        {"max_attempts": 1},
    ),
    "resize, alternate is full": (
        [
            BOOT,
            web(
                "resize",
                "prep_resize@b",
                flavor="large",
                takes=take("prep_resize", c=FULL),
            ),
            END,
        ],
        {},
    ),
    "resize, host rolls back": (
        [BOOT, web("resize", "prep_resize*2:rolls_back", flavor="large"), END],
        {},
    ),
    "resize, power off fails": (
        [BOOT, web("resize", "power_off", flavor="large"), END],
        {},
    ),
    "resize, power off rolls back": (
        [BOOT, web("resize", "power_off:rolls_back", flavor="large"), LARGE, END],
        {},
    ),
    "resize, bind fails": (
        [BOOT, web("resize", "bind_ports", flavor="large"), END],
        {},
    ),
    "resize, finish fails": (
        [BOOT, web("resize", "finish_resize", flavor="large"), END],
        {},
    ),
    "resize on same host, finish fails": (
        [BOOT, web("resize", "finish_resize", flavor="large"), END],
        SAME_HOST,
    ),
    "confirm fails": ([BOOT, LARGE, web("confirm", "confirm_resize"), END], {}),
    "confirm, source is down": ([BOOT, LARGE, DOWN, web("confirm")], {}),
    "delete of resized, source is down": (
        [BOOT, LARGE, DOWN, END, UP, END, END],
        {},
    ),
    "confirm of none": ([BOOT, web("confirm"), web("revert")], {}),
    "delete of resized, confirm fails": (
        [BOOT, LARGE, web("delete", "confirm_resize"), END],
        {},
    ),
    "revert, destroy fails": (
        [BOOT, LARGE, web("revert", "destroy_at_dest"), END],
        {},
    ),
    "revert, bind fails": ([BOOT, LARGE, web("revert", "bind_ports"), END], {}),
    "revert, finish fails": (
        [BOOT, LARGE, web("revert", "finish_revert_resize"), END],
        {},
    ),
    "migrate, confirm": ([BOOT, web("migrate"), web("confirm"), END], {}),
    "migrate, revert": ([BOOT, web("migrate"), web("revert"), END], {}),
    "migrate to host": ([BOOT, web("migrate", host="c"), web("revert")], {}),
    "migrate to own host": ([BOOT, web("migrate", host="a")], {}),
    "migrate to no host": ([BOOT, web("migrate", host="z")], {}),
    "migrate to host that fails": (
        [BOOT, web("migrate", "prep_resize", host="c"), END],
        {},
    ),
    "migrate to full host": ([BOOT, full("c"), web("migrate", host="c"), END], {}),
    "migrate to host that is down": (
        [BOOT, op("down", host="c"), web("migrate", host="c"), END],
        {},
    ),
    "migrate twice": (
        [BOOT, web("migrate"), web("migrate"), web("confirm"), web("migrate")],
        {},
    ),
    "migrate of paused": ([BOOT, web("pause"), web("migrate")], {}),
}
