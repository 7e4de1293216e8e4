"""The pictures of a report: what they hold, that Vega takes them, that they fit.

The data in a specification is read back and compared with plain Python over the rows
of the tables; the specification itself with the schema of Vega-Lite.
"""

import json
import re
import statistics
import struct
import zlib
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from kilonova.replay.metrics import ReplayTables
from kilonova.replay.pictures import pictures
from kilonova.replay.report_data import Machine, Point
from kilonova.replay.report_lines import parting
from kilonova.replay.report_look import apart, ticks
from kilonova.replay.report_machines import arranged
from kilonova.replay.report_png import png, repacked, vega_lite_version
from replay_sample import POLICIES, replayed


@pytest.fixture(scope="module")
def tables() -> ReplayTables:
    return replayed()


@pytest.fixture(scope="module")
def specifications(tables: ReplayTables) -> dict[str, dict[str, Any]]:
    """Give the specifications of the page by the names of the pictures."""
    drawn = pictures(tables, interactive=True)
    return {picture.name: picture.specification for picture in drawn}


def test_pictures_are_pngs_at_double_size(tables: ReplayTables) -> None:
    for picture in pictures(tables, interactive=False):
        image = png(picture.specification)
        plain = vl_convert.vegalite_to_png(
            picture.specification, vl_version=vega_lite_version(), scale=1
        )
        once = struct.unpack(">II", plain[16:24])
        twice = tuple(2 * side for side in once)
        assert struct.unpack(">II", image[16:24]) == pytest.approx(twice, abs=2)
        assert len(image) < 500_000


def rows_of(specification: dict[str, Any], part: dict[str, Any]) -> list[list[str]]:
    """Give the rows of the data of a part; the first has the names of the columns."""
    data = part["data"]
    values = data.get("values") or specification["datasets"][data["name"]]
    return [line.split(",") for line in values.splitlines()]


@pytest.mark.parametrize("interactive", [True, False])
def test_specifications_are_valid(tables: ReplayTables, interactive: bool) -> None:
    for picture in pictures(tables, interactive):
        alt.ConcatChart.from_dict(picture.specification, validate=True)
        # Vega refuses what only it can see: a selection in two layers, say.
        drawn = vl_convert.vegalite_to_svg(
            picture.specification, vl_version=vega_lite_version()
        )
        assert drawn.count("<path") > 10


def test_policies_look_alike_in_all_pictures(
    specifications: dict[str, dict[str, Any]],
) -> None:
    scales = set()
    for name in ("final", "allocation", "fragmentation"):
        document = json.dumps(specifications[name])
        scales |= set(
            re.findall(r'"domain": \["FGD"[^]]*\], "range": \["#[^]]*\]', document)
        )
    (scale,) = scales
    assert '"domain": ["FGD", "BestFit", "Random"]' in scale
    assert len(set(re.findall(r"#\w{6}", scale))) == 3


def test_curves_hold_means_and_extremes(
    specifications: dict[str, dict[str, Any]], tables: ReplayTables
) -> None:
    chart = specifications["fragmentation"]
    rows = rows_of(chart, chart["concat"][1]["layer"][0])
    assert rows[0] == ["policy", "arrived", "mean", "low", "high"]
    assert len(rows) == 1 + 131 * len(POLICIES)
    values = [
        row["gpu_fragment_pct"]
        for row in tables.series.to_pylist()
        if (row["workload"], row["policy"]) == ("gpuspec33", "Random")
        and row["arrived_pct"] == 77
    ]
    assert len(values) == 3
    (row,) = [row for row in rows if row[:2] == ["Random", "77"]]
    expected = (statistics.mean(values), min(values), max(values))
    assert [float(value) for value in row[2:]] == pytest.approx(expected, abs=0.0005)


def test_cells_are_the_machines_with_gpus(
    specifications: dict[str, dict[str, Any]], tables: ReplayTables
) -> None:
    chart = specifications["machines-default"]
    rows = rows_of(chart, chart)
    machines = {
        row["name"]: row
        for row in tables.machines.to_pylist()
        if (row["workload"], row["policy"], row["seed"]) == ("default", "FGD", 42)
        and row["gpu_count"]
    }
    assert rows[0][:6] == ["x", "y", "name", "gpu_model", "gpu_count", "used_0"]
    assert {row[2] for row in rows[1:]} == machines.keys()
    for row in rows[1:]:
        machine = machines[row[2]]
        total = 1000 * machine["gpu_count"]
        used = (total - machine["gpu_milli_free"]) / total
        assert float(row[5]) == pytest.approx(used, abs=0.0001)
    part = sum(
        0 < m["gpu_milli_free"] < 1000 * m["gpu_count"] for m in machines.values()
    )
    assert part > 0
    assert f"; {part} machines partly idle," in chart["concat"][0]["title"]["subtitle"]
    assert [panel["title"]["text"] for panel in chart["concat"]] == POLICIES


