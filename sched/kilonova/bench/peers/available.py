"""Which peers are here, in which version; one that is not is said, not hidden."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from kilonova.errors import BadInput

# Module and distribution of each, the version that answers were compared with, and the
# extra that installs it.
_PEERS = {
    "placement": ("placement", "openstack-placement", "16.0.0", "peers"),
    "nova": ("nova", "nova", "34.0.0", "nova"),
}
# Name of the variable with the URL of an empty PostgreSQL database for Placement.
POSTGRESQL = "KILONOVA_BENCH_POSTGRESQL"


@dataclass(frozen=True, slots=True)
class Peer:
    """A service to be measured beside.

    Attributes
    ----------
    name
        ``"placement"`` or ``"nova"``.
    version
        Installed version, None where it is missing.
    note
        What to say of it: the version, or how to get it.
    """

    name: str
    version: str | None
    note: str


def peers(names: Sequence[str]) -> list[Peer]:
    """Look for peers.

    Raises
    ------
    BadInput
        There is no such peer.
    """
    for name in names:
        if name not in _PEERS:
            raise BadInput(f"--peers must be of {', '.join(_PEERS)}, got {name!r}.")
    return [_peer(name) for name in names]


def _peer(name: str) -> Peer:
    module, distribution, known, extra = _PEERS[name]
    try:
        found = version(distribution)
    except PackageNotFoundError:
        found = ""
    # Nova asks Placement: without it there is nothing to compare with.
    if not found or find_spec(module) is None or find_spec("placement") is None:
        extras = extra if extra == "peers" else f"peers,{extra}"
        return Peer(name, None, f"not installed; pip install 'kilonova[{extras}]'")
    note = f"{distribution} {found}"
    if found != known:
        note += f", compared with {known} only"
    if name == "placement":
        note += "; on SQLite"
        given = os.environ.get(POSTGRESQL)
        note += " and PostgreSQL" if given else f", {POSTGRESQL} names no PostgreSQL"
    return Peer(name, found, note)


def database() -> str | None:
    """Give the URL of an empty database for Placement, None where none is given.

    Raises
    ------
    BadInput
        It cannot be reached, or has tables, which would be lost.
    """
    given = os.environ.get(POSTGRESQL)
    if not given:
        return None
    from kilonova.bench.peers.third_party import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(given)
        tables = sqlalchemy.inspect(engine).get_table_names()
        engine.dispose()
    # A driver that is missing is an ImportError.
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        kind = type(error).__name__
        raise BadInput(
            f"The database of {POSTGRESQL} cannot be used: {kind}."
        ) from error
    if tables:
        raise BadInput(
            f"The database of {POSTGRESQL} must be empty, got {len(tables)} tables."
        )
    return given
