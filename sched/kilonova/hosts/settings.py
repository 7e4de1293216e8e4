"""Options that are lists of ``name=number``."""

from functools import lru_cache


@lru_cache(maxsize=256)
def numbers(setting: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Give name and number of each entry; what is neither is left out.

    Same as ``parse_options`` in Nova's ``scheduler/utils.py``, which logs what it
    leaves out.
    """
    found = []
    for entry in setting:
        name, _, text = entry.partition("=")
        try:
            number = float(text)
        except ValueError:
            continue
        if name:
            found.append((name, number))
    return tuple(found)
