"""Extra specs that ask for resources and traits: ``resources1:VGPU``, ``trait:X``.

Device profiles of Cyborg have keys of the same form.
"""

import re
from collections.abc import Mapping

from kilonova.cloud.vocabulary import standard_resource_classes
from kilonova.request.draft import Draft, DraftGroup

_KEY = re.compile(r"(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)$")


def read_extra_specs(draft: Draft, extra_specs: Mapping[str, str]) -> None:
    """Enter what a flavor's extra specs ask for.

    What Nova ignores with a warning is ignored here with a note.

    Notes
    -----
    Same groups as ``ResourceRequest._process_extra_specs`` in Nova's
    ``scheduler/utils.py``.
    """
    for key, value in extra_specs.items():
        if key == "group_policy":
            _read_group_policy(draft, value)
            continue
        match = _KEY.match(key)
        if match:
            group = draft.group(match[2] or "")
            _read(draft, group, key, match, value)


def read_profile_group(
    draft: Draft, group: DraftGroup, entries: Mapping[str, str]
) -> None:
    """Enter what one group of a device profile asks for; suffixes count for nothing."""
    for key, value in entries.items():
        match = _KEY.match(key)
        if match:
            _read(draft, group, key, match, value)


def _read(
    draft: Draft, group: DraftGroup, key: str, match: re.Match[str], value: str
) -> None:
    if match[1] == "resources":
        _add_resource(draft, group, key, match[3], value)
    elif value == "required":
        group.required.add(match[3])
    elif value == "forbidden":
        group.forbidden.add(match[3])
    else:
        draft.note(key, "'required' or 'forbidden'", value)


def _add_resource(
    draft: Draft, group: DraftGroup, key: str, name: str, value: str
) -> None:
    if not name.startswith("CUSTOM_") and name not in standard_resource_classes():
        draft.note(key, "for a standard resource class or CUSTOM_*", name)
        return
    try:
        amount = int(value)
    except ValueError:
        amount = -1
    if amount < 0:
        draft.note(key, "a whole number from 0", value)
        return
    group.resources[name] = amount


def _read_group_policy(draft: Draft, value: str) -> None:
    if value in ("none", "isolate"):
        draft.group_policy = value
    else:
        draft.note("group_policy", "'none' or 'isolate'", value)
