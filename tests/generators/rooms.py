"""Random clouds and requests for headroom, most of it countable along lists.

Amounts are drawn at what is left somewhere, at ``max_unit``, and next to both.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kilonova.candidates.cloud import Cloud
from kilonova.cloud.state import State
from kilonova.request.group import Request, RequestGroup

TRAITS = ("CUSTOM_A", "CUSTOM_B")
AGGREGATES = ("x", "y")
ROOT_CLASSES = ("VCPU", "MEMORY_MB")
WAYS = ("NET_BW_EGR_KILOBIT_PER_SEC", "NET_BW_IGR_KILOBIT_PER_SEC")
DEVICE_CLASSES = (*WAYS, "VGPU")


def random_rooms(draw: random.Random) -> Cloud:
    """Draw hosts with bridges and devices, in use up to more than they have.

    h0             VCPU, MEMORY_MB, some traits, in some aggregates
    +-- h0:d0      bandwidth both ways, or one way, or VGPU
    +-- ...
    """
    cloud = Cloud()
    for trait in TRAITS:
        cloud.add_trait(trait)
    alike, step = draw.random() < 0.7, draw.choice([1] * 19 + [2])
    for number in range(draw.randint(1, 9)):
        host = f"h{number}"
        classes = draw.sample(ROOT_CLASSES, 2 if alike else draw.choice([1, 2, 2, 2]))
        _add(cloud, draw, host, None, classes, step)
        for device in range(2 if alike else draw.randint(0, 4)):
            kinds = [WAYS, WAYS, WAYS[:1], WAYS[1:], ("VGPU",)]
            kind = kinds[2 * device] if alike else draw.choice(kinds)
            _add(cloud, draw, f"{host}:d{device}", host, kind, step)
    _use(cloud.state, draw)
    return cloud


def _add(
    cloud: Cloud,
    draw: random.Random,
    name: str,
    parent: str | None,
    classes: Sequence[str],
    step: int,
) -> None:
    """Add a provider with limits that hold at different usages."""
    offers = {}
    for resource_class in classes:
        total = draw.choice([draw.randint(1, 9), draw.randint(10, 60)])
        offers[resource_class] = {
            "total": total,
            "reserved": draw.choice([0, 0, 0, total // 3]),
            "max_unit": draw.choice([total, total, 2**31 - 1, (total + 3) // 4]),
            "allocation_ratio": draw.choice([1.0, 1.0, 2.5, 16.0]),
        }
        if draw.random() < 0.5:
            offers[resource_class]["step_size"] = step
    cloud.add_provider(name, parent, inventories=offers)
    cloud.set_traits(name, draw.sample(TRAITS, draw.choice([0, 0, 1, 1, 2])))
    cloud.set_aggregates(name, draw.sample(AGGREGATES, draw.choice([0, 1, 1, 2])))


def _use(state: State, draw: random.Random) -> None:
    """Put inventories to use, some by more than their present capacity."""
    inventory = state.tables.inventory
    capacity = state.tables.offer["capacity"][inventory["offer"]]
    share = [
        draw.choice([0, 0, 0, 0.1, 0.2, 0.4, 0.8, 1, 1.2]) for _ in range(len(capacity))
    ]
    inventory["used"][:] = np.ceil(capacity * np.array(share)).astype(np.int64)
    state.rows_moved()


def random_room_request(draw: random.Random, state: State) -> Request:
    """Draw an unsuffixed group and up to three others, some of them alike."""
    groups = []
    classes = draw.sample(ROOT_CLASSES, draw.choice([0, 1, 1, 2]))
    if draw.random() < 0.05:
        classes.append("VGPU")
    if classes:
        groups.append(_group(draw, state, "", classes))
    while not groups or (len(groups) < 4 and draw.random() < 0.5):
        suffix = f"_{len(groups)}"
        if groups and groups[-1].suffix and draw.random() < 0.6:
            groups.append(replace(groups[-1], suffix=suffix))
            continue
        kinds = [WAYS, WAYS, WAYS, WAYS[:1], ("VGPU",), ("VCPU",)]
        groups.append(_group(draw, state, suffix, draw.choice(kinds)))
    suffixed = [group.suffix for group in groups if group.suffix]
    subtree = frozenset(suffixed) if draw.random() < 0.05 else None
    return Request(
        tuple(groups),
        group_policy=draw.choice(["none", "isolate"]),
        same_subtree=(subtree,) if subtree else (),
        root_required=frozenset(draw.sample(TRAITS, draw.random() < 0.1)),
        root_forbidden=frozenset(draw.sample(TRAITS, draw.random() < 0.1)),
    )


def _group(
    draw: random.Random, state: State, suffix: str, classes: Sequence[str]
) -> RequestGroup:
    trait, aggregate = draw.choice(TRAITS), draw.choice(AGGREGATES)
    kinds = ["required", "forbidden", "member", "banned", "in"]
    kind = draw.choice(kinds) if draw.random() < 0.2 else ""
    return RequestGroup(
        suffix,
        {name: _amount(draw, state, name) for name in classes},
        required=(frozenset({trait}),) if kind == "required" else (),
        forbidden=frozenset({trait} if kind == "forbidden" else ()),
        member_of=(frozenset({aggregate}),) if kind == "member" else (),
        forbidden_aggregates=frozenset({aggregate} if kind == "banned" else ()),
        in_tree=f"h{draw.randint(0, 3)}" if kind == "in" else None,
    )


def _amount(draw: random.Random, state: State, name: str) -> int:
    """Draw an amount at a limit of some inventory of a class."""
    inventory, offer = state.tables.inventory, state.tables.offer
    number = state.resource_classes.find(name)
    rows = np.flatnonzero(inventory["resource_class"] == number).tolist()
    if not rows or draw.random() < 0.8:
        return draw.choice([1, 1, 2, 3])
    row = draw.choice(rows)
    limits = inventory["offer"][row]
    room = int(offer["capacity"][limits] - inventory["used"][row])
    near = draw.choice([room, room, room // 2, int(offer["max_unit"][limits])])
    return min(max(1, near + draw.choice([-1, 0, 0, 1])), 2**31 - 1)
