"""Allocation candidates of hosts whose mappings say which PCI devices are taken."""

from collections.abc import Mapping, Sequence

from kilonova.candidates.enumeration import Enumeration
from kilonova.candidates.marking import Marking, marking_of
from kilonova.cloud.hosts import tree_hosts
from kilonova.cloud.state import State
from kilonova.hosts.options import Options
from kilonova.hosts.shape import Shape
from kilonova.request.pci_alias import device_suffixes
from kilonova.request.server import ServerSpec

Mappings = Mapping[str, Sequence[str]]


def maps_devices(spec: ServerSpec) -> bool:
    """Say whether candidates name the providers of PCI devices that a server asks."""
    requests = spec.pci_requests
    return bool(requests and device_suffixes(requests, spec.groups))


class DeviceCandidates:
    """Candidates of single hosts, in the order in which Placement gives them.

    Parameters
    ----------
    state
        The cloud; its rows stay as they are.
    shape, options
        What is asked; no more candidates of a host are looked at than Nova asks for.

    Attributes
    ----------
    known
        Candidates of the host last looked at: mapping, whether it is of the fallback
        (1) or not (0), and the provider row of each slot.
    """

    def __init__(self, state: State, shape: Shape, options: Options) -> None:
        self._state = state
        self._requests = [
            each for each in (shape.request, shape.fallback) if each is not None
        ]
        self._most = options.scheduler.max_placement_results
        self._tree = tree_hosts(state)[1]
        self.known: list[tuple[Mappings, tuple[int, list[int]]]] = []

    def fits(self, row: int) -> bool:
        """Say whether a host has any candidate."""
        tree = int(self._tree[row])
        return tree >= 0 and any(
            bool(self._marking(i).fits(self._state)[tree])
            for i in range(len(self._requests))
        )

    def of(self, row: int) -> tuple[Mappings, ...]:
        """Give the mappings of a host's candidates that take something of its root."""
        root = int(self._state.hosts.table["provider"][row])
        self.known = []
        for i in range(len(self._requests)):
            marking = self._marking(i)
            if not marking.fits(self._state)[self._tree[row]]:
                continue
            trees = self._tree[row : row + 1]
            some = Enumeration(
                self._state, marking, trees, limit=self._most - len(self.known)
            )
            some.find()
            groups = marking.plans.requests[0].groups
            suffixes = [groups[g].suffix for g in marking.plans.slots[0]]
            for providers in some.provider.tolist():
                if root in providers:
                    mapping = self._mapping(suffixes, providers)
                    self.known.append((mapping, (i, providers)))
            if len(self.known) >= self._most:
                break
        return tuple(mapping for mapping, _ in self.known)

    def found(self, mapping: Mappings) -> tuple[int, list[int]]:
        """Give which candidate of the host last looked at has a mapping."""
        # Two candidates may map alike: filters give back the mappings that they got.
        same = [candidate for each, candidate in self.known if each is mapping]
        alike = [candidate for each, candidate in self.known if each == mapping]
        return (same or alike)[0]

    def _mapping(self, suffixes: list[str], providers: list[int]) -> Mappings:
        found: dict[str, tuple[str, ...]] = {}
        for suffix, row in zip(suffixes, providers, strict=True):
            name = self._state.provider_identity(row)
            known = found.get(suffix, ())
            found[suffix] = known if name in known else (*known, name)
        return found

    def _marking(self, number: int) -> Marking:
        return marking_of(self._state, self._requests[number], True)
