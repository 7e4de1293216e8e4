"""Files of text and JSON that are given: what is wrong with one is said in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kilonova.errors import BadInput

Told = Callable[[Path, Exception], str]
"""What is told of a file and an OSError, RecursionError or ValueError in reading it."""


def plainly(what: str = "") -> Told:
    """Tell what is wrong; ``what`` comes before the path, such as ``Options: ``."""

    def told(path: Path, error: Exception) -> str:
        # An OSError would name the path again, after its number.
        why = error.strerror if isinstance(error, OSError) else error
        return f"{what}{path} cannot be read: {why}."

    return told


def as_kind(kind: str, missing: str = "no such file") -> Told:
    """Tell what a file is not, that was to be ``kind``, such as ``a cloud``."""

    def told(path: Path, error: Exception) -> str:
        match error:
            case FileNotFoundError():
                return f"{path}: {missing}."
            case OSError():
                return f"{path} cannot be read: {error.strerror}."
            case RecursionError():
                return f"{path} is nested too deeply to be {kind}."
        return f"{path} is not JSON: {error}."

    return told


def read_text(path: Path, told: Told) -> str:
    """Read a file as UTF-8; raises BadInput with what is told of it."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(told(path, error)) from error


def read_json(path: Path, told: Told) -> Any:
    """Read a JSON file; raises BadInput with what is told of it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise BadInput(told(path, error)) from error
