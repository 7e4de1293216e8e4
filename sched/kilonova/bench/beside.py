"""Replays beside a sequential peer, on the part of the events that it can finish."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kilonova.bench.churn import opening
from kilonova.bench.part import Part, part_of
from kilonova.bench.peers.available import Peer
from kilonova.bench.replays import synthetic_title
from kilonova.replay.openb import GpuGame
from kilonova.replay.server_replay import ServerGame
from kilonova.replay.source import Game

_TITLES = {"placement": "Placement", "nova": "Nova with Placement"}


class Finished(NamedTuple):
    """What a peer finished, and what came of it.

    Attributes
    ----------
    hosts, events
        How many the cloud has, and how many were finished.
    theirs, ours
        Seconds for these events.
    compared
        What was the same on both sides.
    """

    hosts: int
    events: int
    theirs: float
    ours: float
    compared: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A sequential peer and Kilonova on the same first events of a replay.

    Attributes
    ----------
    replay, peer
        What was played, and who played it, too.
    finished
        What came of it; None where the peer is missing.
    note
        What was compared, or why there is no peer.
    """

    replay: str
    peer: str
    finished: Finished | None
    note: str

    def row(self) -> dict[str, Any]:
        """Give it for JSON: seconds, events a second, the ratio of both."""
        found: dict[str, Any] = {"replay": self.replay, "peer": self.peer}
        names = ("hosts", "events", "theirs", "ours", "their_rate", "our_rate", "ratio")
        found |= dict.fromkeys(names)
        if (done := self.finished) is not None:
            found |= done._asdict() | {
                "their_rate": done.events / done.theirs,
                "our_rate": done.events / done.ours,
                "ratio": done.theirs / done.ours,
            }
            del found["compared"]
        return found | {"note": self.note}


def besides(
    games: Sequence[tuple[str, Game]],
    churn: tuple[int, int],
    peers: Sequence[Peer],
    budget_s: float,
    progress: Callable[[str], None],
) -> Iterator[Beside]:
    """Let peers play the first events of each recording, and of the synthetic cloud.

    Parameters
    ----------
    games
        Recordings by source; of several of a source the first is played.
    churn
        Hosts and servers of the synthetic cloud.
    peers
        Those that were asked for; where one is missing, a row says so.
    budget_s
        Seconds for each peer, after which it begins no further event.
    progress
        Told what is done.

    Raises
    ------
    WrongResult
        A peer chooses otherwise.
    """
    known = {each.name: each for each in peers}
    first = dict(reversed(games))
    begun: list[tuple[str, GpuGame | Part | int]] = []
    for source in dict.fromkeys(source for source, _ in games):
        game, title = first[source], f"{source}: {first[source].label}"
        if isinstance(game, ServerGame):
            begun.append((title, part_of(game)))
        elif isinstance(game, GpuGame):
            begun.append((title, game))
    hosts, servers = churn
    begun.append((synthetic_title(servers), hosts))
    for title, what in begun:
        # Policies of GPUs are not Nova's.
        peer = known.get("placement" if isinstance(what, GpuGame) else "nova")
        if peer is None:
            continue
        name = _TITLES[peer.name]
        if peer.version is None:
            yield Beside(title, name, None, peer.note)
            continue
        progress(f"{name}: replay of {title}")
        done = _finished(what, budget_s)
        yield Beside(title, name, done, done.compared)


def _finished(what: GpuGame | Part | int, budget_s: float) -> Finished:
    if isinstance(what, GpuGame):
        from kilonova.bench.peers import placement_replay

        return placement_replay.finished(what, budget_s)
    from kilonova.bench.peers import nova_replay

    return nova_replay.finished(
        opening(what) if isinstance(what, int) else what, budget_s
    )
