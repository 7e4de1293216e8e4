"""Requests from command line options, in the form of osc-placement.

``openstack allocation candidate list`` takes ``--resource``, ``--required``,
``--forbidden`` and ``--member-of`` again and again; those that follow ``--group``
belong to that group. ``--limit`` and ``--group-policy`` are for all of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kilonova.errors import BadRequest
from kilonova.request.checks import check_request
from kilonova.request.group import Request, RequestGroup
from kilonova.request.parameters import SUFFIX
from kilonova.request.values import is_uuid, parse_amount


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """The options of one group, each as often as it was given.

    Attributes
    ----------
    resource
        ``VCPU=4`` each; of a class given twice the last amount counts.
    required
        A trait each, or several between commas of which one must be there.
    forbidden
        A trait each.
    member_of
        The UUID of an aggregate each, or several between commas, as for required.
    """

    resource: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()


_OPTIONS = ("resource", "required", "forbidden", "member_of")


def split_groups(options: Iterable[tuple[str, str]]) -> dict[str, GroupOptions]:
    """Give each option to its group.

    Parameters
    ----------
    options
        Names without hyphens in front, and values, in the order of the command line:
        ``[("resource", "VCPU=4"), ("group", "1"), ("resource", "VGPU=1")]``.

    Returns
    -------
    dict
        Options by suffix, in order; what came before the first group is under ``""``.

    Raises
    ------
    BadRequest
        If an option is unknown or a group is named twice. osc-placement forgets the
        first of two groups with one name.
    """
    groups: dict[str, GroupOptions] = {}
    suffix = ""
    for option, value in options:
        if option == "group":
            if not value:
                raise BadRequest("--group must have a name, got none.")
            if value in groups:
                raise BadRequest(f"--group must be new each time, got {value!r} again.")
            suffix = value
            groups[suffix] = GroupOptions()
            continue
        field = option.replace("-", "_")
        if field not in _OPTIONS:
            raise BadRequest(f"No option is called --{option}. Known: {_OPTIONS}.")
        group = groups.get(suffix, GroupOptions())
        groups[suffix] = replace(group, **{field: (*getattr(group, field), value)})
    return groups


def request_from_options(
    groups: Mapping[str, GroupOptions],
    group_policy: str = "none",
    limit: int | None = None,
) -> Request:
    """Build the request that osc-placement would send.

    Parameters
    ----------
    groups
        Options by suffix, in the order in which the groups are to be solved.
    group_policy
        ``"none"`` or ``"isolate"``; left out where no group has a suffix.
    limit
        At least 1, or None for all candidates.

    Raises
    ------
    BadRequest
        If an option is malformed, or Placement would refuse the request.
    """
    if group_policy not in ("none", "isolate"):
        raise BadRequest(
            f"--group-policy must be 'none' or 'isolate', got {group_policy!r}."
        )
    if limit is not None and limit < 1:
        raise BadRequest(f"--limit must be at least 1, got {limit}.")
    request = Request(
        groups=tuple(_group(suffix, options) for suffix, options in groups.items()),
        group_policy=group_policy if any(groups) else None,
        limit=limit,
    )
    check_request(request)
    return request


def _group(suffix: str, options: GroupOptions) -> RequestGroup:
    if suffix and not SUFFIX.fullmatch(suffix):
        raise BadRequest(
            "--group must be at most 64 of the characters a-z A-Z 0-9 _ -, "
            f"got {suffix!r}."
        )
    if not options.resource:
        where = f"Group {suffix!r}" if suffix else "The group without a name"
        raise BadRequest(f"{where} must have at least one --resource, got none.")
    return RequestGroup(
        suffix=suffix,
        resources=dict(_resource(text) for text in options.resource),
        required=tuple(_traits("--required", text) for text in options.required),
        forbidden=frozenset[str]().union(*map(_forbidden, options.forbidden)),
        member_of=tuple(_aggregates(text) for text in options.member_of),
    )


def _resource(text: str) -> tuple[str, int]:
    resource_class_name, equals, amount = text.partition("=")
    if not equals or not resource_class_name:
        raise BadRequest(f"--resource must be like 'VCPU=4', got {text!r}.")
    return resource_class_name, parse_amount(
        f"--resource {resource_class_name}", amount
    )


def _traits(option: str, text: str) -> frozenset[str]:
    traits = _items(text)
    if not all(traits) or any(trait.startswith("!") for trait in traits):
        raise BadRequest(f"{option} must be the name of a trait, got {text!r}.")
    return frozenset(traits)


def _forbidden(text: str) -> frozenset[str]:
    if "," in text:
        raise BadRequest(f"--forbidden must be one trait at a time, got {text!r}.")
    return _traits("--forbidden", text)


def _aggregates(text: str) -> frozenset[str]:
    aggregates = _items(text)
    if not all(map(is_uuid, aggregates)):
        raise BadRequest(f"--member-of must be UUIDs between commas, got {text!r}.")
    return frozenset(aggregates)


def _items(text: str) -> Sequence[str]:
    return [item.strip() for item in text.split(",")]
