"""The report of a replay: a page, its pictures as PNG files, the metrics as Parquet."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kilonova.errors import BadInput
from kilonova.newfiles import new_files
from kilonova.replay.contents import Contents
from kilonova.replay.report_about import About

PAGE = "report.html"


def write_report(contents: Contents, about: About, folder: Path) -> list[Path]:
    """Write the whole report of a replay, or nothing of it.

    Parameters
    ----------
    contents
        What follows from the tables.
    about
        Title, source, command and attributions.
    folder
        Destination; made when missing. Files of an older report are replaced.

    Returns
    -------
    list
        The files, the page first.

    Raises
    ------
    BadInput
        When the extra ``report`` is not installed, or ``folder`` cannot be written to.
    """
    require_extra()
    from kilonova.replay.report_page import page
    from kilonova.replay.report_png import png

    with new_files(folder) as new:
        write_metrics(contents.tables, new)
        for picture in contents.draw(False):
            (new / f"{picture.name}.png").write_bytes(png(picture.specification))
        text = page(contents, about, contents.draw(True))
        (new / PAGE).write_text(text, encoding="utf-8")
        names = sorted((path.name for path in new.iterdir()), key=_page_first)
    return [folder / name for name in names]


def write_metrics(tables: Mapping[str, pa.Table], folder: Path) -> None:
    """Write tables as Parquet files into a folder."""
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def require_extra() -> None:
    """Refuse when a library that only reports need is missing.

    Raises
    ------
    BadInput
        With the command that installs it.
    """
    missing = [name for name in ("altair", "vl_convert") if find_spec(name) is None]
    if missing:
        raise BadInput(
            f"A report needs {' and '.join(missing)}: pip install 'kilonova[report]'"
        )


def _page_first(name: str) -> tuple[bool, str]:
    return name != PAGE, name
