"""The report of a replay: right numbers, one page that asks no network, all or nothing.

Means are compared with plain Python over plain rows. The page is taken apart by the
standard library's parser: what loads something is an attribute or an element.
"""

import json
import re
import statistics
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import vl_convert

from kilonova.errors import BadInput, BadTable
from kilonova.replay import report
from kilonova.replay.metrics import ReplayTables
from kilonova.replay.openb import contents_of
from kilonova.replay.report import write_report
from kilonova.replay.report_about import About
from replay_sample import POLICIES, WORKLOADS, replayed

LIMIT = 5_000_000

ABOUT = About(
    title="A title",
    source="a source",
    command="kilonova replay --out 'a folder'",
    attributions=("Machines of somebody, Apache License 2.0.", "A paper."),
)


class Elements(HTMLParser):
    """The elements of a page with their attributes, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def cells(text: str) -> list[list[str]]:
    """Give the texts of the cells of each row of all tables of a page."""
    return [
        [
            re.sub(r"<[^>]*>", "", cell)
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        ]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", text)
    ]


def parts(text: str) -> tuple[str, str]:
    """Give a page without the library, and the library."""
    before, library, after = re.split(
        r"(?<=<script>)\n(.*?)\n(?=</script>)", text, maxsplit=1, flags=re.S
    )
    return before + after, library


@pytest.fixture(scope="module")
def tables() -> ReplayTables:
    return replayed()


@pytest.fixture(scope="module")
def folder(tables: ReplayTables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one report for all tests that only look at it."""
    folder = tmp_path_factory.mktemp("report") / "out"
    write_report(contents_of(tables), ABOUT, folder)
    return folder


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "allocation.png",
        "final.png",
        "fragmentation.png",
        "machines-default.png",
        "machines-gpuspec33.png",
        "machines.parquet",
        "report.html",
        "runs.parquet",
        "series.parquet",
    ]


def test_metrics_are_the_tables(folder: Path, tables: ReplayTables) -> None:
    for name, table in tables._asdict().items():
        stored = pq.read_table(folder / f"{name}.parquet")
        assert stored.equals(table)
        for field in stored.schema:
            assert field.metadata[b"meaning"], field.name


def test_page_asks_no_network(text: str) -> None:
    own, library = parts(text)
    assert "http:" not in own.lower()
    assert "https:" not in own.lower()
    assert not re.search(r"url\(|@import|\bfetch\(|\bimport\(", own)
    loading = {"src", "href", "data", "action", "srcset", "poster", "background"}
    for tag, attributes in Elements(text).found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img"), tag
        assert not loading & attributes.keys(), (tag, attributes)
    # The library names schemas, namespaces and an editor that no menu here opens.
    assert not re.search(r"<(script|link|img|iframe)[^>]*https?:", library)
    assert re.search(r"""content="default-src 'none';""", own)
    assert "editor: false" in own


def test_page_is_small_with_one_library(text: str) -> None:
    assert len(text.encode()) < LIMIT
    assert len(re.findall(r"window\.vegaEmbed\s*=", text)) == 1


def test_page_tells_what_was_replayed(text: str) -> None:
    for told in (
        "<h1>A title</h1>",
        "<dt>Source</dt><dd>a source</dd>",
        "<dt>2 workloads</dt><dd>default, gpuspec33</dd>",
        "<dt>3 policies</dt><dd>FGD, BestFit, Random</dd>",
        "<dt>3 seeds</dt><dd>42 to 44</dd>",
        "<dt>Machines</dt><dd>90</dd>",
        "<dt>GPUs</dt><dd>6\u202f212</dd>",
        "<dt>Requests in a run</dt><dd>10\u202f400</dd>",
        "<pre>kilonova replay --out &#x27;a folder&#x27;</pre>",
        "<p>Machines of somebody, Apache License 2.0.</p>",
        f"<td>{pa.__version__}</td>",
    ):
        assert told in text, told


