"""What the commands share that ask Placement's question of a cloud."""

from collections.abc import Sequence
from dataclasses import dataclass

from kilonova.candidates.cloud import Cloud
from kilonova.cli.given import Question
from kilonova.cli.reading import read_cloud
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
    question
        As it was parsed: cloud, query, group policy, and who asks.
    arguments
        All of the command line: options of groups count in their order.
    limit
        Most candidates, None where the command line does not say.
    """

    question: Question
    arguments: Sequence[str]
    limit: int | None = None

    def cloud(self) -> Cloud:
        """Read the cloud if the caller may list its allocation candidates.

        Raises
        ------
        Forbidden
            He may not.
        BadInput
            There is no cloud, or it cannot be right.
        """
        self.question.authority.require("allocation-candidates-list")
        return read_cloud(self.question.cloud)

    def request(self) -> Request:
        """Build the request.

        Raises
        ------
        BadInput
            Neither a query nor a resource was given, or both, or one is malformed.
        """
        query, group_policy = self.question.query, self.question.group_policy
        groups = split_groups(ordered_options(self.arguments))
        if query is not None and (groups or group_policy):
            raise BadInput("Give a query or --resource and its like, not both.")
        if query is not None:
            return parse_query(query)
        if not groups:
            raise BadInput("What is asked for? Give a query, or --resource VCPU=4.")
        return request_from_options(groups, group_policy or "none", self.limit)


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
