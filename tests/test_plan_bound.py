"""Bounds hold for whatever order servers are placed in, and mappings are possible.

Each random outage is tried in many orders, spreading and packing; no attempt may place
more than the bound says, however coarse the relaxed problem is made.
"""

from itertools import product
from random import Random

import pytest

from generators.evac_small import EGRESS, small, uuid
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan import bound as bounding
from kilonova.plan import model as modelling
from kilonova.plan.attempt import Attempt
from kilonova.plan.evacuation import evacuate
from kilonova.plan.failed import lost_servers
from kilonova.plan.improve import packing
from kilonova.plan.mapping import mappings_of
from kilonova.plan.problem import Problem, read_problem
from kilonova.plan.sandbox import sandbox
from kilonova.plan.specs import Specs
from kilonova.request.group import RequestGroup
from oracle import evacuation as oracle

COARSE = {
    "whole": {},
    "finer": {"_MOST_WHOLE": 0},
    "shares": {"_MOST_WHOLE": 0, "_MOST_FINER": 0},
    "one class": {"_MOST_WHOLE": 0, "_MOST_FINER": 0, "_MOST_PAIRS": 0},
    "by shape": {"_MOST_WHOLE": 0, "_MOST_FINER": 0, "_MOST_CELLS": 0},
}


@pytest.fixture(params=COARSE)
def coarse(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in COARSE[request.param].items():
        module = modelling if name == "_MOST_CELLS" else bounding
        monkeypatch.setattr(module, name, value)
    found: str = request.param
    return found


def problem_of(seed: int, *, regroup: bool) -> Problem:
    given = small(seed)
    scheduler = Scheduler(Cloud.from_document(given.document))
    state = scheduler.state
    rows = [state.hosts.row(name) for name in given.failed]
    specs = Specs(state, given.records, scheduler.options)
    lost = lost_servers(state, given.records, rows)
    return read_problem(scheduler, specs, lost, rows, regroup)[0]


def bound(problem: Problem) -> bounding.Bound:
    empty = sandbox(problem.state, problem.failed, regroup=problem.regroup)
    model = modelling.model_of(problem, Scheduler(empty, problem.options))
    return bounding.bound_of(model)


def test_no_order_beats_the_bound(coarse: str) -> None:
    reached = 0
    for seed in range(60):
        random = Random(f"orders {seed}")
        problem = problem_of(seed, regroup=random.random() < 0.5)
        most = bound(problem).most
        best = 0
        for options in (problem.options, packing(problem.options)):
            for _ in range(3):
                attempt = Attempt(problem, options)
                order = list(range(len(problem.servers)))
                random.shuffle(order)
                attempt.place(order)
                best = max(best, attempt.score[0])
        assert best <= most, seed
        reached += best == most
    # A bound that is never reached says nothing.
    assert reached > (50 if coarse == "whole" else 30)


def test_plans_without_whole_servers_are_possible_too(coarse: str) -> None:
    for seed in range(40):
        given = small(seed, plain=seed % 2 == 0)
        scheduler = Scheduler(Cloud.from_document(given.document))
        plan = evacuate(scheduler, given.records, given.failed)
        found = list(oracle.faults(given.document, given.records, given.failed, plan))
        assert not found, (seed, found)
        assert plan.greedy <= plan.placed <= plan.bound


@pytest.mark.parametrize("seed", range(40))
def test_groups_are_mapped_where_that_is_possible(seed: int) -> None:
    random = Random(f"mapping {seed}")
    traits = [
        sorted(t for t in ("CUSTOM_A", "CUSTOM_B") if random.random() < 0.6)
        for _ in range(3)
    ]
    providers = [
        {"name": uuid(3, n), "traits": each, "inventories": {EGRESS: {"total": 99}}}
        for n, each in enumerate(traits)
    ]
    known = ["CUSTOM_A", "CUSTOM_B"]
    state = Cloud.from_document({"providers": providers, "traits": known}).state
    groups = [
        RequestGroup(
            f"_{n}",
            {EGRESS: random.randint(1, 2)},
            required=(frozenset({random.choice(known)}),),
        )
        for n in range(3)
    ]
    taken = {uuid(3, n): {EGRESS: random.randint(1, 4)} for n in range(2)}
    found = mappings_of(state, groups, taken)
    possible = [
        chosen
        for chosen in product(taken, repeat=3)
        if serve(chosen, groups, taken, traits)
    ]
    if found is None:
        assert not possible
    else:
        assert tuple(found[f"_{n}"][0] for n in range(3)) in possible


def serve(
    chosen: tuple[str, ...],
    groups: list[RequestGroup],
    taken: dict[str, dict[str, int]],
    traits: list[list[str]],
) -> bool:
    """Say whether providers have the traits and the amounts of their groups."""
    for place, provider in enumerate(taken):
        mine = [g for c, g in zip(chosen, groups, strict=True) if c == provider]
        if sum(group.resources[EGRESS] for group in mine) > taken[provider][EGRESS]:
            return False
        if not all(clause & set(traits[place]) for g in mine for clause in g.required):
            return False
    return True
