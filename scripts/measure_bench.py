"""Run `kilonova bench`, and write its tables into bench/RESULTS.md, and its picture.

The suite measures (`kilonova.bench`); here its JSON only becomes Markdown, with
machine, versions, commit and command, and docs/pictures/bench-latency.svg and .png.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import figures
from kilonova.bench.short import short
from kilonova.bench.texts import Table, notes, tables
from kilonova.newfiles import new_files

README = figures.ROOT / "README.md"
RESULTS = figures.ROOT / "bench" / "RESULTS.md"
PICTURES = figures.ROOT / "docs" / "pictures"
_PEERS = "placement,nova"
_READING = (
    "Each result was checked before it was timed. *p50*, *p99*: of so many *calls*, a "
    "decision each; *kernels*: that part of a\ncall, watched apart, which is spent in "
    "compiled code; *allocated*: the most bytes that a call holds beyond what was "
    "there before (≥: a slow\ncall, of which the system tells what the process grew "
    "by);\n*numpy*: the same question as plain numpy passes over the same "
    "columns; *limit*: the bytes that any way must touch, by the bandwidth\nof this "
    "machine's memory."
)


def main() -> int:
    """Run, write and show; return the exit status."""
    parser = argparse.ArgumentParser(description="Run the benchmarks, write tables.")
    parser.add_argument("--quick", action="store_true", help="as kilonova bench")
    parser.add_argument("--hosts", default="", help="as kilonova bench, with commas")
    parser.add_argument("--peers", default=_PEERS, help=f"default: {_PEERS}")
    parser.add_argument("--read", type=Path, help="JSON of a run that was made before")
    parser.add_argument("--print", action="store_true", dest="dry")
    options = parser.parse_args()
    command = ["bench", "--json", *(["--quick"] if options.quick else [])]
    command += [f"--hosts={options.hosts}"] if options.hosts else []
    command += [f"--peers={options.peers}"] if options.peers else []
    try:
        document = read(_run(command) if options.read is None else _text(options.read))
        text = results(document, command)
        if not options.dry:
            figures.write(RESULTS, "benchmarks", text)
            figures.write(README, "benchmarks", in_short(document))
            draw(document)
    except figures.FigureError as error:
        print(f"measure_bench: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def _run(command: Sequence[str]) -> str:
    program = str(Path(sys.executable).with_name("kilonova"))
    done = subprocess.run([program, *command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise figures.FigureError("The benchmarks failed; nothing was written.")
    return done.stdout


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise figures.FigureError(f"{path}: {error.strerror}.") from None


def read(text: str) -> dict[str, Any]:
    """Read the JSON of a run.

    Raises
    ------
    FigureError
        It is not that, or nothing was measured.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise figures.FigureError(f"Not the JSON of a run: {error}.") from None
    if not isinstance(document, dict) or not document.get("cases"):
        raise figures.FigureError("The run has no cases.")
    return document


def results(document: dict[str, Any], command: Sequence[str]) -> str:
    """Give the text of the results: how they were made, and a table per family."""
    made = f"Written by `kilonova {' '.join(command)}` at commit {_commit()}."
    parts = ["\n".join([made, *notes(document)])]
    parts += [*_titled(short(document)), _READING]
    for table in tables(document):
        parts += _titled(table)
    return "\n\n".join(parts)


def _titled(table: Table) -> list[str]:
    return [f"### {table.title}", _markdown(table)] if table.rows else []


def in_short(document: dict[str, Any]) -> str:
    """Give what README.md shows of the results."""
    where = document["machine"]
    return (
        f"{_markdown(short(document))}\n\n"
        "Medians where nothing else is said; 9 providers a host, 70 % in use; one core "
        f"of {where['processor']}, {where['system']}.\n"
        "Measured by `make bench`; all of it: [bench/RESULTS.md](bench/RESULTS.md)."
    )


def _markdown(table: Table) -> str:
    return figures.table(table.head, table.rows)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=figures.ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or "unknown"


def draw(document: dict[str, Any]) -> None:
    """Write the picture, both files or none."""
    from kilonova.bench.pictures import drawn, picture

    with new_files(PICTURES) as folder:
        for ending, image in drawn(picture(document)).items():
            (folder / f"bench-latency.{ending}").write_bytes(image)


if __name__ == "__main__":
    sys.exit(main())
