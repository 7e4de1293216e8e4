"""A plan as a Parquet file, which also keeps what of it was carried out.

One row for each server, in the order of the plan; what is said of all of them, as JSON,
is in the metadata of the file.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from kilonova.errors import BadInput, BadTable
from kilonova.newfiles import new_files
from kilonova.plan.plan import STATUSES, Plan, Step

FORMAT = "kilonova-evacuation/1"
_KEY = b"kilonova"


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan, wholly or not at all.

    Raises
    ------
    BadInput
        The file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path).absolute()
    if path.is_dir():
        raise BadInput(f"{str(path)!r} is a folder; give a file for the plan.")
    schema = _schema(pa)
    rows: dict[str, list[Any]] = {"step": list(range(len(plan.steps)))}
    for each in fields(Step):
        rows[each.name] = [getattr(step, each.name) for step in plan.steps]
    for name in ("held", "allocations"):
        rows[name] = [
            [(provider, list(amounts.items())) for provider, amounts in value.items()]
            for value in rows[name]
        ]
    about = {"format": FORMAT} | {
        each.name: getattr(plan, each.name)
        for each in fields(Plan)
        if each.name != "steps"
    }
    table = pa.table(rows, schema=schema)
    table = table.replace_schema_metadata({_KEY: json.dumps(about).encode()})
    with new_files(path.parent) as folder:
        pq.write_table(table, folder / path.name, compression="zstd")


def read_plan(path: str | Path) -> Plan:
    """Read what ``write_plan`` wrote.

    Raises
    ------
    BadInput, BadTable
        There is no such file, or it is something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file; plan first, without --apply.") from error
    except (OSError, pa.ArrowException) as error:
        raise BadTable(f"{path} is not a Parquet file: {error}.") from error
    about = _about(path, table.schema.metadata or {})
    schema = _schema(pa)
    if table.schema.remove_metadata() != schema:
        raise BadTable(f"{path} must have the columns {schema.names}.")
    steps = []
    for row in table.to_pylist():
        del row["step"]
        for name in ("held", "allocations"):
            row[name] = {provider: dict(amounts) for provider, amounts in row[name]}
        if row["status"] not in STATUSES:
            raise BadTable(
                f"{path}: status must be one of {STATUSES}, got {row['status']!r:.80}."
            )
        steps.append(Step(**row))
    about["hosts"] = tuple(about["hosts"])
    return Plan(steps=steps, **about)


def _about(path: str | Path, metadata: dict[bytes, bytes]) -> dict[str, Any]:
    try:
        about = json.loads(metadata[_KEY])
    except (KeyError, ValueError):
        about = None
    known = {each.name for each in fields(Plan)} - {"steps"} | {"format"}
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise BadTable(f"{path} is not a plan of evacuations of format {FORMAT!r}.")
    if set(about) != known:
        raise BadTable(f"{path}: its metadata must have {sorted(known)}.")
    del about["format"]
    return about


def _schema(pa: Any) -> Any:
    amounts = pa.map_(pa.string(), pa.map_(pa.string(), pa.int64()))
    return pa.schema(
        [
            ("step", pa.int64()),
            ("server", pa.string()),
            ("source", pa.string()),
            ("target", pa.string()),
            ("status", pa.string()),
            ("reason", pa.string()),
            ("generation", pa.int64()),
            ("held", amounts),
            ("allocations", amounts),
        ]
    )
