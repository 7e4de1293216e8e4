"""Options of mediated devices in ``nova.conf``: types, their devices and classes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kilonova.errors import BadOption
from kilonova.hosts.options_ini import Sections, parse_ini
from kilonova.textfiles import plainly, read_text

_CLASS = re.compile(r"(VGPU|CUSTOM_[A-Z0-9_]+)")
_CLASS_LENGTH = 255
_OWN = ("device_addresses", "mdev_class", "max_instances")


@dataclass(frozen=True, slots=True)
class MdevType:
    """What is said of one type.

    Attributes
    ----------
    device_addresses
        Devices that are to have this type; none: all that no type names.
    mdev_class
        Resource class of those devices.
    max_instances
        Most instances over all devices of the host, or None.
    """

    device_addresses: tuple[str, ...] = ()
    mdev_class: str = "VGPU"
    max_instances: int | None = None


@dataclass(frozen=True, slots=True)
class MdevOptions:
    """The options of one host.

    Attributes
    ----------
    enabled_mdev_types
        Names, in the order of the file; one may come twice.
    types
        What is said of each.
    warnings
        What stands in the file without any effect.
    """

    enabled_mdev_types: tuple[str, ...] = ()
    types: Mapping[str, MdevType] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read_mdev_options(path: str | Path) -> MdevOptions:
    """Read the options from a file.

    Raises
    ------
    BadInput
        The file cannot be read.
    BadOption
        As in `mdev_options`.
    """
    path = Path(path)
    text = read_text(path, plainly("Options: "))
    return mdev_options(text, path.name)


def mdev_options(text: str, name: str = "nova.conf") -> MdevOptions:
    """Read the options from the text of a file; both generations of names count.

    ``[devices] enabled_mdev_types`` comes before ``enabled_vgpu_types``, and
    ``[mdev_TYPE] device_addresses`` before that of ``[vgpu_TYPE]``.

    Parameters
    ----------
    text
        The whole file, sections for other things included.
    name
        The file's name, for errors.

    Raises
    ------
    BadOption
        A line is malformed, or a class or number cannot be.

    Notes
    -----
    As ``register_dynamic_opts`` in Nova's ``conf/devices.py`` makes oslo.config read
    them: the old section has addresses alone, and names of sections are in any case.
    """
    sections = parse_ini(text, name)
    devices = sections.get("devices", {})
    names = ("enabled_mdev_types", "enabled_vgpu_types")
    enabled = _listed(_first(devices.get(each) for each in names))
    types = {each: _type(sections, each) for each in enabled}
    return MdevOptions(enabled, types, tuple(_idle(sections, enabled)))


def _type(sections: Sections, name: str) -> MdevType:
    own = sections.get(f"mdev_{name}".lower(), {})
    old = sections.get(f"vgpu_{name}".lower(), {})
    addresses = _first(each.get("device_addresses") for each in (own, old))
    where = f"[mdev_{name}]"
    return MdevType(
        _listed(addresses),
        _class(where, own.get("mdev_class")),
        _number(where, own.get("max_instances")),
    )


def _first(found: Iterable[Sequence[str] | None]) -> str:
    """Give the value of the first name that is in the file: its last one there."""
    return next((values[-1] for values in found if values), "")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",")) if text.strip() else ()


def _class(where: str, given: Sequence[str] | None) -> str:
    if not given:
        return "VGPU"
    if not _CLASS.fullmatch(given[-1]) or len(given[-1]) > _CLASS_LENGTH:
        raise BadOption(
            f"{where} mdev_class must be VGPU or begin with CUSTOM_, in capitals, "
            f"got {given[-1]!r}."
        )
    return given[-1]


def _number(where: str, given: Sequence[str] | None) -> int | None:
    if not given or given[-1] == "":
        return None
    try:
        number = int(given[-1])
    except ValueError:
        number = 0
    if number < 1:
        raise BadOption(
            f"{where} max_instances must be a whole number from 1, got {given[-1]!r}."
        )
    return number


def _idle(sections: Sections, enabled: Sequence[str]) -> Iterator[str]:
    """Say which sections are without effect; Nova passes over them."""
    known = {each.lower() for each in enabled}
    for section, entries in sections.items():
        generation, _, name = section.partition("_")
        if generation not in ("mdev", "vgpu") or not name:
            continue
        if name not in known:
            yield f"[{section}] has no effect: enabled_mdev_types has no {name!r}."
            continue
        for option in sorted(set(entries) - set(_OWN)):
            yield f"[{section}] {option} has no effect; known: {', '.join(_OWN)}."
        for option in _OWN[1:] if generation == "vgpu" else ():
            if option in entries:
                yield f"[{section}] {option} has no effect: it goes to [mdev_{name}]."
