"""The query string as parameters: decoding, names, and which microversion has them."""

import re
from urllib.parse import unquote_to_bytes

from kilonova.errors import BadRequest
from kilonova.request.microversion import Microversion

Parameters = dict[str, list[str]]
"""Values of each parameter in the order of the query, by name in order of arrival."""

SUFFIX = re.compile("[a-zA-Z0-9_-]{1,64}")
_NUMBER = re.compile("[1-9][0-9]*")
_GROUP_NAME = re.compile("(resources|required|member_of|in_tree)(.*)", re.DOTALL)

_NUMBERED_SUFFIXES = Microversion(1, 25)
_NAMED_SUFFIXES = Microversion(1, 33)

# The microversion from which each parameter is there.
_SINCE = {
    "resources": Microversion(1, 10),
    "limit": Microversion(1, 16),
    "required": Microversion(1, 17),
    "member_of": Microversion(1, 21),
    "group_policy": Microversion(1, 25),
    "in_tree": Microversion(1, 31),
    "root_required": Microversion(1, 35),
    "same_subtree": Microversion(1, 36),
}


def split_query(query: str) -> Parameters:
    """Decode a query string as Placement's WebOb does.

    Parameters
    ----------
    query
        What follows the question mark, still encoded. Parameters are separated by
        ``&`` or ``;``; a plus sign is a space; a name alone has an empty value.

    Raises
    ------
    BadRequest
        If a name or value is not UTF-8.
    """
    parameters: Parameters = {}
    for pair in re.split("[&;]", query.replace("+", " ")):
        if pair:
            name, _, value = pair.partition("=")
            parameters.setdefault(_decoded(name), []).append(_decoded(value))
    return parameters


def check_names(parameters: Parameters, version: Microversion) -> None:
    """Refuse parameters that the microversion does not have.

    Raises
    ------
    BadRequest
        If a name is unknown, is known only later, or has a malformed suffix.
    """
    for name in parameters:
        prefix, suffix = split_name(name)
        if prefix not in _SINCE:
            known = tuple(sorted(p for p, since in _SINCE.items() if since <= version))
            raise BadRequest(f"No parameter is called {prefix!r}. Known: {known}.")
        if version < _SINCE[prefix]:
            raise BadRequest(
                f"{prefix} needs microversion {_SINCE[prefix]} or later, got {version}."
            )
        if suffix:
            _check_suffix(prefix, suffix, version)


def split_name(name: str) -> tuple[str, str]:
    """Split a parameter into its name and its suffix, empty where it has none."""
    match = _GROUP_NAME.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")


def group_suffixes(parameters: Parameters) -> list[str]:
    """List the suffixes of all groups, in the order in which Placement solves them.

    That is where the first parameter of a group stands in the query, whichever of
    its parameters it is; the group without a suffix has no place of its own.
    """
    found = dict.fromkeys(
        match[2] for match in map(_GROUP_NAME.fullmatch, parameters) if match
    )
    return list(found)


def _decoded(text: str) -> str:
    try:
        # A WSGI server hands raw bytes over as if they were Latin-1.
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeError:
        raise BadRequest(
            f"A query must be UTF-8 and percent-encoded, got {text!r}."
        ) from None


def _check_suffix(prefix: str, suffix: str, version: Microversion) -> None:
    if version < _NUMBERED_SUFFIXES:
        right = f"have no suffix before microversion {_NUMBERED_SUFFIXES}"
    elif version < _NAMED_SUFFIXES:
        if _NUMBER.fullmatch(suffix):
            return
        right = f"end in a number from 1 before microversion {_NAMED_SUFFIXES}"
    else:
        if SUFFIX.fullmatch(suffix):
            return
        right = "end in at most 64 of the characters a-z A-Z 0-9 _ -"
    raise BadRequest(f"{prefix} must {right}, got {prefix + suffix!r}.")
