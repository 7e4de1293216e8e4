"""Clouds that peers and Kilonova have alike, each asked of all peers in turn."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from kilonova.bench.document import Document
from kilonova.bench.peers import placement_pairs
from kilonova.bench.peers.loading import load_rows
from kilonova.bench.peers.pairs import Pair
from kilonova.bench.peers.same_cloud import same_cloud
from kilonova.bench.peers.third_party import sqlalchemy
from kilonova.bench.peers.wsgi import PlacementApplication
from kilonova.bench.timing import unsearched

_SQLITE, _POSTGRESQL = "Placement, SQLite", "Placement, PostgreSQL"
# To load more, and to ask it, takes minutes.
_MOST_POSTGRESQL = 1_000
# What Nova is asked for has ports, which flat clouds have no room for; a second
# database is asked of one shape.
_ASKED_MORE = "nested"


def pairs(
    peers: Collection[str],
    where: Sequence[tuple[int, str]],
    budget_s: float,
    database: str | None,
    progress: Callable[[str], None],
) -> Iterator[Pair]:
    """Compare on clouds of some hosts and shape with the peers that are here.

    Parameters
    ----------
    peers
        ``"placement"``, ``"nova"``.
    where
        Hosts and shape of each cloud.
    budget_s
        Seconds of a peer's for each question.
    database
        URL of an empty PostgreSQL database, to be asked beside SQLite.
    progress
        Told what is done.

    Raises
    ------
    WrongResult
        The answers differ.
    """
    for hosts, shape in where:
        with_nova = "nova" in peers and shape == _ASKED_MORE
        if not with_nova and "placement" not in peers:
            continue
        size = f"{hosts:,} hosts, {shape}"
        progress(f"Peers: {size}: laying the cloud")
        document, cloud = same_cloud(hosts, shape)
        with _placement(document) as placement:
            if "placement" in peers:
                progress(f"{_SQLITE}: {size}")
                on = (_SQLITE, hosts, shape)
                yield from placement_pairs.pairs(on, placement, cloud, budget_s)
            if with_nova:
                from kilonova.bench.peers import nova_pairs

                progress(f"Nova: {size}")
                yield from nova_pairs.pairs(placement, cloud, budget_s)
        if (
            database
            and "placement" in peers
            and shape == _ASKED_MORE
            and hosts <= _MOST_POSTGRESQL
        ):
            progress(f"{_POSTGRESQL}: {size}")
            with _placement(document, database) as placement:
                on = (_POSTGRESQL, hosts, shape)
                yield from placement_pairs.pairs(on, placement, cloud, budget_s)


@contextmanager
def _placement(
    document: Document, database: str | None = None
) -> Iterator[PlacementApplication]:
    """Start Placement with a cloud in its database, SQLite in memory where none is."""
    options: dict[str, object] = {}
    if database:
        options["placement_database__connection"] = database
    with PlacementApplication(**options) as placement:
        with placement.writer() as own:
            load_rows(own, document)
            if database:
                # As its own service would have done by now.
                own.session.execute(sqlalchemy.text("ANALYZE"))
        with unsearched():
            yield placement
