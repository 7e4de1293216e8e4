"""Plan the evacuation of all servers of failed hosts; nothing is written.

``greedy`` is what Nova would do: host after host, server after server, each through the
scheduler. A better plan is looked for only where that leaves servers without a host.
"""

from collections.abc import Sequence
from functools import cache

from kilonova.candidates.cloud import Cloud
from kilonova.cloud.copies import copied
from kilonova.hosts import clock
from kilonova.hosts.scheduler import Scheduler
from kilonova.plan.attempt import Attempt, Progress
from kilonova.plan.bound import bound_of
from kilonova.plan.failed import Lost, hosts_of, lost_servers
from kilonova.plan.holdings import holdings_of, in_names
from kilonova.plan.improve import improved
from kilonova.plan.model import model_of
from kilonova.plan.plan import REFUSED, UNPLACED, Plan, Step
from kilonova.plan.problem import Problem, read_problem
from kilonova.plan.reasons import why_unplaced
from kilonova.plan.sandbox import sandbox
from kilonova.plan.specs import Specs
from kilonova.records.records import Records


def evacuate(
    scheduler: Scheduler,
    records: Records,
    hosts: Sequence[str],
    *,
    improve: bool = True,
    regroup: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Plan where the servers of failed hosts go.

    Parameters
    ----------
    scheduler
        With the cloud, which is only read, and its options and seed.
    records
        Servers and their ports.
    hosts
        Failed hosts, by node or compute service; `hosts_of` lists those of a host
        aggregate or a cell. No server goes to one of them, whatever their state.
    improve
        Whether to look for a better plan where Nova's order leaves servers over, and
        for a bound that says how far from the best the plan may be. Made most of are
        the servers that have a host, then the memory of these.
    regroup
        Whether an affinity group that lost all its hosts may gather on another one.
        Nova's scheduler knows only the lost hosts, and refuses.
    progress
        Is told how many servers were looked at since it was told last.

    Raises
    ------
    UnknownHost
        There is no such host.
    SearchTooLong
        Whether a host has a candidate could not be found out in time.
    """
    # Whatever comes after it, the plan is one for the cloud as it is now.
    cloud = Cloud()
    cloud.state = state = copied(scheduler.state)
    planner = Scheduler(cloud, scheduler.options, seed=scheduler.seed)
    names = hosts_of(state, hosts)
    rows = [state.hosts.row(name) for name in names]
    lost = lost_servers(state, records, rows)
    specs = Specs(state, records, planner.options)
    problem, malformed = read_problem(planner, specs, lost, rows, regroup)
    greedy = Attempt(problem)
    greedy.place(range(len(problem.servers)), progress)
    best, most, exact = greedy, greedy.score[0], True
    if improve and most < len(problem.servers):
        best, most, exact = _improved(problem, greedy, progress)
    return Plan(
        hosts=tuple(names),
        steps=_steps(problem, best, lost, malformed),
        regroup=regroup,
        method="greedy" if best is greedy else "improved",
        greedy=greedy.score[0],
        bound=most if improve else len(problem.servers),
        bound_exact=exact and improve,
        created_at=clock.now(),
    )


def _improved(
    problem: Problem, greedy: Attempt, progress: Progress | None
) -> tuple[Attempt, int, bool]:
    """Look for a better attempt; give it, and the bound."""
    empty: Cloud = sandbox(problem.state, problem.failed, regroup=problem.regroup)
    model = model_of(problem, Scheduler(empty, problem.options, seed=problem.seed))
    best, bound = improved(problem, greedy, model, bound_of(model), progress)
    # The scheduler's word counts, should the relaxed problem ever say less.
    return best, max(bound.most, best.score[0]), bound.exact


def _steps(
    problem: Problem, best: Attempt, lost: Sequence[Lost], malformed: dict[str, str]
) -> list[Step]:
    """Say in names what became of all servers: those with a host, and the others."""
    state = problem.state
    generation = state.tables.consumer["generation"]
    found, others = [], []
    held, taken = in_names(state, [holdings_of(state, problem.own), best.holdings()])
    reasons = why_unplaced(best)
    host, name = best.host.tolist(), cache(state.hosts.names.__getitem__)
    for n, each in enumerate(problem.servers):
        step = Step(each.server.uuid, name(each.source))
        if n in held:
            step.generation = int(generation[problem.own[n]])
            step.held = held[n]
        if host[n] >= 0:
            step.target = name(host[n])
            step.allocations = taken.get(n, {})
            found.append(step)
        else:
            step.status, step.reason = UNPLACED, reasons[n]
            others.append(step)
    for each in lost:
        reason = each.refused or malformed.get(each.server.uuid)
        if reason:
            uuid, source = each.server.uuid, name(each.source)
            others.append(Step(uuid, source, status=REFUSED, reason=reason))
    return found + others
