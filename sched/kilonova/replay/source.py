"""Recorded clusters by name, and what each can do: one way to replay them all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kilonova.errors import BadInput
from kilonova.replay import tables
from kilonova.replay.contents import Contents

# The module that plays each of them: `open_recording(folder, choice)`.
SOURCES: Mapping[str, str] = {
    "openb": "kilonova.replay.openb",
    "azure": "kilonova.replay.server_replay",
    "huawei": "kilonova.replay.server_replay",
}
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to play of a recorded cluster; what is left out is the source's own.

    Attributes
    ----------
    policies, workloads, seeds
        Only these.
    hosts
        How many there are.
    config_file
        Options of Nova's scheduler.
    published
        Whether to compare with what was published.
    """

    policies: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    hosts: int | None = None
    config_file: Path | None = None
    published: bool = False

    def require_only(self, source: str, *names: str) -> None:
        """Refuse what a source has not; raises BadInput."""
        for option, name in (
            ("--hosts", "hosts"),
            ("--config-file", "config_file"),
            ("--check-published", "published"),
        ):
            if name not in names and getattr(self, name) not in (None, False):
                raise BadInput(f"{option} is not for {source}.")


class Game(Protocol):
    """One run to play: its label, its number of events, and how."""

    @property
    def label(self) -> str:
        """Say what is played, in a few words."""

    @property
    def size(self) -> int:
        """Count its events."""

    def play(self, progress: Progress) -> Any:
        """Play it; call ``progress`` with the number done since the last call."""


class Summary(NamedTuple):
    """A table for the terminal.

    Attributes
    ----------
    title, caption
        Above and below it.
    texts, numbers
        Heads of its columns; those of texts come first.
    rows
        Cells, as text.
    """

    title: str
    caption: str
    texts: Sequence[str]
    numbers: Sequence[str]
    rows: Sequence[Sequence[str]]


class Recording(ABC):
    """A recorded cluster that was read and can be played.

    Attributes
    ----------
    folder
        Where it was read.
    about
        Its machines, in a few words.
    unit
        What progress counts.
    """

    folder: Path
    about: str
    unit: str

    @abstractmethod
    def games(self) -> Sequence[Game]:
        """List the runs that were chosen."""

    @abstractmethod
    def kernel(self) -> Callable[..., object]:
        """Give the kernel that is compiled last."""

    @abstractmethod
    def warm_up(self) -> None:
        """Compile or load all kernels."""

    @abstractmethod
    def rows(self, outcomes: Sequence[Any]) -> list[dict[str, Any]]:
        """Give a row per run, for JSON."""

    @abstractmethod
    def summary(self, outcomes: Sequence[Any]) -> Summary:
        """Give the table for the terminal."""

    @abstractmethod
    def contents(self, outcomes: Sequence[Any]) -> Contents:
        """Give the report."""


def find_folder(name: str) -> Path:
    """Give the folder of a recorded cluster that ships with Kilonova, or a folder.

    Raises
    ------
    BadInput
        It is neither.
    """
    here = Path(__file__).resolve()
    # In a wheel the data lies in the package, in a checkout beside the sources.
    for recorded in (here.parents[1] / "recorded", here.parents[3] / "data"):
        if name in SOURCES and (recorded / name).is_dir():
            return recorded / name
    folder = Path(name)
    if not folder.exists() and folder.name == name:
        raise BadInput(
            f"{name!r} is neither a folder nor a recorded cluster that ships with "
            f"Kilonova ({', '.join(SOURCES)})."
        )
    return tables.require_folder(folder)


def open_source(name: str, like: str | None, choice: Choice) -> Recording:
    """Read a recorded cluster.

    Parameters
    ----------
    name
        A name of ``SOURCES``, or a folder.
    like
        For a folder, the name of the source whose form it has; openb where left out.
    choice
        What to play of it.

    Raises
    ------
    BadInput
        There is no such source, or it has not what was chosen.
    BadTable
        A file, column, type or amount cannot be right; the message names it.
    """
    form = like or (name if name in SOURCES else "openb")
    if form not in SOURCES:
        raise BadInput(f"--like must be one of {', '.join(SOURCES)}, got {form!r}.")
    folder = find_folder(name)
    module = import_module(SOURCES[form])
    found: Recording = module.open_recording(form, folder, choice)
    return found
