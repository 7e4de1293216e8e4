"""Memory pages of a guest, and whether its memory is locked."""

import math
import re

from kilonova.errors import BadServerSpec
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image
from kilonova.request.memory_encryption import memory_encryption
from kilonova.request.settings import (
    boolean_property,
    conflict,
    extra_spec,
    is_true,
    text_property,
)

SMALL, LARGE, ANY = -1, -2, -3
"""Page sizes asked for by kind, in place of a number of KiB."""

_KEY = "hw:mem_page_size"
_KINDS = {"small": SMALL, "large": LARGE, "any": ANY}
_SIZE = re.compile(r"([-+]?\d*\.?\d+)([KMGTPEZYRQ]i?)?(b|bit|B)$")
_EXPONENTS = {letter: power for power, letter in enumerate("KMGTPEZYRQ", start=1)}


def page_size(flavor: Flavor, image: Image) -> float | None:
    """Return the page size asked for: KiB, or `SMALL`, `LARGE` or `ANY`.

    A size that is no whole number of KiB is not rounded: whether one was asked for at
    all is decided before Nova rounds it.

    Raises
    ------
    BadServerSpec
        As MemoryPageSizeInvalid for a malformed size; as MemoryPageSizeForbidden if
        the image asks for one that the flavor leaves it no choice of.

    Notes
    -----
    Same answer as ``_get_numa_pagesize_constraint`` in Nova's ``virt/hardware.py``.
    """
    of_flavor = extra_spec(flavor, _KEY)
    of_image = text_property(image, "hw_mem_page_size")
    if not of_flavor:
        if of_image:
            raise _forbidden(of_image, None)
        return None
    size = _size(_KEY, of_flavor)
    if not of_image:
        return size
    if size in (ANY, LARGE):
        return _size("Image property hw_mem_page_size", of_image)
    raise _forbidden(of_image, of_flavor)


def check_locked_memory(flavor: Flavor, image: Image) -> None:
    """Refuse locked memory without a page size, and contradictions about either.

    Raises
    ------
    BadServerSpec
        As FlavorImageLockedMemoryConflict if flavor and image differ; as
        LockMemoryForbidden if no page size is asked for; as in `memory_encryption`.

    Notes
    -----
    Same checks as ``get_locked_memory_constraint`` in Nova's ``virt/hardware.py``,
    which looks at memory encryption only where locking is not asked for.
    """
    text = extra_spec(flavor, "hw:locked_memory")
    of_image = boolean_property(image, "hw_locked_memory")
    locked = of_image if text is None else is_true(text)
    if of_image is not None and locked != of_image:
        error = "FlavorImageLockedMemoryConflict"
        raise conflict("hw:locked_memory", text, of_image, error)
    if not locked:
        memory_encryption(flavor, image)
    elif not extra_spec(flavor, _KEY) and not text_property(image, "hw_mem_page_size"):
        raise BadServerSpec(
            f"hw:locked_memory needs {_KEY}, got none.", "LockMemoryForbidden"
        )


def _size(where: str, text: str) -> float:
    if text in _KINDS:
        return _KINDS[text]
    if text.isdecimal():
        return int(text)
    match = _SIZE.match(text)
    if match is None:
        raise BadServerSpec(
            f"{where} must be 'small', 'large', 'any', a number of KiB or a size like "
            f"'2MB', got {text!r}.",
            "MemoryPageSizeInvalid",
        )
    return math.ceil(_bytes(match)) / 1024


def _bytes(match: re.Match[str]) -> float:
    amount = float(match[1])
    if match[3] != "B":
        amount /= 8
    power: int = _EXPONENTS.get((match[2] or "")[:1], 0)
    return amount * float(1024**power)


def _forbidden(of_image: str, of_flavor: str | None) -> BadServerSpec:
    return BadServerSpec(
        f"Image property hw_mem_page_size needs {_KEY} 'any' or 'large' in the flavor, "
        f"got {of_image!r} against {of_flavor!r}.",
        "MemoryPageSizeForbidden",
    )
