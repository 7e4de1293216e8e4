"""Draw one step in the life of a cloud: an edit or a claim, at the limits.

A step is drawn for the present state of a twin, so that most steps are accepted and
most of the others are refused by one unit or one name.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from oracle.cloud import TwinCloud
from oracle.cloud_objects import MAX_INT, Provider

NAMES = [*(f"p{number}" for number in range(6)), "allocations"]
UUIDS = [f"0000000{number}-aaaa-bbbb-cccc-0123456789ab" for number in range(5)]
CLASSES = ["VCPU", "DISK_GB", "CUSTOM_A", "CUSTOM_B"]
TRAITS = ["HW_CPU_X86_AVX2", "MISC_SHARES_VIA_AGGREGATE", "CUSTOM_T", "CUSTOM_U"]
AGGREGATES = ["g0", "g1", "g2"]
CONSUMERS = ["k0", "k1", "k2", "k3", f"1{UUIDS[0][1:]}"]

# Where most sequences start: one class is over its capacity, one at its max_unit.
DOCUMENT: dict[str, list[Any]] = {
    "providers": [
        {
            "name": "p0",
            "inventories": {
                "VCPU": {"total": 16, "max_unit": 6},
                "CUSTOM_A": {"total": 4},
            },
        },
        {"name": "p1", "parent": "p0", "inventories": {"CUSTOM_A": {"total": 9}}},
        {"name": "p2", "uuid": UUIDS[0], "traits": ["CUSTOM_T"], "aggregates": ["g0"]},
    ],
    "consumers": [
        {
            "uuid": "k0",
            "generation": 1,
            "allocations": {"p0": {"VCPU": 6}, "p1": {"CUSTOM_A": 5}},
        },
        {"uuid": "k1", "generation": 1, "allocations": {"p1": {"CUSTOM_A": 6}}},
        {"uuid": "k2", "generation": 1, "allocations": {"p0": {"CUSTOM_A": 1}}},
    ],
    "traits": ["CUSTOM_U"],
    "resource_classes": ["CUSTOM_B"],
}


class Step(NamedTuple):
    """A call of a method of ``Cloud``."""

    method: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def of(self, cloud: Any) -> None:
        getattr(cloud, self.method)(*self.arguments, **self.keywords)


def rarely(draw: st.DrawFn, chances: int = 12) -> bool:
    """Draw True once in so many times; smallest examples have False."""
    return draw(st.integers(0, chances - 1)) == chances - 1


@st.composite
def steps(draw: st.DrawFn, twin: TwinCloud) -> Step:
    """Draw any step."""
    kinds = [_claim] * 5 + [_again] * 6 + [_shrink] * 3 + [_add] * 3
    kinds += [_inventories, _inventories, _inventory, _less, _traits, _aggregates]
    kinds += [_release, _move, _move, _remove, _rename, _parent, _parent, _names]
    if len(twin.providers()) < 3:
        kinds = [_add]
    kind: Callable[[st.DrawFn, TwinCloud], Step] = draw(st.sampled_from(kinds))
    return kind(draw, twin)


def provider(draw: st.DrawFn, twin: TwinCloud) -> str:
    """Draw the name or UUID of a provider, rarely of none."""
    if rarely(draw, 20):
        return draw(st.sampled_from([*NAMES, *UUIDS, "nobody"]))
    this = draw(st.sampled_from(twin.providers()))
    return draw(st.sampled_from([this.name, this.uuid or this.name]))


def inventory(draw: st.DrawFn, used: int = 0) -> dict[str, Any]:
    """Draw an inventory, its capacity often at or below what is used of it."""
    total = draw(st.sampled_from([8, 10, 4, max(1, used - 1), max(1, used)]))
    fields: dict[str, Any] = {"total": total}
    for name, values in (
        ("reserved", [0, 1, total, total + 1]),
        ("min_unit", [1, 2, total, 0]),
        ("max_unit", [2, 4, total, MAX_INT, MAX_INT + 1]),
        ("step_size", [1, 2, 3, True]),
        ("allocation_ratio", [1.0, 0.29, 1.5, 16, 3.4e38, 0, -1.0]),
    ):
        if rarely(draw, 6):
            # The last value is not allowed.
            last = len(values) - (0 if rarely(draw, 8) else 1)
            fields[name] = draw(st.sampled_from(values[:last]))
    return fields


def resource_class(draw: st.DrawFn, twin: TwinCloud) -> str:
    """Draw a class that is mostly known."""
    known = [*CLASSES[:2], *sorted(twin.custom_classes)]
    return draw(st.sampled_from(CLASSES if rarely(draw, 20) else known))


def trait_names(draw: st.DrawFn, twin: TwinCloud) -> list[str]:
    """Draw traits, mostly known ones."""
    known = [*TRAITS[:2], *sorted(twin.custom_traits)]
    pool = TRAITS if rarely(draw, 20) else known
    return draw(st.lists(st.sampled_from(pool), unique=True, max_size=2))


def aggregate_names(draw: st.DrawFn) -> list[str]:
    pool = ["", *AGGREGATES] if rarely(draw, 20) else AGGREGATES
    return draw(st.lists(st.sampled_from(pool), unique=True, max_size=2))


def generation(draw: st.DrawFn, twin: TwinCloud, identity: str) -> dict[str, Any]:
    """Draw no generation, the present one, or, rarely, another."""
    this = twin.find(identity)
    if this is None or draw(st.booleans()):
        return {}
    wrong = draw(st.sampled_from([-1, 1])) if rarely(draw, 6) else 0
    return {"generation": this.generation + wrong}


def amount(
    draw: st.DrawFn, twin: TwinCloud, where: Provider, name: str, own: int
) -> int:
    """Draw an amount at, or next to, a limit of an inventory."""
    offer = where.inventories[name]
    room = offer.capacity - twin.used(where, name) + own
    least = max(offer.min_unit, offer.step_size)
    limits = [least, least, room, own or room, offer.min_unit, offer.max_unit]
    found = draw(st.sampled_from(limits)) // offer.step_size * offer.step_size
    if rarely(draw, 4):
        found += draw(st.sampled_from([offer.step_size, 1, -1]))
    return found if found >= 1 or rarely(draw) else least


def _claim(draw: st.DrawFn, twin: TwinCloud) -> Step:
    consumer = draw(st.sampled_from(CONSUMERS))
    before = twin.consumers.get(consumer)
    keywords: dict[str, Any] = {}
    if draw(st.booleans()):
        now = None if before is None else before.generation
        others = [None, 0, 1, 2]
        keywords["consumer_generation"] = draw(
            st.sampled_from(others if rarely(draw, 6) else [now])
        )
    for key in ("project", "user", "consumer_type"):
        if rarely(draw, 4):
            keywords[key] = draw(st.sampled_from(["one", "two"]))
    offers = [(p, name) for p in twin.providers() for name in p.inventories]
    wanted: dict[str, dict[str, int]] = {}
    for _ in range(0 if rarely(draw) else draw(st.integers(1, 3))):
        identity = provider(draw, twin)
        name = resource_class(draw, twin)
        number = 1
        if offers and not rarely(draw, 20):
            where, name = draw(st.sampled_from(offers))
            identity = draw(st.sampled_from([where.name, where.uuid or where.name]))
            own = before.held.get((where, name), 0) if before else 0
            number = amount(draw, twin, where, name, own)
        wanted.setdefault(identity, {})[name] = number
    return Step("claim", (consumer, wanted), keywords)


def _holder(draw: st.DrawFn, twin: TwinCloud) -> str:
    if twin.consumers and not rarely(draw, 20):
        return draw(st.sampled_from(sorted(twin.consumers)))
    return draw(st.sampled_from(CONSUMERS))


def _release(draw: st.DrawFn, twin: TwinCloud) -> Step:
    return Step("release", (_holder(draw, twin),), {})


def _again(draw: st.DrawFn, twin: TwinCloud) -> Step:
    """Draw a claim of what a consumer holds, but for one amount, or of nothing."""
    consumer = _holder(draw, twin)
    held = twin.consumers[consumer].held if consumer in twin.consumers else {}
    wanted: dict[str, dict[str, int]] = {}
    if rarely(draw, 6) or not held:
        return Step("claim", (consumer, wanted), {})
    over = [
        (where, name)
        for where, name in held
        if twin.used(where, name) > where.inventories[name].capacity
    ]
    changed = draw(st.sampled_from(over or list(held)))
    for (where, name), own in held.items():
        number = own
        if (where, name) == changed:
            number = draw(st.sampled_from([own, own + 1, own - 1, own + own]))
        wanted.setdefault(where.name, {})[name] = max(number, 1)
    return Step("claim", (consumer, wanted), {})


def _shrink(draw: st.DrawFn, twin: TwinCloud) -> Step:
    """Draw an inventory that has no more than what is used of it, or less."""
    held = [key for consumer in twin.consumers.values() for key in consumer.held]
    if not held:
        return _claim(draw, twin)
    where, name = draw(st.sampled_from(held))
    used = twin.used(where, name)
    total = draw(st.sampled_from([used, used - 1, used // 2, used + 1]))
    fields: dict[str, Any] = {"total": max(1, total)}
    if rarely(draw, 4):
        fields = {"total": used + 9, "max_unit": max(1, used - 1)}
    return Step("set_inventory", (where.name, name, fields), {})


def _move(draw: st.DrawFn, twin: TwinCloud) -> Step:
    others = CONSUMERS if draw(st.booleans()) else sorted(twin.consumers)
    target = draw(st.sampled_from(others or CONSUMERS))
    return Step("move", (_holder(draw, twin), target), {})


def _add(draw: st.DrawFn, twin: TwinCloud) -> Step:
    taken = {identity for p in twin.providers() for identity in (p.name, p.uuid)}
    free = [name for name in NAMES if name not in taken]
    pool = [*NAMES, *UUIDS, "", "n" * 200, "n" * 201] if rarely(draw) else free
    name = draw(st.sampled_from(pool or NAMES))
    keywords: dict[str, Any] = {
        "traits": trait_names(draw, twin),
        "aggregates": aggregate_names(draw),
        "inventories": {
            resource_class(draw, twin): inventory(draw)
            for _ in range(draw(st.integers(0, 2)))
        },
    }
    if draw(st.booleans()) and twin.roots:
        keywords["parent"] = provider(draw, twin)
    if draw(st.booleans()):
        uuids = [uuid for uuid in UUIDS if uuid not in taken]
        wrong = rarely(draw) or not uuids
        keywords["uuid"] = draw(st.sampled_from([name, *NAMES, ""] if wrong else uuids))
    return Step("add_provider", (name,), keywords)


def _remove(draw: st.DrawFn, twin: TwinCloud) -> Step:
    return Step("remove_provider", (provider(draw, twin),), {})


def _rename(draw: st.DrawFn, twin: TwinCloud) -> Step:
    name = draw(st.sampled_from([*NAMES, *UUIDS[:2], "other"]))
    return Step("rename_provider", (provider(draw, twin), name), {})


def _parent(draw: st.DrawFn, twin: TwinCloud) -> Step:
    parent = None if rarely(draw, 4) else provider(draw, twin)
    keywords = {"may_reparent": False} if rarely(draw, 4) else {}
    return Step("set_parent", (provider(draw, twin), parent), keywords)


def _inventories(draw: st.DrawFn, twin: TwinCloud) -> Step:
    identity = provider(draw, twin)
    this = twin.find(identity)
    wanted: dict[str, Any] = {}
    for name in list(this.inventories if this else ()):
        # Dropped, changed, or as it is.
        how = draw(st.sampled_from(["drop", "change", "keep", "keep"]))
        if this and how == "change":
            wanted[name] = inventory(draw, twin.used(this, name))
        elif this and how == "keep":
            wanted[name] = vars(this.inventories[name])
    if draw(st.booleans()):
        wanted[resource_class(draw, twin)] = inventory(draw)
    keywords = generation(draw, twin, identity)
    return Step("set_inventories", (identity, wanted), keywords)


def _inventory(draw: st.DrawFn, twin: TwinCloud) -> Step:
    identity, name = provider(draw, twin), resource_class(draw, twin)
    this = twin.find(identity)
    fields = inventory(draw, twin.used(this, name) if this else 0)
    keywords = generation(draw, twin, identity)
    return Step("set_inventory", (identity, name, fields), keywords)


def _less(draw: st.DrawFn, twin: TwinCloud) -> Step:
    arguments = provider(draw, twin), resource_class(draw, twin)
    return Step("remove_inventory", arguments, {})


def _traits(draw: st.DrawFn, twin: TwinCloud) -> Step:
    identity = provider(draw, twin)
    keywords = generation(draw, twin, identity)
    return Step("set_traits", (identity, trait_names(draw, twin)), keywords)


def _aggregates(draw: st.DrawFn, twin: TwinCloud) -> Step:
    identity = provider(draw, twin)
    keywords = generation(draw, twin, identity)
    return Step("set_aggregates", (identity, aggregate_names(draw)), keywords)


def _names(draw: st.DrawFn, twin: TwinCloud) -> Step:
    method, names = draw(
        st.sampled_from(
            [
                ("add_resource_class", [*CLASSES, "CUSTOM_a"]),
                ("add_trait", [*TRAITS, "CUSTOM_"]),
                ("remove_resource_class", CLASSES),
                ("remove_trait", TRAITS),
            ]
        )
    )
    return Step(method, (draw(st.sampled_from(names)),), {})
