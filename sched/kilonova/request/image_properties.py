"""Images as Glance's API shows them, with the properties that Nova knows."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

from kilonova.errors import BadServerSpec
from kilonova.request.cpu_spec import parse_cpu_spec
from kilonova.request.image import Image
from kilonova.request.image_schema import (
    ALIASES,
    BOOLEANS,
    CHOICES,
    OLD_NAMES,
    TEXTS,
    WHOLE_NUMBERS,
)
from kilonova.request.settings import check_known, is_true

T = TypeVar("T")

_MOST_CELLS = 128
_VERSION = r"\s*(<=|>=|<|>|!=|==)\s*v?\d[\w.+!-]*\s*"
_VERSIONS = re.compile(f"{_VERSION}(,{_VERSION})*")


def image_from_glance(image: Mapping[str, object]) -> Image:
    """Read an image as Glance shows it.

    Parameters
    ----------
    image
        With ``id``, ``name`` and ``disk_format`` if known. Properties lie under
        ``properties``, or, as in version 2 of Glance's API, beside them.

    Raises
    ------
    BadServerSpec
        If a property has a value that Nova refuses.
    """
    properties = image.get("properties", image)
    if not isinstance(properties, Mapping):
        raise BadServerSpec(
            f"Image: properties must be a mapping, got {properties!r}.", "ValueError"
        )
    disk_format = image.get("disk_format")
    return Image(
        properties=image_properties(properties),
        uuid=str(image.get("id") or ""),
        disk_format=None if disk_format is None else str(disk_format),
        name=str(image.get("name") or ""),
    )


def image_properties(raw: Mapping[str, object]) -> dict[str, object]:
    """Read the properties that Nova knows, each as the type it has; others drop out.

    Raises
    ------
    BadServerSpec
        If a value is not of the type of its property, or none of its choices.

    Notes
    -----
    Same properties as ``ImageMetaProps.from_dict`` in Nova's ``objects/image_meta.py``.
    """
    found: dict[str, object] = {}
    for old, name in OLD_NAMES.items():
        if raw.get(old) is not None:
            found[name] = _value(name, raw[old])
    found.update(_of_vmware(raw))
    for name in BOOLEANS | WHOLE_NUMBERS | TEXTS | CHOICES.keys():
        if raw.get(name) is not None:
            found[name] = _value(name, raw[name])
    cells = {
        "hw_numa_cpus": _by_cell(raw, "hw_numa_cpus", parse_cpu_spec),
        "hw_numa_mem": _by_cell(raw, "hw_numa_mem", _whole_number),
    }
    found.update((name, values) for name, values in cells.items() if values)
    traits = [
        key.removeprefix("trait:")
        for key, value in raw.items()
        if key.startswith("trait:") and str(value) == "required"
    ]
    if traits:
        found["traits_required"] = traits
    return found


def check_properties(where: str, properties: Mapping[str, object]) -> None:
    """Raise BadServerSpec unless each property that Nova knows has a value of its type.

    Parameters
    ----------
    where
        For the error.
    properties
        As ``image_properties`` gives them; names that Nova does not know may have any.
    """
    for name, value in properties.items():
        wanted, is_right = _type_of(name)
        if not is_right(value):
            raise BadServerSpec(
                f"{where}: {name} must be {wanted}, got {value!r:.80}.", "ValueError"
            )


def _type_of(name: str) -> tuple[str, Callable[[object], bool]]:
    """Give what a property is, and what says whether a value is that."""
    if name in BOOLEANS:
        return "true or false", lambda value: isinstance(value, bool)
    if name in WHOLE_NUMBERS:
        return "a whole number", _is_whole
    if name in TEXTS:
        return "a text", lambda value: isinstance(value, str)
    if choices := CHOICES.get(name):
        return f"one of {', '.join(choices)}", lambda value: value in choices
    if name == "hw_numa_mem":
        return "a list of whole numbers", lambda value: _are(value, _is_whole)
    if name == "hw_numa_cpus":
        return "a list of lists of whole numbers", (
            lambda value: _are(value, lambda cell: _are(cell, _is_whole))
        )
    if name == "traits_required":
        return "a list of texts", (
            lambda value: _are(value, lambda trait: isinstance(trait, str))
        )
    return "anything", lambda value: True


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are(values: object, is_one: Callable[[object], bool]) -> bool:
    many = isinstance(values, list | tuple | frozenset)
    return many and all(map(is_one, cast(Iterable[object], values)))


def _value(name: str, value: object) -> object:
    if name in BOOLEANS:
        return is_true(value)
    if name in WHOLE_NUMBERS:
        return _whole_number(name, str(value))
    text = str(value)
    if name in ALIASES:
        text = text.lower()
        text = ALIASES[name].get(text, text)
    if name == "img_hv_requested_version" and not _VERSIONS.fullmatch(text):
        raise BadServerSpec(
            f"Image property {name} must be like '>=2.0,<3', got {text!r}.",
            "ValueError",
        )
    if name in CHOICES:
        check_known(f"Image property {name}", text, CHOICES[name], "ValueError")
    return text


def _of_vmware(raw: Mapping[str, object]) -> dict[str, object]:
    adapter = raw.get("vmware_adaptertype")
    if adapter == "ide":
        return {"hw_disk_bus": "ide"}
    if adapter:
        model = _value("hw_scsi_model", adapter)
        return {"hw_disk_bus": "scsi", "hw_scsi_model": model}
    return {}


def _by_cell(
    raw: Mapping[str, object], name: str, parse: Callable[[str, str], T]
) -> list[T]:
    """Read ``name.0``, ``name.1``, ...; those after a gap count for nothing."""
    found = []
    for number in range(_MOST_CELLS):
        key = f"{name}.{number}"
        if key not in raw:
            break
        found.append(parse(f"Image property {key}", str(raw[key])))
    return found


def _whole_number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadServerSpec(
            f"Image property {name.removeprefix('Image property ')} must be a whole "
            f"number, got {text!r}.",
            "ValueError",
        ) from None
