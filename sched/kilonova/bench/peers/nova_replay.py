"""Nova with Placement plays the first events of a replay, and Kilonova the same."""

from kilonova.bench.beside import Finished
from kilonova.bench.document import uuid_of
from kilonova.bench.part import Hosts, Move, Part, Step, played, together
from kilonova.bench.peers.loading import load_rows
from kilonova.bench.peers.nova_site import NovaSite
from kilonova.bench.peers.same_cloud import documented
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.bench.timing import unsearched
from kilonova.bench.workload import WrongResult
from kilonova.candidates.cloud import Cloud
from kilonova.hosts.events import Boot, Delete
from kilonova.hosts.scheduler import Scheduler

# Hosts up to which Nova is asked for all candidates, so that it must choose the same
# hosts; beyond, it takes its first thousand.
_MOST_EXACT = 2_000
_ALL = 1_000_000
EXACT = "the same hosts"
ALIKE = "placed or refused alike; Nova looks at 1000 candidates"


def finished(part: Part, budget_s: float) -> Finished:
    """Let both play.

    Parameters
    ----------
    part
        First events of a replay.
    budget_s
        Seconds after which Nova begins no further event; it plays one call at least.

    Raises
    ------
    WrongResult
        Nova chooses otherwise.
    """
    cloud = part.build()
    # A cloud has hosts once it has a scheduler; Nova is told of these.
    Scheduler(cloud, part.options)
    with PlacementApplication() as placement:
        with placement.writer() as own:
            load_rows(own, documented(cloud))
        site = NovaSite(cloud, placement, part.options)
        exact = len(cloud.state.hosts) <= _MOST_EXACT
        if exact:
            _order(site, cloud)
        events, theirs = _played(site, part, budget_s)
    ours_s, ours = played(part.first(events))
    check(theirs, ours, exact)
    hosts = len(cloud.state.hosts)
    return Finished(hosts, events, site.seconds, ours_s, EXACT if exact else ALIKE)


def _order(site: NovaSite, cloud: Cloud) -> None:
    """Let Nova see all candidates, and leave equals in the order of their rows."""
    nova, state = site.nova, cloud.state
    nova.limit(_ALL)
    nova.manager.rank = nova.row
    names = (
        state.provider_names[row] for row in range(len(state.tables.provider["root"]))
    )
    nova.manager.provider_rank = {uuid_of(name): row for row, name in enumerate(names)}


def _played(site: NovaSite, part: Part, budget_s: float) -> tuple[int, Hosts]:
    """Play until the time is over; give the number of events, and the hosts."""
    hosts, events = Hosts(), 0
    with unsearched():
        for step in part.steps:
            for call in together(step):
                if events and site.seconds > budget_s:
                    return events, hosts
                _play(site, call, hosts)
                events += len(call)
            site.settle()
    return events, hosts


def _play(site: NovaSite, call: list[Step], hosts: Hosts) -> None:
    first = call[0]
    if isinstance(first, Move):
        site.move(*first)
    elif isinstance(first, Delete):
        site.delete(first.server)
    else:
        servers = [each.server for each in call if isinstance(each, Boot)]
        hosts |= zip(servers, site.boot(servers, first.spec), strict=True)


def check(theirs: Hosts, ours: Hosts, exact: bool) -> None:
    """Compare hosts, or only whether there was one; raises WrongResult."""
    if theirs.keys() != ours.keys():
        raise WrongResult(f"{len(theirs)} servers came at Nova, {len(ours)} at ours.")
    for server, host in theirs.items():
        own = ours[server]
        if (host != own) if exact else ((host is None) != (own is None)):
            raise WrongResult(f"Nova's host of {server} is {host}, ours {own}.")
