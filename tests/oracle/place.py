"""Place requests one after the other, reckoning everything anew for each of them.

Every host with a candidate is weighed by the published policies' own rules; the best
one, of equals that of lowest rank, gives its first candidate. What "first" means is
written down in ``_first``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from kilonova.request.group import Request, RequestGroup
from oracle import openb, openb_cluster
from oracle.candidates import Candidate, anchored_candidates
from oracle.groups import solve
from oracle.openb_fragment import TypicalRequest
from oracle.state import State, from_document


@dataclass(frozen=True)
class Asked(openb_cluster.Request):
    """What a weigher sees of a request; ``allowed`` are traits of which one is needed.

    Models of the machines here are all traits of the root, joined by ``|``.
    """

    allowed: frozenset[str] = frozenset()

    def allows(self, gpu_model: str) -> bool:
        return not self.allowed or bool(self.allowed & set(gpu_model.split("|")))


@dataclass(frozen=True)
class Policy:
    """How a host is weighed.

    Attributes
    ----------
    name
        One of ``openb.POLICIES`` but Random.
    cpu, device
        Resource classes that are weighed.
    typical
        What FGD expects to come.
    """

    name: str
    cpu: str
    device: str
    typical: Sequence[TypicalRequest] = ()


def state_of(document: Mapping[str, Any]) -> State:
    """Make a state of what ``Cloud.to_document`` gives; its rows are in preorder."""
    fields = ("name", "parent", "inventories", "traits", "aggregates")
    return from_document(
        {
            "providers": [{k: p[k] for k in fields} for p in document["providers"]],
            "consumers": list(holdings(document).values()),
        },
        traits=document.get("traits", ()),
        resource_classes=document.get("resource_classes", ()),
    )


def holdings(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give what each consumer of a document holds; one without a UUID by its place."""
    return {
        consumer.get("uuid") or str(place): consumer.get("allocations", consumer)
        for place, consumer in enumerate(document["consumers"])
    }


def claim(state: State, allocations: Mapping[tuple[str, str], int]) -> State:
    """Give the state in which these allocations are in use as well."""
    providers = dict(state.providers)
    for (name, resource_class), amount in allocations.items():
        used = Counter(providers[name].used)
        used[resource_class] += amount
        providers[name] = replace(providers[name], used=used)
    return replace(state, providers=providers)


def machines(
    state: State, held: Mapping[str, Mapping[str, Any]], policy: Policy
) -> dict[str, openb_cluster.Machine]:
    """Give each host as the published policies see it, by its root.

    ``held`` is what every consumer holds. A consumer with one device of less than a
    whole one is a share; with more devices, or a whole one, it counts them.
    """
    found = {}
    for root in state.roots():
        own = [p for p in state.providers.values() if p.root == root]
        kinds = Counter[str]()
        for allocations in held.values():
            amounts = [
                allocations[p.name][policy.device]
                for p in own
                if policy.device in allocations.get(p.name, {})
            ]
            if amounts:
                asked = openb_cluster.Request(0, 0, len(amounts), min(amounts))
                kinds[asked.kind] += 1
        found[root] = openb_cluster.Machine(
            cpu_milli=sum(_free(own, policy.cpu)),
            mem_mib=0,
            gpu_model="|".join(sorted(state.providers[root].traits)),
            devices=_free(own, policy.device),
            kinds=kinds,
        )
    return found


def _free(providers: Sequence[Any], resource_class: str) -> list[int]:
    return [
        p.inventories[resource_class].capacity - p.used.get(resource_class, 0)
        for p in providers
        if resource_class in p.inventories
    ]


def weigh(
    state: State, host: openb_cluster.Machine, asked: Asked, policy: Policy
) -> tuple[int, int | None]:
    """Give the weight of a host, and the device that a share should take, if any.

    The largest host of the cloud is the measure. Under FGD a share that no device of
    the host's own can take, but a shared one, weighs -1.
    """
    with mock.patch.multiple(
        openb,
        CPU_MILLI_MAX=_largest(state, policy.cpu),
        GPU_MILLI_MAX=_largest(state, policy.device),
    ):
        if policy.name != "FGD":
            return openb.WEIGHERS[policy.name](host, asked), None
        if asked.is_share and not openb_cluster.fitting_devices(host, asked):
            return -1, None
        weight, devices = openb.weigh_fgd(host, asked, policy.typical)
        return weight, devices[0] if asked.is_share else None


