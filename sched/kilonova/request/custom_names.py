"""Names made fit for Placement: resource classes, traits, physical networks."""

import re

from kilonova.cloud.vocabulary import standard_resource_classes, standard_traits

_OTHERS = re.compile("[^0-9A-Za-z]+")


def custom_name(text: str) -> str:
    """Return a custom name; characters that may not be in one become underscores."""
    return f"CUSTOM_{_OTHERS.sub('_', text).upper()}"


def resource_class_name(text: str) -> str:
    """Return a resource class by its name in any case, with or without ``CUSTOM_``."""
    name = text.upper()
    if name.startswith("CUSTOM_") or name in standard_resource_classes():
        return name
    return custom_name(name)


def trait_names(text: str) -> frozenset[str]:
    """Return traits written between commas; spaces around them are part of the name.

    Notes
    -----
    Same names as ``get_traits`` in Nova's ``compute/pci_placement_translator.py``.
    """
    return frozenset(map(_trait_name, text.split(","))) if text else frozenset()


def _trait_name(text: str) -> str:
    if text in standard_traits():
        return text
    name = text.upper()
    return name if name.startswith("CUSTOM_") else custom_name(name)
