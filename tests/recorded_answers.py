"""Answers of Nova to random cases, recorded so that they are compared without it, too.

A file has a line for each case: what is given, and under ``answer`` what Nova said.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "data" / "conformance"
Case = Callable[[int], dict[str, Any]]
Answer = Callable[[dict[str, Any]], dict[str, Any]]


def record(name: str, case: Case, answer: Answer, cases: int) -> None:
    """Write the answers to the first cases."""
    lines = []
    for seed in range(cases):
        given = case(seed)
        lines.append(json.dumps({**given, "answer": answer(given)}, sort_keys=True))
    with gzip.GzipFile(FOLDER / name, "wb", mtime=0) as file:
        file.write(("\n".join(lines) + "\n").encode())


def compare(name: str, case: Case, ours: Answer) -> list[dict[str, Any]]:
    """Compare our answers to all cases of a file; give Nova's."""
    with gzip.open(FOLDER / name, "rt", encoding="utf-8") as lines:
        recorded = [json.loads(line) for line in lines]
    answers = []
    for seed, given in enumerate(recorded):
        truth = given.pop("answer")
        assert given == case(seed)
        assert ours(given) == truth, given
        answers.append(truth)
    return answers
