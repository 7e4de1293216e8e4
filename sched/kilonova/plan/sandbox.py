"""A copy of a cloud whose failed hosts are gone: where a plan is tried.

What servers hold on failed hosts stays held. A server that goes elsewhere has a second
consumer for what it takes there, as Nova doubles its allocations until the source
comes back.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kilonova.candidates.cloud import Cloud
from kilonova.cloud import claims
from kilonova.cloud.copies import copied
from kilonova.cloud.servers import note_host
from kilonova.cloud.state import State


def sandbox(state: State, failed: Sequence[int], *, regroup: bool) -> Cloud:
    """Copy a cloud, and take its failed hosts out.

    Parameters
    ----------
    state
        The cloud; it is only read.
    failed
        Rows of the failed hosts.
    regroup
        Whether members of server groups on failed hosts do not count any more: then an
        affinity group that lost all its hosts may gather on another one.
    """
    cloud = Cloud()
    cloud.state = twin = copied(state)
    rows = np.array(failed, np.int64)
    if regroup:
        table = twin.tables.consumer
        table["group"][np.isin(table["host"], rows)] = -1
        twin.groups.recount()
    twin.hosts.table["provider"][rows] = -1
    twin.hosts.changed()
    return cloud


def still_building(state: State, rows: NDArray[np.int32]) -> None:
    """Count servers as I/O operations of their hosts again.

    ``Scheduler.play`` leaves servers active; here they are all started together.
    """
    table, hosts = state.tables.consumer, state.hosts.table
    there = rows[(table["host"][rows] >= 0) & (table["building"][rows] == 0)]
    table["building"][there] = 1
    np.add.at(hosts["num_io_ops"], table["host"][there], 1)
    for host in np.unique(table["host"][there]).tolist():
        note_host(state, host)


def undouble(state: State, row: int, source: int) -> None:
    """Give back what a server would hold twice of one provider.

    Parameters
    ----------
    state
        The copy.
    row, source
        Rows of its second consumer, and of its own.

    Notes
    -----
    As ``_move_operation_alloc_request`` in Nova's ``scheduler/client/report.py``: of a
    provider that the server has something of, nothing is added.
    """
    providers = state.tables.inventory["provider"]
    held = {int(providers[at]) for at, _ in claims.holdings(state, source)}
    kept = [
        (at, amount)
        for at, amount in claims.holdings(state, row)
        if int(providers[at]) not in held
    ]
    if len(kept) < len(claims.holdings(state, row)):
        refused = claims.claim_rows(
            state,
            row,
            np.array([at for at, _ in kept], np.int32),
            np.array([amount for _, amount in kept], np.int64),
        )
        assert refused is None, "less than before always fits"
