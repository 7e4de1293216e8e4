"""PCI devices that a flavor asks for by alias: ``pci_passthrough:alias = a:2,b:1``."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from kilonova.errors import BadOption, BadServerSpec
from kilonova.request.custom_names import resource_class_name, trait_names
from kilonova.request.flavor import Flavor
from kilonova.request.frozen import FrozenMapping
from kilonova.request.group import RequestGroup
from kilonova.request.pci import PciRequest

_KEY = "pci_passthrough:alias"
_ID = re.compile("[0-9a-fA-F]{4}")
_DEVICE_TYPES = ("type-PCI", "type-PF", "type-VF")
_NUMA_POLICIES = ("required", "legacy", "preferred", "socket")
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "true", "on", "y", "yes"), "true"),
    **dict.fromkeys(("0", "f", "false", "off", "n", "no"), "false"),
}


@dataclass(frozen=True, slots=True)
class PciAlias:
    """One alias: its NUMA policy, and descriptions of devices of which any will do."""

    numa_policy: str
    specs: tuple[Mapping[str, str], ...]


def flavor_pci_requests(
    flavor: Flavor,
    aliases: Mapping[str, PciAlias],
    numa_policy: str | None = None,
) -> tuple[PciRequest, ...]:
    """Return the PCI requests of a flavor.

    Parameters
    ----------
    flavor
        With or without the extra spec.
    aliases
        As `parse_aliases` gives them.
    numa_policy
        That of flavor or image; goes before the one of the alias.

    Raises
    ------
    BadServerSpec
        As PciRequestAliasNotDefined for an unknown alias; as ValueError if the extra
        spec is malformed.

    Notes
    -----
    Same requests as ``get_pci_requests_from_flavor`` in Nova's ``pci/request.py``, but
    for their identities: Nova draws them, here equal flavors have equal ones.
    """
    text = flavor.extra_specs.get(_KEY)
    if text is None:
        return ()
    requests = []
    for number, (name, count) in enumerate(_wanted(text)):
        if name not in aliases:
            raise BadServerSpec(
                f"{_KEY} must name aliases of [pci] alias, {sorted(aliases)}, "
                f"got {name!r}.",
                "PciRequestAliasNotDefined",
            )
        requests.append(
            PciRequest(
                count=count,
                spec=aliases[name].specs,
                alias_name=name,
                request_id=f"alias{number}",
                numa_policy=numa_policy or aliases[name].numa_policy,
            )
        )
    return tuple(requests)


def alias_groups(requests: tuple[PciRequest, ...]) -> Iterator[RequestGroup]:
    """Yield a group for each device that an alias asks for.

    Notes
    -----
    Same groups as ``RequestSpec.generate_request_groups_from_pci_requests`` in Nova's
    ``objects/request_spec.py``; those of ports are not asked of Placement.
    """
    for request in requests:
        if request.alias_name is None:
            continue
        spec = request.spec[0]
        name = spec.get("resource_class")
        ids = f"CUSTOM_PCI_{spec.get('vendor_id')}_{spec.get('product_id')}".upper()
        traits = sorted(trait_names(spec.get("traits") or ""))
        for number in range(request.count):
            yield RequestGroup(
                suffix=f"{request.request_id}-{number}",
                resources={resource_class_name(name) if name else ids: 1},
                required=tuple(frozenset([trait]) for trait in traits),
            )


def device_suffixes(
    requests: Iterable[PciRequest], groups: Iterable[RequestGroup]
) -> frozenset[str]:
    """Return the suffixes of the groups that ask Placement for PCI devices."""
    suffixes = [group.suffix for group in groups]
    return frozenset(
        suffix
        for request in requests
        if request.alias_name is not None and request.request_id is not None
        for suffix in suffixes
        if suffix.startswith(f"{request.request_id}-")
    )


@lru_cache(maxsize=8)
def parse_aliases(
    texts: tuple[str, ...], pci_in_placement: bool
) -> Mapping[str, PciAlias]:
    """Read the aliases of ``[pci] alias``; those of one name are alternatives.

    Parameters
    ----------
    texts
        A JSON object each.
    pci_in_placement
        ``[filter_scheduler] pci_in_placement``.

    Raises
    ------
    BadOption
        If one is malformed, two of one name differ in NUMA policy or type, or one says
        too little to find its devices. With PCI devices in Placement an alias has one
        description only.

    Notes
    -----
    Same aliases as ``get_alias_from_config`` in Nova's ``pci/request.py``.
    """
    found: dict[str, PciAlias] = {}
    for text in texts:
        entry = _entry(text)
        name = entry.pop("name").strip()
        policy = entry.pop("numa_policy", None) or "legacy"
        spec = _spec(text, entry)
        known = found.get(name)
        if known is None:
            found[name] = PciAlias(policy, (spec,))
            continue
        _check_alike(text, known, policy, spec)
        found[name] = PciAlias(policy, (*known.specs, spec))
    for name, alias in found.items():
        _check_complete(name, alias, pci_in_placement)
    return found


def _wanted(text: str) -> Iterator[tuple[str, int]]:
    for item in text.split(","):
        name, _, count = item.partition(":")
        try:
            number = int(count)
        except ValueError:
            number = -1
        if number < 0:
            raise BadServerSpec(
                f"{_KEY} must be like 'alias:1,other:2', got {text!r}.", "ValueError"
            )
        yield name.strip(), number


def _entry(text: str) -> dict[str, str]:
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        raise _bad("a JSON object", text)
    for key, value in entry.items():
        check = _CHECKS.get(key)
        if check is None:
            raise _bad(f"an object without {key!r}; known: {sorted(_CHECKS)}", text)
        right, pattern = check
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _bad(f"an object whose {key!r} is {right}", text)
    if "name" not in entry:
        raise _bad("an object with 'name'", text)
    return entry


_HEX = ("four hexadecimal digits", _ID)
_TEXT = ("a text", re.compile(".*", re.DOTALL))
_CHECKS = {
    "name": ("a text of 1 to 256 characters", re.compile(".{1,256}", re.DOTALL)),
    "capability_type": ("'pci'", re.compile("pci")),
    "product_id": _HEX,
    "vendor_id": _HEX,
    "device_type": (f"one of {_DEVICE_TYPES}", re.compile("|".join(_DEVICE_TYPES))),
    "numa_policy": (f"one of {_NUMA_POLICIES}", re.compile("|".join(_NUMA_POLICIES))),
    "resource_class": _TEXT,
    "traits": _TEXT,
    "live_migratable": _TEXT,
}


def _spec(text: str, entry: dict[str, str]) -> FrozenMapping[str, str]:
    device_type = entry.pop("device_type", None)
    if device_type is not None:
        entry["dev_type"] = device_type
    if "live_migratable" in entry:
        value = _BOOLEANS.get(entry["live_migratable"].strip().lower())
        if value is None:
            raise _bad("an object whose 'live_migratable' is true or false", text)
        entry["live_migratable"] = value
    return FrozenMapping(entry)


def _check_alike(
    text: str, known: PciAlias, policy: str, spec: Mapping[str, str]
) -> None:
    if known.numa_policy != policy:
        raise _bad(
            f"of numa_policy {known.numa_policy!r}, as the other of its name", text
        )
    device_type = known.specs[0].get("dev_type")
    if device_type is None or spec.get("dev_type") != device_type:
        raise _bad(f"of device_type {device_type!r}, as the other of its name", text)


def _check_complete(name: str, alias: PciAlias, pci_in_placement: bool) -> None:
    if pci_in_placement and len(alias.specs) > 1:
        raise BadOption(
            f"[pci] alias {name!r} must be there once with [filter_scheduler] "
            f"pci_in_placement, got {len(alias.specs)} of it."
        )
    for spec in alias.specs:
        ids = "vendor_id" in spec and "product_id" in spec
        if not ids and not (pci_in_placement and "resource_class" in spec):
            also = ", or resource_class" if pci_in_placement else ""
            raise BadOption(
                f"[pci] alias {name!r} must have vendor_id and product_id{also}, "
                f"got {spec}."
            )


def _bad(right: str, text: str) -> BadOption:
    return BadOption(f"[pci] alias must be {right}, got {text!r}.")
