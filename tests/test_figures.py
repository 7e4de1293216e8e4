"""Figures reach a document through its markers, and only where they make sense.

The document is never touched unless it has one place for the figures; what a replay
reports of its start is refused where a figure is missing or impossible.
"""

from pathlib import Path

import pytest

import figures
import measure_start

BEGIN = "<!-- speed:begin -->"
END = "<!-- speed:end -->"
DOCUMENT = f"# Title\n\nThe marker `{BEGIN}`.\n\n{BEGIN}\nold\n{END}\n\nRest.\n"


def test_only_the_place_changes() -> None:
    assert figures.replace(DOCUMENT, "speed", "| a |\n| b |\n") == (
        f"# Title\n\nThe marker `{BEGIN}`.\n\n"
        f"{BEGIN}\n\n| a |\n| b |\n\n{END}\n\nRest.\n"
    )


def test_again_is_the_same() -> None:
    once = figures.replace(DOCUMENT, "speed", "new")
    assert figures.replace(once, "speed", "new") == once


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("nothing", id="no markers"),
        pytest.param(f"{BEGIN}\n", id="no end"),
        pytest.param(f"{END}\n{BEGIN}\n", id="end first"),
        pytest.param(f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", id="two places"),
        pytest.param("<!-- other:begin -->\n<!-- other:end -->\n", id="another"),
    ],
)
def test_no_one_place_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(figures.FigureError, match=r"README\.md: Must hold"):
        figures.write(path, "speed", "new")
    assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_write_leaves_the_file_alone_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    figures.write(path, "speed", "new")
    assert path.read_text(encoding="utf-8") == figures.replace(DOCUMENT, "speed", "new")
    assert list(tmp_path.iterdir()) == [path]


def test_table() -> None:
    assert figures.table(("what", "ms"), [("start", "12")]) == (
        "| what | ms |\n| --- | ---: |\n| start | 12 |"
    )


def test_machine_names_versions() -> None:
    line = figures.machine(["pytest"])
    assert f"pytest {pytest.__version__}" in line
    assert "\n" not in line


def test_report_of_a_replay() -> None:
    report = '{"runs": [{"first_decision_s": 1.5, "compile_s": 0, "policy": "FGD"}]}'
    assert measure_start.read_report(report) == measure_start.Replay(0.0, 1.5)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        pytest.param("Done.", "no JSON", id="a sentence"),
        pytest.param("[1]", "one object in 'runs'", id="a list"),
        pytest.param('{"runs": []}', "one object in 'runs'", id="no run"),
        pytest.param('{"runs": [{}, {}]}', "one object in 'runs'", id="two runs"),
        pytest.param(
            '{"runs": [{"compile_s": 1.0, "policy": "FGD"}]}',
            r"'first_decision_s' .* got None.*\['compile_s', 'policy'\]",
            id="no first decision",
        ),
        pytest.param(
            '{"runs": [{"compile_s": true, "first_decision_s": 1.0}]}',
            "'compile_s' .* got True",
            id="a truth value",
        ),
        pytest.param(
            '{"runs": [{"compile_s": -1, "first_decision_s": 1.0}]}',
            "'compile_s' .* got -1",
            id="below zero",
        ),
    ],
)
def test_report_that_makes_no_sense(report: str, message: str) -> None:
    with pytest.raises(figures.FigureError, match=message):
        measure_start.read_report(report)


def test_report_of_compiling_all() -> None:
    report = (
        '{"compile_cpu_s": 40.0, "not_compiled": ["fits.rare"], '
        '"kernels": {"scan.scan_fitting": 10.0, "select.select_all": 30.0}}'
    )
    assert measure_start.read_cold(report) == measure_start.Cold(
        40.0, 2, ("select.select_all 75 %", "scan.scan_fitting 25 %"), ("fits.rare",)
    )


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("Done.", "Not a report"),
        ('{"compile_cpu_s": 1.0}', "Not a report"),
        ('{"compile_cpu_s": 0, "kernels": {}, "not_compiled": []}', "must mean"),
    ],
)
def test_report_of_compiling_that_makes_no_sense(report: str, message: str) -> None:
    with pytest.raises(figures.FigureError, match=message):
        measure_start.read_cold(report)