def _largest(state: State, resource_class: str) -> int:
    totals = Counter[str]()
    for provider in state.providers.values():
        if resource_class in provider.inventories:
            totals[provider.root] += provider.inventories[resource_class].capacity
    return max(1, *totals.values(), 1)


def weights(
    state: State,
    request: Request,
    asked: Asked,
    policy: Policy,
    held: Mapping[str, Mapping[str, Any]],
) -> dict[str, tuple[int, int | None]]:
    """Weigh every host that has a candidate, by its root."""
    hosts = machines(state, held, policy)
    fitting = {c.anchor for c in anchored_candidates(state, request)}
    return {
        root: weigh(state, hosts[root], asked, policy)
        for root in state.roots()
        if root in fitting
    }


def decide(
    state: State,
    request: Request,
    weighed: Mapping[str, tuple[int, int | None]],
    rank: Mapping[str, int],
    device: str,
) -> Candidate | None:
    """Choose the candidate to claim, or None where no host has one.

    Parameters
    ----------
    state, request
        What is asked of what.
    weighed
        From ``weights``.
    rank
        Of equal hosts the lowest is taken.
    device
        Class of the devices, of which FGD prefers one.
    """
    if not weighed:
        return None
    best = min(weighed, key=lambda root: (-weighed[root][0], rank[root]))
    number = weighed[best][1]
    own = [
        p.name
        for p in state.providers.values()
        if p.root == best and device in p.inventories
    ]
    return _first(state, request, best, None if number is None else own[number])


def _first(
    state: State, request: Request, anchor: str, preferred: str | None
) -> Candidate:
    """Give the first candidate of a host.

    A suffixed group has one provider, and so has each class of the unsuffixed group.
    Those with the fewest providers that could serve them alone are looked at first, of
    equals the earlier one. Of a suffixed group's providers ``preferred`` comes first,
    then those with least room for its first class; otherwise, and of equals, the tree
    in its order, then sharing providers. Of two candidates that one is first which has
    the earlier provider where they first differ.
    """
    slots = _slots(state, request, anchor, preferred)
    slots.sort(key=lambda slot: len(slot[2]))

    def places(candidate: Candidate) -> list[int]:
        return [
            options.index(_provider(request, candidate, suffix, name))
            for suffix, name, options in slots
        ]

    found = [c for c in anchored_candidates(state, request) if c.anchor == anchor]
    return min(found, key=places)


_Slot = tuple[str, str, list[str]]


def _slots(
    state: State, request: Request, anchor: str, preferred: str | None
) -> list[_Slot]:
    """Give suffix, class and ordered providers of all that needs a provider."""
    slots = []
    for group in request.groups:
        if group.suffix:
            options = _options(state, group, anchor)
            if group.resources:
                options.sort(
                    key=lambda name: (name != preferred, _room(state, name, group))
                )
            slots.append((group.suffix, "", options))
            continue
        for name in sorted(group.resources):
            alone = replace(group, resources={name: group.resources[name]}, required=())
            slots.append(("", name, _options(state, alone, anchor)))
    return slots


def _options(state: State, group: RequestGroup, anchor: str) -> list[str]:
    """List the providers that could serve a group alone: own ones, then shared ones."""
    serving = {s.providers[0] for s in solve(state, group, [anchor])}
    ordered = sorted(state.providers.values(), key=lambda p: p.root != anchor)
    return [p.name for p in ordered if p.name in serving]


def _room(state: State, name: str, group: RequestGroup) -> int:
    return _free([state.providers[name]], min(group.resources))[0]


def _provider(
    request: Request, candidate: Candidate, suffix: str, resource_class: str
) -> str:
    """Give the provider of a suffixed group, or of a class of the unsuffixed one."""
    if suffix:
        return candidate.mappings[suffix][0]
    rest = Counter(candidate.allocations)
    for group in request.groups:
        if group.suffix:
            for name, amount in group.resources.items():
                rest[candidate.mappings[group.suffix][0], name] -= amount
    (provider,) = [p for (p, name), n in rest.items() if n and name == resource_class]
    return provider
