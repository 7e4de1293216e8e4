"""What hosts report that is no number: hashable inside, JSON outside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kilonova.cloud.host import HostCell, PagePool
from kilonova.errors import BadInput

# What a host says of itself, apart from amounts and from what no other host says.
FACTS = (
    "hypervisor_type",
    "hypervisor_version",
    "cpu_info",
    "supported_instances",
    "stats",
    "disabled_reason",
    "forced_down",
    "image_uuids",
)
# What is another thing for each host.
OWN = ("host_ip", "hypervisor_hostname", "metrics", "image_properties")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a host says of itself, as canonical JSON, so that equal hosts share it."""

    text: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Facts":
        """Keep those of ``FACTS`` that are given."""
        known = {key: given[key] for key in FACTS if given.get(key) is not None}
        return cls(json.dumps(known, sort_keys=True, default=_listed))

    def values(self) -> dict[str, Any]:
        """Give them as a host has them."""
        found: dict[str, Any] = json.loads(self.text)
        if "image_uuids" in found:
            found["image_uuids"] = frozenset(found["image_uuids"])
        return found


def _listed(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise BadInput(f"A host's facts must be JSON values, got {value!r:.80}.")


@dataclass(frozen=True, slots=True)
class Pools:
    """PCI pools of a host, as canonical JSON."""

    text: str
    # Read once: filters and weighers look at the pools of one host many times.
    _values: tuple[Mapping[str, Any], ...] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, given: Any) -> "Pools":
        """Keep pools in their order."""
        return cls(json.dumps([dict(pool) for pool in given], sort_keys=True))

    def values(self) -> tuple[Mapping[str, Any], ...]:
        """Give them as a host has them; not to be changed."""
        if self._values is None:
            object.__setattr__(self, "_values", tuple(json.loads(self.text)))
        return self._values or ()


def cells_of(where: str, given: Any) -> tuple[HostCell, ...]:
    """Read the NUMA cells of a host from JSON.

    Raises
    ------
    BadInput
        A cell is not an object with the fields of ``HostCell``.
    """
    if not isinstance(given, list | tuple):
        raise BadInput(f"{where}: numa_cells must be a list, got {given!r:.80}.")
    return tuple(
        cell if isinstance(cell, HostCell) else _cell(f"{where}: numa_cells[{i}]", cell)
        for i, cell in enumerate(given)
    )


def _cell(where: str, given: Any) -> HostCell:
    made = dict(_known(where, given, HostCell))
    for key in ("cpuset", "pcpuset", "pinned_cpus", "physnets"):
        made[key] = frozenset(made.get(key, ()))
    made["siblings"] = tuple(frozenset(each) for each in made.get("siblings", ()))
    made["pages"] = tuple(
        PagePool(**_known(f"{where}: pages[{i}]", pool, PagePool))
        for i, pool in enumerate(made.get("pages", ()))
    )
    return HostCell(**made)


def _known(where: str, given: Any, kind: type[Any]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise BadInput(f"{where} must be an object, got {given!r:.80}.")
    names = [field.name for field in fields(kind)]
    if unknown := sorted(set(given) - set(names)):
        raise BadInput(f"{where}: unknown key {unknown[0]!r}, known: {names}.")
    return given


def cell_document(cell: HostCell) -> dict[str, Any]:
    """Give the JSON of one NUMA cell, without what is as it would be anyway."""
    found: dict[str, Any] = {"number": cell.number}
    default = HostCell(0)
    for each in fields(HostCell):
        value = getattr(cell, each.name)
        if each.name == "number" or value == getattr(default, each.name):
            continue
        if each.name == "pages":
            value = [
                {f.name: getattr(pool, f.name) for f in fields(PagePool)}
                for pool in value
            ]
        elif each.name == "siblings":
            value = [sorted(core) for core in value]
        elif isinstance(value, frozenset):
            value = sorted(value)
        found[each.name] = value
    return found
