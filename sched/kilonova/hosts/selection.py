"""What a selection gives: the hosts, what was claimed there, and alternates."""

from dataclasses import dataclass, field

# Class and amount of each resource, slot by slot; suffix of the group of each slot.
Asked = tuple[tuple[tuple[str, int], ...], ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One host for one server.

    Attributes
    ----------
    host, nodename
        Names of the host and of its node.
    uuid
        UUID of its root provider.
    cell_uuid
        UUID of its cell, None where unknown.
    weight
        What the weighers gave it; 0.0 where it was the only host.
    providers
        Provider of each slot of the request: a suffixed group, or one class of the
        unsuffixed group.
    """

    host: str
    nodename: str
    uuid: str
    cell_uuid: str | None
    weight: float
    providers: tuple[str, ...]
    _asked: Asked = field(repr=False)
    _suffixes: tuple[str, ...] = field(repr=False)

    @property
    def allocations(self) -> dict[str, dict[str, int]]:
        """Amounts by resource class, by provider.

        They are claimed for a host that was chosen; for an alternate they are those of
        its first candidate.
        """
        found: dict[str, dict[str, int]] = {}
        for asked, provider in zip(self._asked, self.providers, strict=True):
            amounts = found.setdefault(provider, {})
            for name, amount in asked:
                amounts[name] = amounts.get(name, 0) + amount
        return found

    @property
    def mappings(self) -> dict[str, tuple[str, ...]]:
        """Providers of each request group, by suffix."""
        found: dict[str, tuple[str, ...]] = {}
        for suffix, provider in zip(self._suffixes, self.providers, strict=True):
            known = found.get(suffix, ())
            found[suffix] = known if provider in known else (*known, provider)
        return found


@dataclass(frozen=True, slots=True)
class Selection:
    """Where servers go.

    Attributes
    ----------
    servers
        UUID of each server, in the order in which they were placed.
    hosts
        The host that each one has, its allocations claimed.
    alternates
        For each server further hosts of the same cell, best first, unclaimed.
    """

    servers: tuple[str, ...]
    hosts: tuple[Chosen, ...]
    alternates: tuple[tuple[Chosen, ...], ...]
