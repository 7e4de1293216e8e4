"""Put measured figures into documents: a script writes them, never a hand.

A place for figures is a pair of lines in a Markdown file, each alone on its line:

    <!-- start-times:begin -->
    <!-- start-times:end -->

What stands between them belongs to the script that measures; all else stays as it is.
"""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from kilonova.bench.machine import processor

ROOT = Path(__file__).resolve().parent.parent


class FigureError(Exception):
    """A document has no place for the figures, or what was measured cannot be right."""


def replace(text: str, name: str, body: str) -> str:
    """Return the document with ``body`` between the two markers called ``name``.

    Raises
    ------
    FigureError
        When there is not exactly one pair of these markers, the beginning first.
    """
    begin, end = (f"<!-- {name}:{edge} -->" for edge in ("begin", "end"))
    # Only where a marker has its line to itself: a document may also talk about one.
    lines = text.split("\n")
    places = [i for i, line in enumerate(lines) if line.strip() in (begin, end)]
    if [lines[i].strip() for i in places] != [begin, end]:
        raise FigureError(f"Must hold {begin!r} and {end!r} once each, in this order.")
    first, last = places
    inner = ["", *body.strip("\n").split("\n"), ""]
    return "\n".join([*lines[: first + 1], *inner, *lines[last:]])


def write(path: Path, name: str, body: str) -> None:
    """Put ``body`` between the markers of a file, all of it or nothing.

    Raises
    ------
    FigureError
        As `replace`, with the name of the file.
    """
    try:
        text = replace(path.read_text(encoding="utf-8"), name, body)
    except FigureError as error:
        raise FigureError(f"{path}: {error}") from None
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, the first column flush left and the others right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def machine(packages: Sequence[str] = ()) -> str:
    """Return one line on where the figures come from: processor, system, versions."""
    system = f"{platform.system()} {platform.machine()}"
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{package} {version(package)}" for package in packages]
    return f"{processor()}, {os.cpu_count()} CPUs, {system}; {', '.join(versions)}"
