"""Results become tables, Markdown and a picture, from the JSON of a run alone.

Method: a small document as ``Results.document`` gives it; what is drawn is read back.
"""

import csv
import re
from collections.abc import Iterator
from typing import Any

import altair as alt
import pytest

import figures
import measure_bench
from kilonova.bench.pictures import drawn, picture
from kilonova.bench.short import LINES, short
from kilonova.bench.texts import amount, duration, notes, tables
from kilonova.bench.workloads.register import workloads

LAST = "a peer takes"


def kernel(p50: float) -> dict[str, Any]:
    return {"p50": p50, "p99": 3 * p50, "calls": 40, "allocated": 96}


def case(workload: str, hosts: int, p50: float, **more: Any) -> dict[str, Any]:
    return {
        "workload": workload,
        "hosts": hosts,
        "shape": "nested",
        "fill": 0.7,
        "p50": p50,
        "p99": 2 * p50,
        "calls": 100,
        "per_host_ns": p50 / hosts * 1e9,
        "allocated": 2048,
        "is_traced": True,
        "plain": None,
        "limit": None,
        "distance": None,
        "within": {"p50": p50 / 4, "p99": p50 / 2, "least": 0.0, "calls": 40},
        "kernels": {"select.select_all": kernel(p50 / 2)},
        **more,
    }


def pair(hosts: int, theirs: float) -> dict[str, Any]:
    return {
        "peer": "Nova with Placement",
        "question": "1 server",
        "hosts": hosts,
        "shape": "nested",
        "doing": "claimed",
        "theirs": theirs,
        "ours": 1e-4,
        "ratio": theirs / 1e-4,
        "turns": 3,
    }


def besides() -> list[dict[str, Any]]:
    seconds = {"hosts": 1100, "events": 60, "theirs": 12.0, "ours": 0.003}
    rates = {"their_rate": 5.0, "our_rate": 20_000.0, "ratio": 4_000.0}
    peer = {"peer": "Nova with Placement"}
    played = {"replay": "azure: spread, test, seed 0", "note": "the same hosts"}
    missing = {"replay": "huawei: spread, C1, seed 0", "note": "not installed"}
    return [
        {**peer, **played, **seconds, **rates},
        {**peer, **missing, **dict.fromkeys([*seconds, *rates])},
    ]


@pytest.fixture
def document() -> dict[str, Any]:
    sizes = (1_000, 10_000, 100_000)
    marks = {"limit": 1e-5, "distance": 3.0, "plain": 2e-5}
    return {
        "machine": {
            "processor": "a processor",
            "cpus": 2,
            "system": "Linux x86_64",
            "python": "3.11",
            "numpy": "2.0",
            "numba": "0.60",
        },
        "bandwidth": 2e10,
        "cases": [
            *(case("select: one port", size, 1e-4) for size in sizes),
            *(case("marks: all, one port", n, n * 1e-9, **marks) for n in sizes),
        ],
        "growths": [
            {
                "workload": "select: one port",
                "shape": "nested",
                "fill": 0.7,
                "power": 0.0123,
            }
        ],
        "peers": [{"name": "nova", "version": None, "note": "not installed"}],
        "pairs": [pair(1_000, 0.4), pair(10_000, 4.0)],
        "replays": [
            {
                "name": "openb",
                "note": "",
                "hosts": 1213,
                "events": 10_000,
                "seconds": 0.5,
                "rate": 20_000.0,
            }
        ],
        "besides": besides(),
        "phases": {"1,000 hosts": 70.4, "replays": 20.3},
        "kernels_not_reached": ["names.remove_name"],
    }


def test_tables(document: dict[str, Any]) -> None:
    found = {table.title: table for table in tables(document)}
    assert [row[:8] for row in found["select"].rows] == [
        (
            *("one port", "nested, 70 %", f"{size:,}"),
            *("100 µs", "200 µs", "100", "25 µs", "50 µs"),
        )
        for size in (1_000, 10_000, 100_000)
    ]
    document["cases"][0]["allocated"] = None
    (row,) = [r for t in tables(document) if t.title == "select" for r in t.rows[:1]]
    assert row[9] == ""
    document["cases"][0] |= {"allocated": 3 * 1024, "is_traced": False}
    (row,) = [r for t in tables(document) if t.title == "select" for r in t.rows[:1]]
    assert row[9] == "≥ 3 KiB"
    assert found["marks"].rows[0][-3:] == ("20 µs", "10 µs", "3")
    assert found["Kernels, called from Python"].rows[0] == (
        "select.select_all",
        "select: one port, nested, 70 %",
        "1,000",
        *("50 µs", "150 µs", "40", "50", "96 B"),
    )
    for table in found.values():
        assert {len(row) for row in table.rows} == {len(table.head)}
    text = "\n".join(notes(document))
    assert "20.0 GB/s" in text
    assert "Peer nova: not installed." in text
    assert "names.remove_name" in text
    assert "The run took 1 min 31 s: 1,000 hosts 70 s, replays 20 s." in text


