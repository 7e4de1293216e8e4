"""What the commands share that ask a cloud: reading it, and building the request."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput
from kilonova.request.group import Request
from kilonova.request.options import request_from_options, split_groups
from kilonova.request.query import parse_query

_GROUPED = ("resource", "required", "forbidden", "member-of", "group")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question from the command line.

    Attributes
    ----------
    cloud
        JSON document, or folder that ``Cloud.write`` wrote.
    query
        Placement's query string, or None where options say what is asked.
    arguments
        All of the command line: options of groups count in their order.
    group_policy, limit
        For all groups; None where the command line does not say.
    """

    cloud: Path
    query: str | None
    arguments: Sequence[str]
    group_policy: str | None
    limit: int | None

    def request(self) -> Request:
        """Build the request.

        Raises
        ------
        BadInput
            Neither a query nor a resource was given, or both, or one is malformed.
        """
        groups = split_groups(ordered_options(self.arguments))
        if self.query is not None and (groups or self.group_policy):
            raise BadInput("Give a query or --resource and its like, not both.")
        if self.query is not None:
            return parse_query(self.query)
        if not groups:
            raise BadInput("What is asked for? Give a query, or --resource VCPU=4.")
        return request_from_options(groups, self.group_policy or "none", self.limit)


def plain_console() -> Console:
    """Give a console that takes names as they stand: ``[/x]`` and ``:cat:`` too."""
    return Console(markup=False, emoji=False, highlight=False)


def ordered_options(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Give the options of groups with their values, in the order of the command line.

    They were parsed and found well formed before; but a parser gives each option's
    values apart, and ``--group`` is for those that follow it.
    """
    found = []
    waiting = iter(arguments)
    for argument in waiting:
        if not argument.startswith("--"):
            continue
        name, equals, value = argument[2:].partition("=")
        if name in _GROUPED:
            found.append((name, value if equals else next(waiting, "")))
    return found


def read_cloud(path: Path) -> Cloud:
    """Read a cloud from a JSON document or a folder.

    Raises
    ------
    BadInput
        There is none, or it cannot be right.
    """
    if path.is_dir():
        return Cloud.read(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file or folder.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    except RecursionError as error:
        raise BadInput(f"{path} is nested too deeply to be a cloud.") from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict) or "providers" not in document:
        kind = type(document).__name__
        raise BadInput(f"{path} must hold a JSON object with 'providers', got {kind}.")
    return Cloud.from_document(document)
