"""What is to be placed: servers that lost their hosts, and what each of them asks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.compile import compile_requests
from kilonova.cloud.state import State
from kilonova.errors import BadInput, NotFound, NoValidHost
from kilonova.hosts.occupying import needs_occupying
from kilonova.hosts.options import Options
from kilonova.hosts.scheduler import Scheduler
from kilonova.hosts.shape import Shape
from kilonova.plan.failed import Lost
from kilonova.plan.specs import Specs
from kilonova.request.server import ServerSpec

_BESIDE = ("same_host", "different_host")


@dataclass(frozen=True, slots=True)
class Problem:
    """Servers to place, in Nova's order, on what is left of a cloud.

    Attributes
    ----------
    state
        The cloud; it is only read.
    options, seed
        Of the scheduler.
    failed
        Rows of the failed hosts.
    regroup
        As for ``sandbox``.
    servers
        The servers that may go elsewhere, N of them.
    specs
        What each asks; equal ones are the same object.
    own
        Row of each server's consumer, -1 where it holds nothing, (N,) int32.
    alone
        Servers that are placed one by one: with NUMA cells, devices, other servers in
        their hints, or something of a sharing provider, (N,) bool.
    memory_mb
        MiB of each, (N,) int64.
    hinted
        UUIDs of servers that hints of these servers name.
    kinds, kind
        Distinct specs in the order of their first server, and each server's, (N,).
    """

    state: State
    options: Options
    seed: int
    failed: tuple[int, ...]
    regroup: bool
    servers: tuple[Lost, ...]
    specs: tuple[ServerSpec, ...]
    own: NDArray[np.int32]
    alone: NDArray[np.bool_]
    memory_mb: NDArray[np.int64]
    hinted: frozenset[str]
    kinds: tuple[ServerSpec, ...]
    kind: NDArray[np.int64]


def read_problem(
    scheduler: Scheduler,
    specs: Specs,
    lost: Sequence[Lost],
    failed: Sequence[int],
    regroup: bool,
) -> tuple[Problem, dict[str, str]]:
    """Find out what each lost server asks.

    Parameters
    ----------
    scheduler
        With the cloud.
    specs
        What servers ask.
    lost
        Servers on the failed hosts; those that are refused are left out.
    failed, regroup
        As for `Problem`.

    Returns
    -------
    Problem, dict
        And why servers cannot be asked for, by UUID: their records are malformed, or a
        pre-filter knows no host for them.
    """
    state = scheduler.state
    servers, wanted, refused = [], [], {}
    single: dict[int, bool] = {}
    checked: set[int] = set()
    for each in lost:
        if each.refused:
            continue
        try:
            spec = specs.of(each.server, each.source)
            if id(spec) not in single:
                shape = scheduler.shape(spec)
                if id(shape) not in checked:
                    _check(state, shape)
                    checked.add(id(shape))
                single[id(spec)] = _is_single(spec)
        except (BadInput, NotFound, NoValidHost) as error:
            refused[each.server.uuid] = str(error)
            continue
        servers.append(each)
        wanted.append(spec)
    own = np.array([each.own for each in servers], np.int32)
    alone = np.array([single[id(spec)] for spec in wanted], np.bool_)
    alone |= np.isin(own, _sharers(state))
    kinds = {id(spec): spec for spec in wanted}
    numbers = {identity: t for t, identity in enumerate(kinds)}
    memory = [spec.flavor.memory_mb for spec in wanted]
    problem = Problem(
        state=state,
        options=scheduler.options,
        seed=scheduler.seed,
        failed=tuple(failed),
        regroup=regroup,
        servers=tuple(servers),
        specs=tuple(wanted),
        own=own,
        alone=alone,
        memory_mb=np.array(memory, np.int64),
        hinted=frozenset(
            uuid
            for spec in kinds.values()
            for name in _BESIDE
            for uuid in spec.hints.get(name, ())
        ),
        kinds=tuple(kinds.values()),
        kind=np.array([numbers[id(spec)] for spec in wanted], np.int64),
    )
    return problem, refused


def _check(state: State, shape: Shape) -> None:
    """Raise where nothing of the kind can be asked; it would end the whole plan."""
    for request in (shape.request, shape.fallback):
        if request is not None:
            compile_requests(state, [request])


def _is_single(spec: ServerSpec) -> bool:
    return needs_occupying(spec) or any(spec.hints.get(name) for name in _BESIDE)


def _sharers(state: State) -> NDArray[np.int32]:
    """Give the consumers that hold something of a sharing provider."""
    sharing = state.sharing().provider
    table = state.tables.allocation
    live = table["inventory"] >= 0
    providers = state.tables.inventory["provider"][table["inventory"][live]]
    found: NDArray[np.int32] = table["consumer"][live][np.isin(providers, sharing)]
    return found
