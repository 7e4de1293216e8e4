"""A plan of evacuations, judged step by step over plain documents.

Nothing here knows how a plan is made: it is told the cloud, the records and the plan,
and says what is wrong with it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from kilonova.plan.plan import Plan, Step
from kilonova.records.records import Records
from kilonova.records.server import Server

Document = dict[str, Any]


def faults(
    document: Document, records: Records, failed: Sequence[str], plan: Plan
) -> Iterator[str]:
    """Say all that is wrong with a plan, a line each."""
    yield from _missing(records, failed, plan)
    site = Site(document)
    for step in plan.steps:
        if step.target is None:
            continue
        server = records.servers[step.server]
        found = list(_place_faults(site, step, failed))
        found += _room_faults(site, step)
        if not _serves(server, records, site.providers, step):
            found.append(f"takes {step.allocations}, which is not what it asks")
        if server.server_group:
            found += _group_faults(site, server.server_group, step, plan)
        yield from (f"{step.server} to {step.target}: {text}" for text in found)


class Site:
    """A cloud while servers come: what is used, and who of a group is where."""

    def __init__(self, document: Document) -> None:
        self.providers = {p["uuid"]: p for p in document["providers"]}
        self.hosts = {h["nodename"]: h for h in document["hosts"]}
        self.groups = {g["uuid"]: g for g in document["server_groups"]}
        self.used: Counter[tuple[str, str]] = Counter()
        self.members: dict[str, Counter[str]] = defaultdict(Counter)
        names = {p["name"]: p["uuid"] for p in document["providers"]}
        for consumer in document["consumers"]:
            for name, amounts in consumer["allocations"].items():
                for resource_class, amount in amounts.items():
                    self.used[names[name], resource_class] += amount
            if consumer.get("group"):
                self.members[consumer["group"]][consumer["host"]] += 1


def _place_faults(site: Site, step: Step, failed: Sequence[str]) -> Iterator[str]:
    assert step.target is not None
    source, target = site.hosts[step.source], site.hosts[step.target]
    if step.target in failed:
        yield "failed itself"
    if target.get("disabled"):
        yield "disabled"
    if source.get("cell_uuid") != target.get("cell_uuid"):
        yield "another cell"


def _room_faults(site: Site, step: Step) -> Iterator[str]:
    """Take what a server takes; sources keep what they have."""
    for uuid, amounts in step.allocations.items():
        provider = site.providers[uuid]
        if (provider.get("parent") or provider["name"]) != step.target:
            yield f"takes of {provider['name']}"
        for resource_class, amount in amounts.items():
            site.used[uuid, resource_class] += amount
            offer = provider["inventories"].get(resource_class)
            if not offer or site.used[uuid, resource_class] > offer["total"]:
                yield f"no room for {amount} {resource_class}"


def _missing(records: Records, failed: Sequence[str], plan: Plan) -> Iterator[str]:
    lost = {uuid for uuid, s in records.servers.items() if s.node in failed}
    listed = [step.server for step in plan.steps]
    if sorted(listed) != sorted(lost):
        yield f"servers {sorted(lost)}, and steps {sorted(listed)}"
    for step in plan.steps:
        busy = records.servers[step.server].task_state is not None
        if busy != (step.status == "refused"):
            yield f"{step.server}: {step.status}, busy {busy}"
        if (step.target is None) != bool(step.reason):
            yield f"{step.server}: target {step.target}, reason {step.reason!r}"


def _serves(server: Server, records: Records, providers: Document, step: Step) -> bool:
    """Say whether the allocations are what a server asks, with traits, exactly."""
    left = {p: dict(amounts) for p, amounts in step.allocations.items()}
    flavor = server.flavor
    wanted = {
        "VCPU": flavor.vcpus,
        "MEMORY_MB": flavor.memory_mb,
        "DISK_GB": flavor.root_gb,
    }
    root = next(p for p in left if providers[p]["name"] == step.target)
    if left.pop(root) != wanted:
        return False
    asked: list[Document] = []
    for uuid in server.ports:
        request: Any = records.ports[uuid]["resource_request"]
        asked += request.get("request_groups") or [request]
    for chosen in product(left, repeat=len(asked)):
        sums: dict[str, Counter[str]] = {p: Counter() for p in left}
        right = True
        for provider, group in zip(chosen, asked, strict=True):
            sums[provider].update(group["resources"])
            right &= set(group["required"]) <= set(providers[provider]["traits"])
        if right and all(dict(sums[p]) == left[p] for p in left):
            return True
    return False


def _group_faults(site: Site, uuid: str, step: Step, plan: Plan) -> Iterator[str]:
    """Let a server join its group."""
    assert step.target is not None
    group, there = site.groups[uuid], site.members[uuid]
    if group["policy"] == "anti-affinity":
        if there[step.target] >= group["max_server_per_host"]:
            yield f"too many of {uuid}"
    elif group["policy"] == "affinity":
        lost = plan.hosts if plan.regroup else ()
        others = [h for h, count in there.items() if count and h not in lost]
        if others and step.target not in others:
            yield f"away from {uuid}"
    there[step.target] += 1


def best(document: Document, records: Records, failed: Sequence[str]) -> int:
    """Give how many servers any plan can place, by trying all of them.

    For clouds without groups, ports and cells, in which nothing is held elsewhere.
    """
    rooms = [
        (p["inventories"]["VCPU"]["total"], p["inventories"]["MEMORY_MB"]["total"])
        for p in document["providers"]
        if p.get("parent") is None and p["name"] not in failed
    ]
    servers = sorted(
        (s.flavor.vcpus, s.flavor.memory_mb) for s in records.servers.values()
    )
    known: dict[tuple[int, tuple[tuple[int, int], ...]], int] = {}

    def most(n: int, left: tuple[tuple[int, int], ...]) -> int:
        if n == len(servers):
            return 0
        key = (n, tuple(sorted(left)))
        if key not in known:
            vcpus, memory = servers[n]
            found = most(n + 1, key[1])
            for i, (cpu, mib) in enumerate(key[1]):
                if vcpus <= cpu and memory <= mib:
                    rest = [*key[1][:i], (cpu - vcpus, mib - memory), *key[1][i + 1 :]]
                    found = max(found, 1 + most(n + 1, tuple(rest)))
            known[key] = found
        return known[key]

    return most(0, tuple(rooms))
