"""Nova, asked in process, makes of random servers what Kilonova makes of them.

NOVA_CASES=n plays n servers, SEED=n those of that run again. Without Nova, which is an
extra of its own, all of this is skipped.
"""

import json
import logging
import os
import random
from collections import Counter
from functools import partial
from typing import Any

import pytest

pytest.importorskip("nova", reason="nova is an extra of its own (issue 4)")

from generators.servers import ALIASES
from kilonova.bench.peers import nova_requests as nova
from kilonova.errors import BadOption, BadServerSpec
from kilonova.hosts.options import FilterSchedulerSection, Options, PciSection
from kilonova.request.flavor import Flavor
from kilonova.request.image_properties import image_properties
from kilonova.request.image_schema import BOOLEANS, CHOICES, OLD_NAMES, WHOLE_NUMBERS
from kilonova.request.pci_alias import parse_aliases
from peers import nova_contest
from seeds import SEED

CASES = int(os.environ.get("NOVA_CASES") or 300)


@pytest.fixture(autouse=True)
def quiet() -> Any:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_same_as_nova() -> None:
    print(f"SEED={SEED}")
    tally: Counter[str] = Counter()
    faults = [f for n in range(CASES) for f in nova_contest.play(SEED + n, tally)]
    print(*sorted(tally.items()), sep="\n")
    assert not faults, f"{len(faults)} differences, the first:\n{faults[0]}"
    for question in ("numa_cells", "queries", "aliases", "narrowed"):
        # Servers that Nova refuses alone would prove little.
        assert tally[f"{question}: answered"] >= CASES // 5


VALUES = [
    "true",
    "no",
    "1",
    "X86_64",
    "amd64",
    "i486",
    "pv",
    "xapi",
    "Linux",
    ">=1.0,<2",
]


def comparable(properties: dict[str, Any]) -> dict[str, Any]:
    """Return properties whose cells are sets and whose traits have no order."""
    found = dict(properties)
    if "hw_numa_cpus" in found:
        found["hw_numa_cpus"] = list(map(set, found["hw_numa_cpus"]))
    if "traits_required" in found:
        found["traits_required"] = set(found["traits_required"])
    return found


def test_image_properties() -> None:
    rng = random.Random(SEED)
    known = sorted({*BOOLEANS, *WHOLE_NUMBERS, *CHOICES, *OLD_NAMES})
    extra = ["hw_numa_mem.0", "hw_numa_mem.1", "hw_numa_cpus.0", "vmware_adaptertype"]
    answered = 0
    for _ in range(CASES):
        raw: dict[str, Any] = {}
        for name in rng.sample([*known, *extra, "trait:A", "trait:B", "hw_new"], 3):
            choices = [*VALUES, "required", "ide", "0-1", *CHOICES.get(name, ())]
            raw[name] = rng.choice([*choices, *CHOICES.get(name, ())])
        theirs = nova.outcome(partial(nova.properties_of, raw))
        if isinstance(theirs, tuple):
            with pytest.raises(BadServerSpec):
                image_properties(raw)
        else:
            answered += 1
            assert comparable(image_properties(raw)) == comparable(theirs), raw
    assert answered >= CASES // 10


ENTRIES: dict[str, list[Any]] = {
    "name": ["a", "a", "b", " a ", "", 1],
    "vendor_id": ["8086", "8086", "80", "ABCD", "zzzz"],
    "product_id": ["0443"],
    "device_type": ["type-PCI", "type-VF", "type-x"],
    "numa_policy": ["required", "legacy", "no"],
    "resource_class": ["gpu", "CUSTOM_A", "VGPU"],
    "traits": ["a,b"],
    "live_migratable": ["yes", "0", "maybe"],
    "capability_type": ["pci", "x"],
    "color": ["red"],
}


def test_pci_aliases() -> None:
    rng = random.Random(SEED)
    answered = 0
    for _ in range(CASES):
        texts = []
        for _ in range(rng.choice([1, 1, 2])):
            entry = {"name": "a", "vendor_id": "8086", "product_id": "0443"}
            names = rng.sample(sorted(ENTRIES), rng.choice([0, 1, 2]))
            entry |= {name: rng.choice(ENTRIES[name]) for name in names}
            texts.append(json.dumps(entry) if rng.random() < 0.95 else "{")
        in_placement = rng.random() < 0.5
        options = Options(
            filter_scheduler=FilterSchedulerSection(pci_in_placement=in_placement),
            pci=PciSection(alias=tuple(texts)),
        )
        flavor = Flavor(1, 1, extra_specs={"pci_passthrough:alias": "a:1"})
        theirs = nova.outcome(partial(nova.alias_requests, flavor, options, None))
        if theirs == ("raises", "PciInvalidAlias"):
            with pytest.raises(BadOption, match="alias"):
                parse_aliases(tuple(texts), in_placement)
        else:
            answered += isinstance(theirs, list)
            ask = partial(nova_contest.our_aliases, flavor, options, None)
            assert nova_contest.outcome(ask) == theirs, texts
    assert answered >= CASES // 5
    assert parse_aliases(ALIASES, True)