def test_no_cells_without_gpus(tables: ReplayTables) -> None:
    without = tables.machines.filter(pc.field("gpu_count") == 0)
    drawn = pictures(tables._replace(machines=without), interactive=False)
    assert [p.name for p in drawn] == ["final", "allocation", "fragmentation"]


def test_file_names_of_workloads_differ(tables: ReplayTables) -> None:
    names = {"default": "a b/c", "gpuspec33": "A-B?c"}

    def renamed(table: pa.Table) -> pa.Table:
        workloads = [names[workload] for workload in table["workload"].to_pylist()]
        return table.set_column(0, "workload", [workloads])

    drawn = pictures(ReplayTables(*map(renamed, tables)), interactive=False)
    assert [p.name for p in drawn[3:]] == ["machines-a-b-c", "machines-a-b-c-again"]


def pixels(image: bytes) -> bytes:
    """Decompress the pixels of a PNG file, found by the names of its chunks."""
    found, place = b"", 8
    while place < len(image):
        length = int.from_bytes(image[place : place + 4], "big")
        chunk = image[place + 4 : place + 8 + length]
        checksum = int.from_bytes(
            image[place + 8 + length : place + 12 + length], "big"
        )
        assert zlib.crc32(chunk) == checksum
        found += chunk[4:] if chunk[:4] == b"IDAT" else b""
        place += length + 12
    return zlib.decompress(found)


def test_repacked_has_the_same_pixels(tables: ReplayTables) -> None:
    specification = pictures(tables, interactive=False)[0].specification
    image: bytes = vl_convert.vegalite_to_png(
        specification, vl_version=vega_lite_version()
    )
    smaller = repacked(image)
    assert len(smaller) < len(image) / 2
    assert smaller[:33] == image[:33]
    assert pixels(smaller) == pixels(image)


@given(
    st.lists(st.integers(0, 40).map(lambda n: n / 4), min_size=1, max_size=9),
    st.sampled_from([0.25, 1.0, 3.0]),
)
def test_apart_moves_least(values: list[float], gap: float) -> None:
    """Isotonic regression of what is left without the gaps, by another library."""
    places = apart(values, gap, (-100, 100))
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(values))
    expected = isotonic_regression(np.array(values)[order] - steps).x + steps
    assert np.array(places)[order] == pytest.approx(expected, abs=1e-9)
    assert (np.diff(np.sort(places)) >= gap - 1e-9).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([5, 2], [5, 2], id="far apart"),
        pytest.param([9.9, 9.8], [10, 9], id="too high"),
        pytest.param([0, 0.1, 5], [0, 1, 5], id="too low"),
        pytest.param([5, 5], [4.5, 5.5], id="equal"),
    ],
)
def test_apart_stays_within(values: list[float], expected: list[float]) -> None:
    assert apart(values, 1, (0, 10)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ends", "most", "expected"),
    [
        pytest.param((60, 100), 8, [60, 70, 80, 90, 100], id="tens"),
        pytest.param((78, 96), 5, [80, 85, 90, 95], id="not round"),
        pytest.param((0, 130), 8, [0, 20, 40, 60, 80, 100, 120], id="twenties"),
        pytest.param((0, 1000), 30, list(range(0, 1001, 50)), id="many"),
    ],
)
def test_ticks(ends: tuple[float, float], most: int, expected: list[int]) -> None:
    assert ticks(ends, most) == expected


@pytest.mark.parametrize(
    ("low", "expected"),
    [
        pytest.param(49.0, None, id="near the ideal"),
        pytest.param(48.9, 50, id="below it"),
    ],
)
def test_parting(low: float, expected: int | None) -> None:
    curve = [(40, 40.0), (50, low), (130, 99.5)]
    points = [Point("w", "p", arrived, 100, value, 100) for arrived, value in curve]
    assert parting(points) == expected


def test_machines_are_arranged_by_model_and_row() -> None:
    models = {"G2": range(0, 40, 2), "T4": range(1, 40, 4), "A10": range(3, 40, 4)}
    cluster = [
        Machine(machine, "", model, 1, 0, 0)
        for model, machines in models.items()
        for machine in machines
    ]
    grid = arranged(cluster[::-1])
    assert len(set(grid.places.values())) == len(grid.places) == 40
    # Read line by line: G2 has most machines; A10 comes before T4 of equal number.
    read = sorted(grid.places, key=lambda machine: grid.places[machine][::-1])
    assert read == [*models["G2"], *models["A10"], *models["T4"]]
    assert [label for label, _ in grid.models] == ["G2 · 20", "A10 · 10", "T4 · 10"]
    rows = {
        model: {grid.places[machine][1] for machine in machines}
        for model, machines in models.items()
    }
    assert max(rows["G2"]) + 1 not in set().union(*rows.values())
    for model, middle in zip(("G2", "A10", "T4"), grid.models, strict=True):
        assert middle[1] == statistics.mean(rows[model])
    assert max(x for x, _ in grid.places.values()) == grid.width - 1
    assert max(y for _, y in grid.places.values()) == grid.height - 1
