"""Events a second: recorded clusters, and a synthetic cloud in which all happens."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kilonova.bench.churn import Churn
from kilonova.replay.source import Choice, Game, open_source

_CHOICES = {
    "openb": Choice(policies=("BestFit",), workloads=("default",), seeds=(42,)),
    "azure": Choice(workloads=("test",)),
    "huawei": Choice(),
}
_QUICK = {"azure": Choice(workloads=("dev",))}
# Hosts and servers of the synthetic cloud, by whether the run is a quick one.
CHURN = {True: (1_000, 10_000), False: (10_000, 250_000)}


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


def recorded_games(quick: bool) -> list[tuple[str, Game]]:
    """Read the recordings; give their games by source, fewer for a quick run."""
    found: list[tuple[str, Game]] = []
    for source, choice in _CHOICES.items():
        if quick:
            choice = _QUICK.get(source, choice)
        recording = open_source(source, None, choice)
        recording.warm_up()
        games = recording.games()[: 1 if quick else None]
        found += [(source, game) for game in games]
    return found


def replays(
    games: Sequence[tuple[str, Game]],
    churn: tuple[int, int],
    progress: Callable[[str], None],
) -> Iterator[Replayed]:
    """Play recordings, and a synthetic cloud of some hosts and servers."""
    for source, game in games:
        progress(f"replay of {source}: {game.label}")
        yield _recorded(source, game)
    progress("replay of a synthetic cloud")
    yield churned(*churn)


def synthetic_title(servers: int) -> str:
    """Name the replay of a synthetic cloud."""
    return f"synthetic: {servers:,} servers"


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
    events, seconds = churn.counts.events, churn.seconds
    return Replayed(synthetic_title(servers), hosts, events, seconds, note)
