"""Random options and devices for the tests of mediated devices, near their limits."""

import random
from typing import Any

TYPES = ("nvidia-35", "nvidia-36", "Intel-1")
BAD = ("0000:84:00", "84:00.0", "0000:84:00.8", "mtty_none", "0000:84:00.01")


def case(seed: int) -> dict[str, Any]:
    """Draw the text of a nova.conf and the devices of its host."""
    draw = random.Random(seed)
    count = draw.randint(1, 4)
    addresses = [f"0000:8{n}:00.{draw.randrange(8)}" for n in range(count)]
    if draw.random() < 0.2:
        addresses.append("mtty_mtty")
    devices = [{"address": each, "types": _types(draw)} for each in addresses]
    return {"config": _config(draw, addresses), "devices": devices}


def _types(draw: random.Random) -> dict[str, dict[str, int | None]]:
    return {
        name: {
            "existing": draw.choice((0, 0, 1, 2)),
            "available": draw.choice((0, 1, 2, 4, None)),
        }
        for name in draw.sample(TYPES, draw.randint(1, len(TYPES)))
    }


def _config(draw: random.Random, addresses: list[str]) -> str:
    enabled = draw.sample(TYPES, draw.randint(1, len(TYPES)))
    if draw.random() < 0.05:
        enabled.append(enabled[0])
    key = draw.choice(("enabled_mdev_types", "enabled_vgpu_types"))
    lines = ["[devices]", f"{key} = {', '.join(enabled)}"]
    left = list(addresses)
    draw.shuffle(left)
    for name in dict.fromkeys(enabled):
        if draw.random() < 0.2:
            continue
        mine = [left.pop() for _ in range(draw.randint(0, 2)) if left]
        if draw.random() < 0.04:
            mine.append(draw.choice((*addresses, *BAD)))
        # The old section has addresses alone; both may be there.
        generation = draw.choice(("mdev", "mdev", "vgpu"))
        lines.append(f"[{generation}_{name}]")
        if mine:
            lines.append(f"device_addresses = {','.join(mine)}")
        if draw.random() < 0.4:
            lines.append(f"max_instances = {draw.randint(1, 7)}")
        if draw.random() < 0.3:
            lines.append(f"mdev_class = {draw.choice(('VGPU', 'CUSTOM_NIC'))}")
    return "\n".join(lines) + "\n"
