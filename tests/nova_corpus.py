"""The recorded answers of Nova in data/conformance, loaded for the tests."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "data" / "conformance" / "nova_cases.jsonl.gz"


def cases(kind: str) -> list[dict[str, Any]]:
    """Load the recorded cases of one kind."""
    return [row for row in _rows() if row["kind"] == kind]


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return tuple(map(json.loads, lines))
