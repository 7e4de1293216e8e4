"""Neutron ports: their resource request as groups, and what was allocated for them.

A port's ``resource_request`` has one of two forms, by Neutron's extensions::

    {"resources": {class: amount}, "required": [trait]}

    {"request_groups": [{"id": id, "resources": {...}, "required": [...]}],
     "same_subtree": [id]}

The first is one group, with the port's UUID as suffix (extension
``port-resource-request``); the second has a group for each entry, with the entry's
id as suffix (``port-resource-request-groups``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from kilonova.errors import BadInput, BadRequest
from kilonova.request.checks import check_request
from kilonova.request.group import Request, RequestGroup
from kilonova.request.parameters import SUFFIX
from kilonova.request.values import check_amount

_GROUP_KEYS = frozenset({"resources", "required"})
_EXTENDED_KEYS = frozenset({"request_groups", "same_subtree"})


@dataclass(frozen=True, slots=True)
class PortGroups:
    """What one port asks for.

    Attributes
    ----------
    groups
        Its groups, each with a suffix; none if the port asks for nothing.
    same_subtree
        Suffixes of those groups whose providers must lie in one subtree, or empty.
    """

    groups: tuple[RequestGroup, ...] = ()
    same_subtree: frozenset[str] = frozenset()


def port_groups(port: Mapping[str, object]) -> PortGroups:
    """Read the resource request of a port as Neutron's API shows it.

    Amounts of 0 are left out, and so are groups with nothing left in them.

    Parameters
    ----------
    port
        The port, with its ``id``; ``resource_request`` may be absent, null or empty.

    Raises
    ------
    BadRequest
        If the port is malformed, or Placement would refuse any request with it.

    Notes
    -----
    Same groups as ``RequestGroup.from_port_request`` and
    ``from_extended_port_request`` in Nova's ``objects/request_spec.py``. Nova asks
    Neutron for its extensions; here the keys tell the two forms apart.
    """
    asked = port.get("resource_request")
    if asked is None:
        return PortGroups()
    name = f"Port {_suffix('Port', 'id', port.get('id'))}"
    asked = _mapping(name, "resource_request", asked)
    if not asked:
        return PortGroups()
    if not _is_extended(asked):
        _check_keys(name, "resource_request", asked, _GROUP_KEYS)
        suffix = cast(str, port["id"])
        found = [_group(name, "resource_request", suffix, asked)]
    else:
        _check_keys(name, "resource_request", asked, _EXTENDED_KEYS)
        found = _entries(name, asked.get("request_groups"))
    groups = tuple(group for group in found if group.resources or group.required)
    same_subtree = frozenset(_strings(name, "same_subtree", asked.get("same_subtree")))
    _check_same_subtree(name, groups, same_subtree)
    return PortGroups(groups, same_subtree)


def with_ports(request: Request, ports: Iterable[Mapping[str, object]]) -> Request:
    """Add the groups of ports to a request, after its own.

    Without a policy, two or more suffixed groups get the group policy ``none``,
    unless two or more of them are the request's own: whoever wrote those must say.

    Raises
    ------
    BadRequest
        If a port is malformed, its groups clash with others by suffix, or the
        request needs a group policy of its own.

    Notes
    -----
    Same rules as ``_add_request_group`` and ``resources_from_request_spec`` in Nova's
    ``scheduler/utils.py``.
    """
    groups = list(request.groups)
    same_subtree = list(request.same_subtree)
    taken = {group.suffix for group in groups}
    for port in ports:
        of_port = port_groups(port)
        for group in of_port.groups:
            if group.suffix in taken:
                raise BadRequest(
                    f"Port {port.get('id')}: the suffix of a group must be new, "
                    f"got {group.suffix!r} again."
                )
            taken.add(group.suffix)
            groups.append(group)
        if of_port.same_subtree:
            same_subtree.append(of_port.same_subtree)
    merged = replace(request, groups=tuple(groups), same_subtree=tuple(same_subtree))
    if (
        merged.group_policy is None
        and len(merged.suffixes) > 1
        and len(request.suffixes) <= 1
    ):
        merged = replace(merged, group_policy="none")
    check_request(merged)
    return merged


def binding_allocation(
    port: Mapping[str, object], mappings: Mapping[str, Sequence[str]]
) -> str | dict[str, str] | None:
    """Return what Neutron wants under ``allocation`` in a port's binding profile.

    Parameters
    ----------
    port
        The port, as in `port_groups`.
    mappings
        Provider UUIDs by suffix, of the candidate that was claimed.

    Returns
    -------
    str, dict or None
        The UUID of the provider; for a port in the extended form a dictionary of
        them by group id; None for a port that asks for nothing.

    Raises
    ------
    BadRequest
        If the port is malformed.
    BadInput
        If the mappings have not one provider for each group of the port.

    Notes
    -----
    Same answer as ``get_binding_profile_allocation`` in Nova's
    ``network/neutron.py``.
    """
    groups = port_groups(port).groups
    if not groups:
        return None
    providers = {group.suffix: _provider(port, group, mappings) for group in groups}
    if _is_extended(cast(Mapping[str, object], port["resource_request"])):
        return providers
    return providers[groups[0].suffix]


def _is_extended(asked: Mapping[str, object]) -> bool:
    return not _EXTENDED_KEYS.isdisjoint(asked)


def _provider(
    port: Mapping[str, object],
    group: RequestGroup,
    mappings: Mapping[str, Sequence[str]],
) -> str:
    providers = mappings.get(group.suffix, ())
    if len(providers) != 1:
        raise BadInput(
            f"Port {port['id']}: mappings must have one provider for "
            f"{group.suffix!r}, got {list(providers)}."
        )
    return providers[0]


def _entries(name: str, entries: object) -> list[RequestGroup]:
    groups = []
    for number, item in enumerate(_list(name, "request_groups", entries)):
        key = f"request_groups[{number}]"
        entry = _mapping(name, key, item)
        _check_keys(name, key, entry, _GROUP_KEYS | {"id"})
        suffix = _suffix(name, f"{key}.id", entry.get("id"))
        groups.append(_group(name, key, suffix, entry))
    return groups


def _group(
    name: str, key: str, suffix: str, entry: Mapping[str, object]
) -> RequestGroup:
    amounts = _mapping(name, f"{key}.resources", entry.get("resources"))
    resources = {}
    for resource_class_name, amount in amounts.items():
        where = f"{name}: {key}.resources.{resource_class_name}"
        # A bool is an int to Python, but not to JSON.
        if not isinstance(amount, int) or isinstance(amount, bool):
            raise BadRequest(f"{where} must be a whole number, got {amount!r}.")
        if amount:
            check_amount(where, amount)
            resources[resource_class_name] = amount
    traits = _strings(name, f"{key}.required", entry.get("required"))
    return RequestGroup(
        suffix=suffix,
        resources=resources,
        required=tuple(frozenset([trait]) for trait in sorted(set(traits))),
    )


def _check_same_subtree(
    name: str, groups: Iterable[RequestGroup], same_subtree: frozenset[str]
) -> None:
    known = {group.suffix for group in groups}
    if not same_subtree <= known:
        raise BadRequest(
            f"{name}: same_subtree must name groups of the port, {sorted(known)}, "
            f"got {sorted(same_subtree - known)}."
        )
    for group in groups:
        if not group.resources and group.suffix not in same_subtree:
            raise BadRequest(
                f"{name}: group {group.suffix!r} must have resources or be in "
                "same_subtree, got traits only."
            )


def _check_keys(
    name: str, key: str, entry: Mapping[str, object], known: frozenset[str]
) -> None:
    # A key that is not understood may be a condition that would go unheeded.
    unknown = sorted(entry.keys() - known)
    if unknown:
        raise BadRequest(
            f"{name}: {key} must have no keys but {sorted(known)}, got {unknown}."
        )


def _suffix(name: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not SUFFIX.fullmatch(value):
        raise BadRequest(
            f"{name}: {key} must be at most 64 of the characters a-z A-Z 0-9 _ -, "
            f"got {value!r}."
        )
    return value


def _mapping(name: str, key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise BadRequest(f"{name}: {key} must be an object, got {value!r}.")
    return value


def _list(name: str, key: str, value: object) -> Sequence[object]:
    """Return a list; null stands for an empty one, as in Nova."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise BadRequest(f"{name}: {key} must be a list, got {value!r}.")
    return value


def _strings(name: str, key: str, value: object) -> list[str]:
    found = []
    for item in _list(name, key, value):
        if not isinstance(item, str) or not item:
            raise BadRequest(f"{name}: {key} must hold strings, got {item!r}.")
        found.append(item)
    return found
