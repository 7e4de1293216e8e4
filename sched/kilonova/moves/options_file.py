"""Options of moves from a nova.conf."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from kilonova.hosts.options_ini import parse_ini
from kilonova.hosts.options_values import from_texts
from kilonova.moves.options import MoveOptions
from kilonova.textfiles import plainly, read_text

# Nova has no options like those of [kilonova]: it asks its services for their version,
# and never lets such servers leave their cell.
_SECTIONS = {
    "allow_resize_to_same_host": "DEFAULT",
    "migrate_max_retries": "DEFAULT",
    "shelved_offload_time": "DEFAULT",
    "skip_hypervisor_version_check_on_lm": "workarounds",
    "compute_version": "kilonova",
    "cross_cell_with_port_resources": "kilonova",
}


def read_move_options(path: str | Path) -> MoveOptions:
    """Read the options of moves; what the file does not say keeps Nova's default.

    Raises
    ------
    BadInput
        The file cannot be read.
    BadOption
        A line is malformed, or a value of the wrong type.
    """
    path = Path(path)
    text = read_text(path, plainly("Options: "))
    given = parse_ini(text, path.name)
    found, defaults = dict[str, Any](), MoveOptions()
    for each in fields(MoveOptions):
        section = _SECTIONS[each.name]
        texts = given.get(section, {}).get(each.name)
        if texts:
            found[each.name] = from_texts(
                section, each.name, getattr(defaults, each.name), texts, many=False
            )
    return MoveOptions(**found)
