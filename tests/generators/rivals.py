"""Random clouds with few devices, and groups that may want the same of them."""

import random
from typing import Any

CLASSES = ("VGPU", "FPGA")
TRAITS = ("CUSTOM_A", "CUSTOM_B")


def random_document(draw: random.Random) -> dict[str, Any]:
    """Draw trees of a root with VCPU and VGPU, and devices in part used up.

    h0             VCPU, sometimes VGPU
    +-- h0:d0      VGPU or FPGA or both, traits A, B, both or none
    +-- ...
    """
    providers, consumers = [], []
    for number in range(draw.randint(1, 6)):
        host = f"h{number}"
        offers = {"VCPU": {"total": 4}}
        if draw.random() < 0.2:
            offers["VGPU"] = {"total": 2}
        providers.append(provider(host, None, offers, ()))
        for device in range(draw.randint(1, 4)):
            name = f"{host}:d{device}"
            classes = draw.sample(CLASSES, draw.choice([1, 1, 2]))
            totals = {c: draw.randint(1, 5) for c in classes}
            steps = {c: draw.choice([1, 1, 1, 1, 2]) for c in classes}
            offers = {
                c: {
                    "total": n,
                    "step_size": steps[c],
                    "max_unit": draw.choice([n, n, n + 3, 2]),
                }
                for c, n in totals.items()
            }
            traits = draw.sample(TRAITS, draw.choice([0, 1, 1, 2]))
            providers.append(provider(name, host, offers, traits))
            used = {c: draw.choice([0, 0, 1, n]) for c, n in totals.items()}
            used = {
                c: n
                for c, n in used.items()
                if 0 < n <= offers[c]["max_unit"] and n % steps[c] == 0
            }
            if used:
                consumers.append({name: used})
    return {"providers": providers, "consumers": consumers}


def provider(
    name: str, parent: str | None, offers: dict[str, Any], traits: Any
) -> dict[str, Any]:
    """Make a provider in no aggregate."""
    return {
        "name": name,
        "parent": parent,
        "inventories": offers,
        "traits": list(traits),
        "aggregates": [],
    }


def random_groups(draw: random.Random) -> str:
    """Draw groups over one or two classes, of amounts at the limits of the devices."""
    query = "resources=VCPU:1"
    if draw.random() < 0.3:
        query += f",{draw.choice(CLASSES)}:{draw.randint(1, 3)}"
    for number in range(draw.choice([1, 2, 2, 2, 3, 3, 4])):
        classes = draw.sample(CLASSES, draw.choice([1, 1, 1, 2]))
        amounts = ",".join(f"{c}:{draw.choice([1, 1, 2, 3])}" for c in sorted(classes))
        query += f"&resources_{number}={amounts}"
        if draw.random() < 0.4:
            query += f"&required_{number}={draw.choice(TRAITS)}"
    return f"{query}&group_policy={draw.choice(['none', 'isolate'])}"


def listed(document: dict[str, Any]) -> dict[str, Any]:
    """Give a document in the form that ``Cloud.from_document`` reads."""
    consumers = [
        {"uuid": f"c{n}", "allocations": held}
        for n, held in enumerate(document["consumers"])
    ]
    return {**document, "consumers": consumers}
