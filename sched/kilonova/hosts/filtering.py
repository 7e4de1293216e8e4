"""Filter hosts, one filter after the other, and remember what each one removed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from kilonova.cloud.host import Host
from kilonova.hosts.filters.hints import is_rebuild
from kilonova.hosts.filters.register import Filter, enabled
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


class Step(NamedTuple):
    """What one filter did.

    Attributes
    ----------
    filter
        Its name.
    before, after
        Hosts that came to it, and that passed.
    removed
        The hosts that did not, in their order.
    """

    filter: str
    before: int
    after: int
    removed: tuple[Host, ...]


class Filtered(NamedTuple):
    """What is left of a list of hosts.

    Attributes
    ----------
    hosts
        Those that passed all filters, in their order, each with the allocation
        candidates that filters left it.
    steps
        One for each filter that ran; none runs once no host is left.
    """

    hosts: tuple[Host, ...]
    steps: tuple[Step, ...]


def run(
    hosts: Sequence[Host],
    spec: ServerSpec,
    options: Options,
    *,
    filters: Sequence[Filter] | None = None,
    index: int = 0,
) -> Filtered:
    """Filter hosts.

    Parameters
    ----------
    hosts
        Hosts in any order; they are left as they are.
    spec
        What the server asks for.
    options
        Which filters are enabled, and what they compare with.
    filters
        Filters in their order; None: those of ``enabled_filters``.
    index
        Place of the server in a multi-create: filters that run once do so for 0 only.

    Raises
    ------
    UnknownFilter
        An enabled filter is not there, or not available.

    Notes
    -----
    ``get_filtered_objects`` in Nova's ``filters.py``.
    """
    left = list(hosts)
    steps = []
    for each in enabled(options) if filters is None else filters:
        if each.once and index > 0:
            continue
        if is_rebuild(spec) and not each.on_rebuild:
            steps.append(Step(each.name, len(left), len(left), ()))
            continue
        passed, removed = _run_one(each, left, spec, options)
        steps.append(Step(each.name, len(left), len(passed), tuple(removed)))
        left = passed
        if not left:
            break
    return Filtered(tuple(left), tuple(steps))


def _run_one(
    each: Filter, hosts: list[Host], spec: ServerSpec, options: Options
) -> tuple[list[Host], list[Host]]:
    if each.asks(spec, options) is None:
        return hosts, []
    passed: list[Host] = []
    removed: list[Host] = []
    for host in hosts:
        if each.narrow is None:
            (passed if each.passes(host, spec, options) else removed).append(host)
            continue
        kept = each.narrow(host, spec, options)
        if kept is None:
            removed.append(host)
        else:
            same = len(kept) == len(host.candidates)
            passed.append(host if same else replace(host, candidates=kept))
    return passed, removed
