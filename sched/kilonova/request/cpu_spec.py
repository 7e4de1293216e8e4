"""Sets of CPUs as Nova writes them: ``0-3,^2,6``."""

from kilonova.errors import BadServerSpec

# Far above any machine; without it a slip of the pen would fill the memory.
_MOST_CPUS = 2**20


def parse_cpu_spec(where: str, text: str) -> frozenset[int]:
    """Read a set of CPUs: numbers and ranges, less those after a ``^``.

    Parameters
    ----------
    where
        What the text is, for the error.
    text
        Items between commas; empty items count for nothing.

    Raises
    ------
    BadServerSpec
        If an item is neither a number nor a range.

    Notes
    -----
    Same answer as ``parse_cpu_spec`` in Nova's ``virt/hardware.py``.
    """
    wanted: set[int] = set()
    unwanted: set[int] = set()
    for item in map(str.strip, text.split(",")):
        if item:
            bare = item.removeprefix("^")
            found = _cpus(where, bare, text)
            (wanted if bare == item else unwanted).update(found)
    return frozenset(wanted - unwanted)


def parse_cpu_mask(where: str, text: str, cpus: int) -> frozenset[int]:
    """Read a set of a guest's CPUs; one that begins with ``^`` is less than all.

    Parameters
    ----------
    where, text
        As in `parse_cpu_spec`.
    cpus
        CPUs of the guest.
    """
    if text.strip().startswith("^"):
        text = f"0-{cpus - 1},{text}"
    return parse_cpu_spec(where, text)


def _cpus(where: str, item: str, text: str) -> range:
    first, hyphen, last = item.partition("-")
    try:
        start = int(first)
        end = int(last) if hyphen else start
    except ValueError:
        raise _malformed(where, text) from None
    if start > end or end >= _MOST_CPUS:
        raise _malformed(where, text)
    return range(start, end + 1)


def _malformed(where: str, text: str) -> BadServerSpec:
    return BadServerSpec(f"{where} must be CPUs like '0-3,^2', got {text!r}.")
