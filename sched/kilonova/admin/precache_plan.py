"""Which hosts are asked to fetch images ahead: those of an aggregate, by cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kilonova.cloud.cloud import BaseCloud
from kilonova.cloud.hosts import Hosts, are_up
from kilonova.errors import BadInput, BadOption, Refused, UnknownAggregate
from kilonova.hosts import clock
from kilonova.hosts.options_ini import parse_ini
from kilonova.textfiles import plainly, read_text


@dataclass(frozen=True, slots=True)
class CellHosts:
    """Hosts of one cell, by the names of their compute services.

    Attributes
    ----------
    cell_uuid
        The cell, None for hosts that are in none.
    hosts
        In the order of the cloud.
    down
        Those of them whose service is down: nothing is asked of these.
    """

    cell_uuid: str | None
    hosts: tuple[str, ...]
    down: frozenset[str]


@dataclass(frozen=True, slots=True)
class PrecachePlan:
    """What would be asked of whom.

    Attributes
    ----------
    aggregate
        UUID of the host aggregate.
    images
        UUIDs, in their order.
    cells
        In the order in which their first hosts come.
    """

    aggregate: str
    images: tuple[str, ...]
    cells: tuple[CellHosts, ...]

    @property
    def host_count(self) -> int:
        """How many hosts there are, those that are down included."""
        return sum(len(cell.hosts) for cell in self.cells)


def plan_precache(
    cloud: BaseCloud,
    aggregate: str,
    images: Sequence[str],
    service_down_time: float = 60,
) -> PrecachePlan:
    """Find the hosts that are to fetch images ahead.

    Parameters
    ----------
    cloud
        With its host aggregates.
    aggregate
        UUID or name of one; a name must be that of one alone.
    images
        UUIDs, each once.
    service_down_time
        Seconds without a heartbeat after which a service is down. A service that is
        disabled is not down.

    Raises
    ------
    Refused
        Status 400: no image, one that is no UUID, or one that comes twice.
    UnknownAggregate
        Status 404.

    Notes
    -----
    As ``AggregateController.images`` in Nova's API and ``cache_images`` in its
    conductor: hosts of a service with several nodes count once.
    """
    _check_images(images)
    cells: dict[str | None, dict[str, None]] = {}
    down = set()
    with cloud.state.lock:
        number = _aggregate(cloud, aggregate)
        hosts = cloud.state.hosts
        rows = _rows(hosts, number)
        services = hosts.table["service"][rows].tolist()
        up = are_up(hosts, rows, clock.now(), service_down_time).tolist()
        for cell, service, is_up in zip(
            hosts.table["cell"][rows].tolist(), services, up, strict=True
        ):
            listed = cells.setdefault(hosts.cells[cell] if cell >= 0 else None, {})
            host = hosts.services[service]
            if host in listed:
                continue
            listed[host] = None
            if not is_up:
                down.add(host)
        uuid = hosts.aggregates[number].uuid
    found = [
        CellHosts(cell, tuple(hosts), frozenset(down.intersection(hosts)))
        for cell, hosts in cells.items()
    ]
    return PrecachePlan(uuid, tuple(images), tuple(found))


def read_precache_concurrency(path: str | Path) -> int:
    """Read ``[image_cache] precache_concurrency`` from a nova.conf; 1 unless given.

    Raises
    ------
    BadInput
        The file cannot be read.
    BadOption
        A line is malformed, or the value is no whole number from 1.
    """
    path = Path(path)
    text = read_text(path, plainly("Options: "))
    section = parse_ini(text, path.name).get("image_cache", {})
    value = section.get("precache_concurrency", ["1"])[-1]
    if not (value.isascii() and value.isdigit() and int(value) >= 1):
        raise BadOption(
            "[image_cache] precache_concurrency must be a whole number from 1, "
            f"got {value!r}."
        )
    return int(value)


def _check_images(images: Sequence[str]) -> None:
    where = "Invalid input for field/attribute"
    if not images:
        raise _invalid(f"{where} cache. Value: []. [] should be non-empty")
    for image in images:
        if not _is_uuid(image):
            raise _invalid(f"{where} id. Value: {image}. {image!r} is not a 'uuid'")
    if len(set(images)) != len(images):
        raise Refused("Duplicate images in request", 400, "HTTPBadRequest")


def _invalid(message: str) -> Refused:
    return Refused(message, 400, "ValidationError")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


def _aggregate(cloud: BaseCloud, identity: str) -> int:
    aggregates = cloud.state.hosts.aggregates
    found = [i for i, each in enumerate(aggregates) if each.uuid == identity]
    found = found or [i for i, each in enumerate(aggregates) if each.name == identity]
    if len(found) != 1:
        if found:
            raise BadInput(
                f"{len(found)} aggregates are called {identity!r}; give a UUID."
            )
        raise UnknownAggregate(f"Aggregate {identity} could not be found.")
    return found[0]


def _rows(hosts: Hosts, aggregate: int) -> NDArray[np.int64]:
    """Give the hosts of an aggregate that have a compute node."""
    sets = [
        number
        for number in range(len(hosts.aggregate_sets))
        if aggregate in hosts.aggregate_sets[number]
    ]
    are_members = np.isin(hosts.table["aggregate_set"], sets)
    return np.flatnonzero(are_members & (hosts.table["provider"] >= 0))