def test_numbers_of_the_table(text: str, tables: ReplayTables) -> None:
    shown = [row for row in cells(text) if len(row) == 8][1:]
    assert len(shown) == len(WORKLOADS) * len(POLICIES)
    runs = tables.runs.to_pylist()
    for place, row in enumerate(shown):
        workload, policy = WORKLOADS[place // 3], POLICIES[place % 3]
        mine = [r for r in runs if (r["workload"], r["policy"]) == (workload, policy)]
        allocated = [run["gpu_allocated_pct"] for run in mine]
        mean, deviation = statistics.mean(allocated), statistics.stdev(allocated)
        assert row[:3] == [policy, "3", f"{mean:.2f} ± {deviation:.2f}"]
        refused = f"{statistics.mean(run['refused'] for run in mine):,.0f}"
        assert row[5].startswith(refused.replace(",", "\u202f") + " ±")
        assert row[6:] == ["0.930 ± 0.010", "43.0 ± 1.0"]


def test_best_of_each_workload_is_marked(text: str) -> None:
    best = re.findall(r"<tr class=best><th scope=row>(\w+)<", text)
    assert best == ["FGD", "FGD"]


def test_finding(text: str, tables: ReplayTables) -> None:
    rows = tables.runs.to_pylist()
    mean = {
        policy: statistics.mean(
            row["gpu_allocated_pct"] for row in rows if row["policy"] == policy
        )
        for policy in POLICIES
    }
    numbers = re.search(
        r"FGD allocates ([\d.]+) % of all GPUs on average over 2 workloads, "
        r"([\d.]+) points more than BestFit and ([\d.]+) more than Random\.",
        text,
    )
    assert numbers
    best = mean["FGD"]
    expected = (best, best - mean["BestFit"], best - mean["Random"])
    assert [float(n) for n in numbers.groups()] == pytest.approx(expected, abs=0.0051)


def test_twice_the_same_bytes(
    folder: Path, tables: ReplayTables, tmp_path: Path
) -> None:
    for path in write_report(contents_of(tables), ABOUT, tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_one_run(tmp_path: Path) -> None:
    one = replayed(["default"], ["Random"], [42], machine_count=3)
    paths = write_report(contents_of(one), ABOUT, tmp_path / "out")
    assert paths[0] == tmp_path / "out" / "report.html"
    text = paths[0].read_text(encoding="utf-8")
    allocated = one.runs["gpu_allocated_pct"][0].as_py()
    assert f"Random allocates {allocated:.2f} % of all GPUs." in text
    (row,) = [row for row in cells(text) if row[:1] == ["Random"]]
    assert row[1:3] == ["1", f"{allocated:.2f}"]


def test_names_cannot_break_out(tmp_path: Path) -> None:
    bad = {"FGD": "</script><img src=x>", "Random": 'a,"b"\n\\&'}
    tables = replayed(["default"], [*bad], [42], machine_count=5)

    def renamed(table: pa.Table) -> pa.Table:
        names = [bad[policy] for policy in table["policy"].to_pylist()]
        field = table.schema.get_field_index("policy")
        return table.set_column(field, "policy", [names])

    about = About("<b>title</b>", "<b>source</b>", "<b>command</b>", ("<b>data</b>",))
    tables = ReplayTables(*map(renamed, tables))
    text = write_report(contents_of(tables), about, tmp_path)[0].read_text(
        encoding="utf-8"
    )
    tags = [tag for tag, _ in Elements(text).found]
    assert not {"img", "b"} & {*tags}
    assert tags.count("script") == 6
    documents = re.findall(r'<script type="application/json".*?>(.*?)</script>', text)
    assert "</script><img src=x>,100," in str(json.loads(documents[1]))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        pytest.param(
            "runs",
            lambda t: t.drop_columns(["seed"]),
            "misses the columns seed",
            id="column",
        ),
        pytest.param("series", lambda t: t.slice(0, 0), "no rows", id="no rows"),
        pytest.param(
            "machines",
            lambda t: t.set_column(0, "workload", [["other"] * t.num_rows]),
            "the run .*other",
            id="unknown run",
        ),
        pytest.param(
            "series",
            lambda t: t.set_column(2, "seed", [[None] + [42] * (t.num_rows - 1)]),
            "null in 'seed', row 0",
            id="null",
        ),
        pytest.param(
            "runs",
            lambda t: t.set_column(
                9, "gpu_fragment_pct", [[float("nan")] * t.num_rows]
            ),
            "no number in 'gpu_fragment_pct', row 0",
            id="not a number",
        ),
        pytest.param(
            "series",
            lambda t: t.set_column(3, "arrived_pct", [[5_000_000_000] * t.num_rows]),
            "'series': .*5000000000",
            id="too large",
        ),
    ],
)
def test_bad_tables(
    tables: ReplayTables, tmp_path: Path, name: str, change: Any, message: str
) -> None:
    bad = tables._replace(**{name: change(getattr(tables, name))})
    with pytest.raises(BadTable, match=message):
        write_report(contents_of(bad), ABOUT, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_extra(
    tables: ReplayTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install 'kilonova\[report\]'"):
        write_report(contents_of(tables), ABOUT, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_when_a_picture_fails(
    tables: ReplayTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("older")

    def interrupt(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(vl_convert, "javascript_bundle", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_report(contents_of(tables), ABOUT, tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]


def test_extra_is_loaded_late() -> None:
    code = (
        "import sys, kilonova.replay.report\n"
        "print(sorted({'altair', 'vl_convert'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"
