"""Write docs/columns.md, the table of all columns, from their register.

Run it after a change in ``kilonova.cloud.schema``; a test holds the two together.
"""

from pathlib import Path

from kilonova.cloud.schema import describe

PATH = Path(__file__).resolve().parent.parent / "docs" / "columns.md"

_HEAD = """# Columns

Written by `scripts/write_columns.py` from `sched/kilonova/cloud/schema.py`, which is
the one place where a column is registered. A folder that `Cloud.write` makes has one
Arrow IPC file per table with these columns; names and UUIDs of providers and UUIDs of
consumers are binary columns beside them.

Row numbers refer to the table in the fifth column, -1 to none. Providers lie in tree
preorder, inventories by provider and class.

"""


def text() -> str:
    """Return what the document must hold."""
    return _HEAD + describe()


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
