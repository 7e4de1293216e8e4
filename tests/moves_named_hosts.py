"""Named scenarios: live migrations and evacuations."""

from moves_steps import BOOT, DOWN, END, LARGE, UP, Named, full, op, web

LIVE: Named = {
    "live": ([BOOT, web("live_migrate"), END], {}),
    "live to host": ([BOOT, web("live_migrate", host="c"), END], {}),
    "live to own host": ([BOOT, web("live_migrate", host="a"), END], {}),
    "live to no host": ([BOOT, web("live_migrate", host="z"), END], {}),
    "live to full host": (
        [BOOT, full("c"), web("live_migrate", host="c"), END],
        {},
    ),
    "live forced": ([web("boot"), web("live_migrate", host="c", force=True)], {}),
    "live forced with ports": (
        [BOOT, web("live_migrate", host="c", force=True), END],
        {},
    ),
    "live forced to own host": (
        [web("boot"), web("live_migrate", host="a", force=True)],
        {},
    ),
    "live forced to full host": (
        [web("boot"), full("c"), web("live_migrate", host="c", force=True), END],
        {},
    ),
    "live forced, check fails": (
        [
            web("boot"),
            web("live_migrate", "check_live_migration", host="c", force=True),
            END,
        ],
        {},
    ),
    "live forced to host that is down": (
        [
            web("boot"),
            op("down", host="c"),
            web("live_migrate", host="c", force=True),
            END,
        ],
        {},
    ),
    "live, check fails": (
        [BOOT, web("live_migrate", "check_live_migration@b:unfit"), END],
        {},
    ),
    "live, checks fail": (
        [BOOT, web("live_migrate", "check_live_migration*2:unfit"), END],
        {},
    ),
    "live to host, check fails": (
        [BOOT, web("live_migrate", "check_live_migration:unfit", host="b"), END],
        {},
    ),
    "live, no retries": (
        [BOOT, web("live_migrate", "check_live_migration:unfit"), END],
        {"migrate_max_retries": 0},
    ),
    "live, one retry": (
        [BOOT, web("live_migrate", "check_live_migration*2:unfit"), END],
        {"migrate_max_retries": 1},
    ),
    "live, bind fails": ([BOOT, web("live_migrate", "bind_ports@b:unbound"), END], {}),
    "live, check crashes": (
        [BOOT, web("live_migrate", "check_live_migration@b"), web("live_migrate")],
        {},
    ),
    "live forced, unfit": (
        [
            web("boot"),
            web("live_migrate", "check_live_migration:unfit", host="c", force=True),
        ],
        {},
    ),
    "live, bind crashes": ([BOOT, web("live_migrate", "bind_ports@b"), END], {}),
    "live, preparation fails": (
        [BOOT, web("live_migrate", "pre_live_migration"), web("live_migrate"), END],
        {},
    ),
    "live, migration fails": (
        [BOOT, web("live_migrate", "live_migration"), web("live_migrate"), END],
        {},
    ),
    "live, end fails": ([BOOT, web("live_migrate", "post_live_migration"), END], {}),
    "live of paused": ([BOOT, web("pause"), web("live_migrate"), END], {}),
    "live of stopped": ([BOOT, web("stop"), web("live_migrate")], {}),
    "live, no host": ([BOOT, full("b", "c"), web("live_migrate"), END], {}),
    "live, source is down": ([BOOT, DOWN, web("live_migrate"), END], {}),
    "live after live": ([BOOT, web("live_migrate"), web("live_migrate"), END], {}),
}
EVACUATIONS: Named = {
    "evacuate": ([BOOT, DOWN, web("evacuate"), UP, END], {}),
    "evacuate to host": ([BOOT, DOWN, web("evacuate", host="c"), UP, END], {}),
    "evacuate to no host": ([BOOT, DOWN, web("evacuate", host="z")], {}),
    "evacuate to own host": ([BOOT, DOWN, web("evacuate", host="a")], {}),
    "evacuate to full host": (
        [BOOT, DOWN, full("c"), web("evacuate", host="c"), UP, END],
        {},
    ),
    "evacuate, host is up": ([BOOT, web("evacuate")], {}),
    "evacuate forced": (
        [web("boot"), DOWN, web("evacuate", host="c", force=True), UP, END],
        {},
    ),
    "evacuate forced with ports": (
        [BOOT, DOWN, web("evacuate", host="c", force=True), UP, END],
        {},
    ),
    "evacuate forced to full host": (
        [web("boot"), DOWN, full("c"), web("evacuate", host="c", force=True), UP],
        {},
    ),
    "evacuate to stopped": (
        [BOOT, DOWN, web("evacuate", target_state="stopped"), UP, END],
        {},
    ),
    "evacuate of stopped": ([BOOT, web("stop"), DOWN, web("evacuate"), UP, END], {}),
    "evacuate of paused": ([BOOT, web("pause"), DOWN, web("evacuate")], {}),
    "evacuate, no host": (
        [BOOT, DOWN, full("b", "c"), web("evacuate"), UP, END],
        {},
    ),
    "evacuate, claim fails": (
        [BOOT, DOWN, web("evacuate", "claim:claim"), web("evacuate"), UP, END],
        {},
    ),
    "evacuate, bind fails": (
        [BOOT, DOWN, web("evacuate", "bind_ports"), web("evacuate"), UP, END],
        {},
    ),
    "evacuate, rebuild fails": (
        [BOOT, DOWN, web("evacuate", "rebuild"), web("evacuate"), UP, END],
        {},
    ),
    "evacuate, rebuild fails, host returns": (
        [BOOT, DOWN, web("evacuate", "rebuild"), UP, END],
        {},
    ),
    "evacuate forced, rebuild fails": (
        [web("boot"), DOWN, web("evacuate", "rebuild", host="b", force=True), UP],
        {},
    ),
    "evacuate, delete": ([BOOT, DOWN, web("evacuate"), END, UP], {}),
    "evacuate twice": (
        [
            BOOT,
            DOWN,
            web("evacuate"),
            op("down", host="b"),
            web("evacuate"),
            UP,
            op("up", host="b"),
            END,
        ],
        {},
    ),
    "evacuate, resize, return, revert": (
        [BOOT, DOWN, web("evacuate"), LARGE, UP, web("revert"), END],
        {},
    ),
    "evacuate, migrate, confirm, return": (
        [BOOT, DOWN, web("evacuate"), web("migrate"), web("confirm"), UP, END],
        {},
    ),
    "evacuate, live, return": (
        [BOOT, DOWN, web("evacuate"), web("live_migrate"), UP, END],
        {},
    ),
    "evacuate, shelve, return, unshelve": (
        [BOOT, DOWN, web("evacuate"), web("shelve"), UP, web("unshelve"), END],
        {},
    ),
    "delete, host is down": ([BOOT, DOWN, END, UP], {}),
    "resize, evacuate": ([BOOT, LARGE, op("down", host="b"), web("evacuate")], {}),
}