def test_in_short(document: dict[str, Any]) -> None:
    found = short(document)
    assert found.head == ("what", "1,000 hosts", "10,000 hosts", "100,000 hosts", LAST)
    host, p99, within, marks = found.rows
    assert host[1:] == (*["100 µs"] * 3, "4 s at 10,000 hosts: 40,000 times")
    assert p99[1:] == (*["200 µs"] * 3, "")
    assert within[1:] == (*["25 µs"] * 3, "")
    assert marks[1:] == ("1 µs", "10 µs", "100 µs", "")
    assert {line.workload for line in LINES} <= {each.name for each in workloads()}
    again = document["pairs"][-1] | {"doing": "claimed, first call", "ratio": 50.0}
    document["pairs"].append(again)
    beside = "4 s at 10,000 hosts: 40,000 times; first call, 50 times"
    assert short(document).rows[0][-1] == beside
    del document["cases"][0]
    assert short(document).rows[0][1] == ""
    text = measure_bench.in_short(document)
    assert "| what | 1,000 hosts |" in text
    assert not short({"cases": [], "pairs": []}).rows


def test_markdown_says_how_it_was_made(document: dict[str, Any]) -> None:
    text = measure_bench.results(document, ["bench", "--json"])
    assert text.startswith("Written by `kilonova bench --json` at commit ")
    assert (
        "| Nova with Placement | 1 server | claimed | nested | 1,000 | 400 ms |" in text
    )
    assert "| select: one port | nested | 0.01 |" in text
    row = "| the same hosts | 1,100 | 60 | 5.00 | 20,000 | 4,000 |"
    assert f"| azure: spread, test, seed 0 | Nova with Placement {row}" in text
    assert "| Nova with Placement | not installed |  |  |  |  |  |" in text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cases": []}'])
def test_no_run_no_results(text: str) -> None:
    with pytest.raises(figures.FigureError):
        measure_bench.read(text)


def test_picture(document: dict[str, Any]) -> None:
    specification = picture(document)
    alt.Chart.from_dict(specification)
    files = drawn(specification)
    assert files["png"].startswith(b"\x89PNG")
    svg = files["svg"].decode()
    for label in (
        "4 s  Nova with Placement: host",
        "100 µs  Kilonova: host for a server, claimed",
        "Limit: reading the columns once",
        "100,000",
    ):
        assert label in svg


def test_labels_do_not_lie_on_each_other(document: dict[str, Any]) -> None:
    other = {"peer": "Placement, SQLite", "question": "one port, first 1000"}
    document["pairs"] += [
        pair(hosts, t) | other for hosts, t in ((1000, 1), (10**4, 3.9))
    ]
    datasets: Any = picture(document)["datasets"]
    low, high = sorted(
        float(row["place"])
        for text in datasets.values()
        for row in csv.DictReader(text.splitlines())
        if "Placement" in row.get("text", "")
    )
    assert low < 3.9 < 4.0 < high
    assert high / low > 1.2


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.0, "2 s"), (0.0005, "500 µs"), (1e-10, "0.1 ns")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_amount() -> None:
    sizes = [amount(n) for n in (0, 1023, 1024, 3 << 20, 5 << 30)]
    assert sizes == ["0 B", "1023 B", "1 KiB", "3 MiB", "5 GiB"]


def test_what_is_far_from_its_limit_has_a_reason() -> None:
    """Workloads above ten times their limit at 100 000 hosts, in ARCHITECTURE.md."""
    text = (figures.ROOT / "ARCHITECTURE.md").read_text()
    begin = text.index("**What is more than ten times its limit")
    listed = text[begin : text.index("\n**", begin)]
    reasons = re.findall(r"^\* .*?(?=^\* |^$)", listed, re.M | re.S)
    named = {name for each in reasons for name in re.findall(r"`([a-z][^`/]*)`", each)}
    far = set(far_from_limit((figures.ROOT / "bench" / "RESULTS.md").read_text()))
    assert far
    assert {each for each in far if not each.startswith(tuple(named))} == set()
    # Nor is there a reason for what is near.
    assert {name for name in named if not any(e.startswith(name) for e in far)} == set()


def far_from_limit(results: str) -> Iterator[str]:
    """Give the workloads of the tables whose last column is above ten."""
    family = ""
    for line in results.splitlines():
        if line.startswith("### "):
            family = line.removeprefix("### ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        measured = len(cells) == 13 and cells[2] == "100,000" and cells[-1]
        if measured and float(cells[-1].replace(",", "")) > 10:
            yield f"{family}: {cells[0]}"


def test_rows_far_from_their_limit_are_found() -> None:
    cells = ["nested, 70 %", "100,000", *["1 µs"] * 9]
    rows = [
        "### marks",
        f"| near | {' | '.join(cells)} | 9.9 |",
        f"| far | {' | '.join(cells)} | 1.2e+04 |",
        f"| without | {' | '.join(cells)} |  |",
        f"| small | {' | '.join(cells).replace('100,000', '1,000')} | 99 |",
    ]
    assert list(far_from_limit("\n".join(rows))) == ["marks: far"]
