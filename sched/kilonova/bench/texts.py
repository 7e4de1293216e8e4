"""Results as tables of text: for the terminal, and for Markdown documents."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kilonova.bench.workload import FILL, percent

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


class Table(NamedTuple):
    """A table: its title, the heads of its columns, its rows; the first are texts."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    texts: int = 1


def tables(document: dict[str, Any]) -> list[Table]:
    """Give the tables of a run, from what ``Results.document`` gives."""
    found = [
        *_families(document["cases"]),
        _growths(document["growths"]),
        _kernels(document["cases"]),
        _pairs(document["pairs"]),
        _replays(document["replays"]),
        _besides(document["besides"]),
    ]
    return [table for table in found if table.rows]


def duration(seconds: float) -> str:
    """Write a duration with three digits and the unit that suits it."""
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def amount(size: int | None) -> str:
    """Write a number of bytes; nothing where none was measured."""
    if size is None:
        return ""
    for least, unit in _SIZES:
        if size >= least:
            return f"{size / least:.3g} {unit}"
    return f"{size} B"


def _families(rows: Sequence[dict[str, Any]]) -> Iterable[Table]:
    families: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        families[row["workload"].partition(":")[0]].append(row)
    head = (
        "workload",
        "cloud",
        "hosts",
        "p50",
        "p99",
        "calls",
        "kernels p50",
        "kernels p99",
        "ns a host",
        "allocated",
        "numpy",
        "limit",
        "times limit",
    )
    for name, cases in families.items():
        cases.sort(key=lambda row: (row["workload"], row["shape"], row["fill"]))
        yield Table(name, head, [_case(row) for row in cases], texts=2)


def _case(row: dict[str, Any]) -> tuple[str, ...]:
    plain, limit, distance = row["plain"], row["limit"], row["distance"]
    return (
        row["workload"].partition(": ")[2],
        _cloud(row),
        f"{row['hosts']:,}",
        duration(row["p50"]),
        duration(row["p99"]),
        str(row["calls"]),
        *(duration(row["within"][name]) for name in ("p50", "p99")),
        f"{row['per_host_ns']:.3g}",
        _allocated(row),
        "" if plain is None else duration(plain),
        "" if limit is None else duration(limit),
        "" if distance is None else f"{distance:.3g}",
    )


def _allocated(row: dict[str, Any]) -> str:
    given = amount(row["allocated"])
    return given if row["is_traced"] or not given else f"≥ {given}"


def _growths(rows: Sequence[dict[str, Any]]) -> Table:
    fills = sorted({row["fill"] for row in rows})
    powers: dict[tuple[str, str], dict[float, str]] = defaultdict(dict)
    for row in rows:
        powers[row["workload"], row["shape"]][row["fill"]] = f"{row['power']:.2f}"
    return Table(
        "The power of the hosts with which a median grows",
        ("workload", "cloud", *map(percent, fills)),
        [
            (*key, *(found.get(fill, "") for fill in fills))
            for key, found in powers.items()
        ],
        texts=2,
    )


def _kernels(rows: Sequence[dict[str, Any]]) -> Table:
    """Give for each kernel the workload in which a call takes longest, by size."""
    longest: dict[tuple[str, int], tuple[dict[str, Any], dict[str, Any]]] = {}
    for row in rows:
        for name, taken in row["kernels"].items():
            key = (name, row["hosts"])
            if row["fill"] == FILL and (
                key not in longest or taken["p50"] > longest[key][0]["p50"]
            ):
                longest[key] = (taken, row)
    found = [
        (
            name,
            f"{row['workload']}, {_cloud(row)}",
            f"{hosts:,}",
            duration(taken["p50"]),
            duration(taken["p99"]),
            str(taken["calls"]),
            f"{taken['p50'] / hosts * 1e9:.3g}",
            amount(taken["allocated"]),
        )
        for (name, hosts), (taken, row) in sorted(
            longest.items(), key=lambda each: each[0]
        )
    ]
    times = ("p50", "p99", "calls", "ns a host", "allocated")
    head = ("kernel", "where a call takes longest", "hosts", *times)
    return Table("Kernels, called from Python", head, found, texts=2)


def _pairs(rows: Sequence[dict[str, Any]]) -> Table:
    clouds, times = ("cloud", "hosts"), ("peer's", "ours", "ratio", "turns")
    return Table(
        "Beside the peers, turn by turn",
        ("peer", "question", "what ours does", *clouds, *times),
        [
            (
                row["peer"],
                row["question"],
                row["doing"],
                row["shape"],
                f"{row['hosts']:,}",
                duration(row["theirs"]),
                duration(row["ours"]),
                f"{row['ratio']:,.0f}",
                str(row["turns"]),
            )
            for row in rows
        ],
        texts=4,
    )


def _replays(rows: Sequence[dict[str, Any]]) -> Table:
    head = ("replay", "what happened", "hosts", "events", "seconds", "events a second")
    return Table(
        "Replays",
        head,
        [
            (
                row["name"],
                row["note"],
                f"{row['hosts']:,}",
                f"{row['events']:,}",
                f"{row['seconds']:.2f}",
                f"{row['rate']:,.0f}",
            )
            for row in rows
        ],
        texts=2,
    )


def _besides(rows: Sequence[dict[str, Any]]) -> Table:
    head = (
        "replay",
        "peer",
        "what was the same",
        "hosts",
        "events",
        "peer's events a second",
        "ours",
        "ratio",
    )
    return Table(
        "Replays beside a sequential peer: the first events, as many as it finishes",
        head,
        [
            (
                row["replay"],
                row["peer"],
                row["note"],
                *(f"{row[name]:,}" if row[name] else "" for name in head[3:5]),
                "" if row["ratio"] is None else f"{row['their_rate']:,.2f}",
                "" if row["ratio"] is None else f"{row['our_rate']:,.0f}",
                "" if row["ratio"] is None else f"{row['ratio']:,.0f}",
            )
            for row in rows
        ],
        texts=3,
    )


def _cloud(row: dict[str, Any]) -> str:
    return f"{row['shape']}, {percent(row['fill'])}"


def notes(document: dict[str, Any]) -> list[str]:
    """Say where it was run, which peers were missing, and what was not reached."""
    where = document["machine"]
    versions = [f"{name} {where[name]}" for name in ("python", "numpy", "numba")]
    found = [
        f"{where['processor']}, {where['cpus']} CPUs, {where['system']}; "
        f"{', '.join(versions)}; memory moves {document['bandwidth'] / 1e9:.1f} GB/s."
    ]
    phases = document["phases"]
    each = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in phases.items())
    minutes, seconds = divmod(round(sum(phases.values())), 60)
    found.append(f"The run took {minutes} min {seconds} s: {each}.")
    found += [f"Peer {peer['name']}: {peer['note']}." for peer in document["peers"]]
    if not document["peers"]:
        found.append("No peers were asked for: --peers placement,nova.")
    if document["kernels_not_reached"]:
        names = ", ".join(document["kernels_not_reached"])
        found.append(f"Kernels that no workload came to, replays apart: {names}.")
    return found
