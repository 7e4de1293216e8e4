"""Events a second: recorded clusters, and a synthetic cloud in which all happens."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from kilonova.bench.churn import Churn
from kilonova.replay.source import Choice, open_source

_CHOICES = {
    "openb": Choice(policies=("BestFit",), workloads=("default",), seeds=(42,)),
    "azure": Choice(workloads=("test",)),
    "huawei": Choice(),
}
_QUICK = {"azure": Choice(workloads=("dev",))}
_CHURN = {True: (1_000, 10_000), False: (10_000, 250_000)}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay.

    Attributes
    ----------
    name
        Source and run.
    hosts, events, seconds
        Their number, and the seconds in the scheduler.
    note
        What the events were.
    """

    name: str
    hosts: int
    events: int
    seconds: float
    note: str

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def row(self) -> dict[str, Any]:
        """Give it for JSON."""
        return asdict(self) | {"rate": self.rate}


def replays(quick: bool, progress: Callable[[str], None]) -> Iterator[Replayed]:
    """Play all; a quick run has less of each."""
    for source, choice in _CHOICES.items():
        if quick:
            choice = _QUICK.get(source, choice)
        recording = open_source(source, None, choice)
        recording.warm_up()
        games = recording.games()[: 1 if quick else None]
        for game in games:
            progress(f"replay of {source}: {game.label}")
            yield _recorded(source, game)
    progress("replay of a synthetic cloud")
    yield churned(*_CHURN[quick])


def _recorded(source: str, game: Any) -> Replayed:
    found = game.play(lambda _: None)
    if source == "openb":
        events, hosts = game.size, len(game.trace.machines)
    else:
        # The first step makes what later ones find.
        events = len(found.events.server) - int(found.events.stops[0])
        hosts = len(found.fleet.cloud.state.hosts)
    return Replayed(f"{source}: {game.label}", hosts, events, found.seconds, "")


def churned(hosts: int, servers: int) -> Replayed:
    """Play a synthetic cloud; raises WrongResult."""
    churn = Churn(hosts, servers)
    churn.play()
    counts = asdict(churn.counts)
    note = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    title = f"synthetic: {servers:,} servers"
    return Replayed(title, hosts, churn.counts.events, churn.seconds, note)
