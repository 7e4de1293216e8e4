"""1 000 random sequences of operations go well; wrong code does not go unseen.

``make simulate`` does as many as are wanted.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from kilonova.admin import audit
from kilonova.hosts import clock
from kilonova.moves import (
    context,
    cross_cell,
    cross_cell_confirm,
    cross_cell_revert,
    cross_cell_tasks,
    deletion,
    evacuation,
    live,
    resize,
)
from kilonova.moves.holding import give_back_source
from kilonova.moves.ports import bind_ports
from moves_cloud import SMALL
from simulation import NOTHING, STEPS, Simulation
from simulation_moves import Moves
from simulation_site import Host, Site
from simulation_world import new_server

QUICK = settings(
    max_examples=1000,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Compiled kernels are three times as fast.
TestSimulation = pytest.mark.jit(Simulation.TestCase)
TestSimulation.settings = QUICK


@pytest.mark.parametrize("cell", [1, 2])
def test_a_resized_server_is_deleted_while_its_source_is_down(cell: int) -> None:
    site = Site((Host(), Host(cell=cell)), crosses="with ports")
    moves = Moves(site)
    server = new_server(1, SMALL, None)
    with clock.using(lambda: moves.now):
        moves.boot(server, 1, "a", NOTHING)
        moves.migrate(server, None, None, NOTHING)
        moves.set_up("a", up=False)
        moves.delete(server, NOTHING)
        assert len(moves.books.by_migration) == 1
        moves.check()
        moves.host_returns("a")
        while moves.records.servers:
            moves.delete(server, NOTHING)
            moves.check()
        # Across cells, nobody confirms what has failed.
        assert len(moves.books.by_migration) == (cell == 2)


def _nothing(*values: object, **more: object) -> None:
    """Do nothing of what should be done."""


def _no_homes(state: object, records: object) -> tuple[Any, Any]:
    import numpy as np

    return np.zeros(0, np.int64), np.zeros(0, np.int32)


def _keep_target(context: Any, server: Any, migration: Any) -> bool:
    cloud = context.scheduler.cloud
    target = cloud.allocations(server.uuid)
    given = give_back_source(context, server, migration)
    cloud.claim(server.uuid, target | cloud.allocations(server.uuid))
    return given


def _keep_bindings(context: Any, server: Any, host: str, mappings: object) -> None:
    bind_ports(context, server, host, None)


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        pytest.param(resize, "give_back_source", _nothing, id="source not back"),
        pytest.param(evacuation, "remove_tree", _nothing, id="source not freed"),
        pytest.param(deletion, "delete_accelerators", _nothing, id="accelerators"),
        pytest.param(
            evacuation, "delete_accelerators", _nothing, id="accelerators of the dead"
        ),
        pytest.param(live, "bind_ports", _keep_bindings, id="ports name the source"),
        pytest.param(context.Context, "check", _nothing, id="policy not asked"),
        pytest.param(audit, "migration_homes", _no_homes, id="audit of migrations"),
        pytest.param(evacuation, "join_group", _nothing, id="group not joined"),
        pytest.param(
            cross_cell_revert, "give_back_source", _keep_target, id="target not freed"
        ),
        pytest.param(
            cross_cell, "give_back_source", _nothing, id="source in its cell not back"
        ),
        pytest.param(
            cross_cell_tasks, "activate_bindings", _nothing, id="binding not kept"
        ),
        pytest.param(
            cross_cell_confirm, "delete_bindings", _nothing, id="binding not deleted"
        ),
    ],
)
def test_wrong_code_is_found(
    module: Any,
    name: str,
    wrong: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, wrong)
    once = settings(
        QUICK,
        max_examples=500,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(Simulation, settings=once)
