"""The recorded answers of Nova in data/conformance, loaded for the tests."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "data" / "conformance" / "nova_cases.jsonl.gz"


@cache
def _all_cases() -> list[dict[str, Any]]:
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def cases(kind: str) -> list[dict[str, Any]]:
    """Return the cases of one kind, each a plain dictionary as it was recorded."""
    return [case for case in _all_cases() if case["kind"] == kind]
