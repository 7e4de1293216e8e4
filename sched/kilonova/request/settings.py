"""What a flavor's extra specs and an image's properties say, each or together.

The same setting is ``hw:cpu_policy`` in a flavor and ``hw_cpu_policy`` in an image.
"""

from collections.abc import Collection

from kilonova.errors import BadServerSpec
from kilonova.request.flavor import Flavor
from kilonova.request.image import Image

_TRUE = frozenset(["1", "t", "true", "on", "y", "yes"])


def extra_spec(flavor: Flavor, key: str) -> str | None:
    """Return what the flavor says, or None."""
    return flavor.extra_specs.get(key)


def text_property(image: Image, name: str) -> str | None:
    """Return a text of the image, or None."""
    value = image.properties.get(name)
    return None if value is None else str(value)


def boolean_property(image: Image, name: str) -> bool | None:
    """Return what the image says, or None; texts are read as in extra specs."""
    value = image.properties.get(name)
    return None if value is None else is_true(value)


def is_true(value: object) -> bool:
    """Read a text as true or false; what is neither is false, as in Nova."""
    return str(value).strip().lower() in _TRUE


def agreed_text(
    flavor: Flavor, image: Image, name: str, prefix: str = "hw"
) -> str | None:
    """Return a setting that flavor and image may both have, if it is the same.

    Raises
    ------
    BadServerSpec
        As FlavorImageConflict, if they differ.

    Notes
    -----
    Same answer as ``_get_unique_flavor_image_meta`` in Nova's ``virt/hardware.py``.
    """
    of_flavor = extra_spec(flavor, f"{prefix}:{name}")
    of_image = text_property(image, f"{prefix}_{name}")
    if of_flavor and of_image and of_flavor != of_image:
        raise conflict(f"{prefix}:{name}", of_flavor, of_image)
    return of_flavor or of_image


def agreed_boolean(flavor: Flavor, image: Image, name: str) -> bool:
    """Return whether flavor or image asks for something that neither denies.

    Raises
    ------
    BadServerSpec
        As FlavorImageConflict, if one asks for it and the other denies it.
    """
    text = extra_spec(flavor, f"hw:{name}")
    of_flavor = None if text is None else is_true(text)
    of_image = boolean_property(image, f"hw_{name}")
    if of_flavor is not None and of_image is not None and of_flavor != of_image:
        raise conflict(f"hw:{name}", text, of_image)
    return bool(of_flavor or of_image)


def check_known(
    where: str, value: str, known: Collection[str], nova: str = "Invalid"
) -> None:
    """Refuse a value that Nova does not know.

    Raises
    ------
    BadServerSpec
        If it is none of ``known``; the message begins with ``where``.
    """
    if value not in known:
        raise BadServerSpec(
            f"{where} must be one of {tuple(known)}, got {value!r}.", nova
        )


def conflict(
    key: str,
    of_flavor: object,
    of_image: object,
    nova: str = "FlavorImageConflict",
) -> BadServerSpec:
    """Return the error for a flavor and an image that contradict each other."""
    return BadServerSpec(
        f"Flavor and image must agree on {key}, got {of_flavor!r} in the flavor and "
        f"{of_image!r} in the image ({key.replace(':', '_', 1)}).",
        nova,
    )
