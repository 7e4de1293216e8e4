"""What commands read: clouds, options of Nova, and texts of the command line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from kilonova.candidates.cloud import Cloud
from kilonova.errors import BadInput
from kilonova.hosts.options import Options
from kilonova.hosts.options_file import read_options
from kilonova.request.flavor import Flavor
from kilonova.textfiles import as_kind, read_json

_FLAVOR = {
    "vcpus": "vcpus",
    "ram": "memory_mb",
    "disk": "root_gb",
    "ephemeral": "ephemeral_gb",
    "swap": "swap_mb",
}


def read_cloud(path: Path) -> Cloud:
    """Read a cloud from a JSON document or a folder.

    Raises
    ------
    BadInput
        There is none, or it cannot be right.
    """
    if path.is_dir():
        return Cloud.read(path)
    document = read_json(path, as_kind("a cloud", missing="no such file or folder"))
    if not isinstance(document, dict) or "providers" not in document:
        kind = type(document).__name__
        raise BadInput(f"{path} must hold a JSON object with 'providers', got {kind}.")
    return Cloud.from_document(document)


def options_of(config_file: Path | None) -> Options:
    """Read Nova's options; without a file, those that it has by itself; BadOption."""
    return read_options(config_file) if config_file else Options()


def pairs_of(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` texts of an option; raises BadInput."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise BadInput(f"{option} must be KEY=VALUE, got {text!r}.")
        found[key] = value
    return found


def flavor_of(text: str, extra_specs: dict[str, str]) -> Flavor:
    """Read ``vcpus=4,ram=8192,disk=40`` as a flavor; raises BadInput."""
    pairs = pairs_of("--flavor", text.split(","))
    name = pairs.pop("name", "")
    if unknown := sorted(set(pairs) - set(_FLAVOR)):
        known = ", ".join([*_FLAVOR, "name"])
        raise BadInput(f"--flavor has no {unknown[0]!r}; known: {known}.")
    if missing := sorted({"vcpus", "ram"} - set(pairs)):
        raise BadInput(f"--flavor needs {missing[0]}, as in vcpus=4,ram=8192,disk=40.")
    amounts = {}
    for key, value in pairs.items():
        if not (value.isascii() and value.isdigit()):
            raise BadInput(f"--flavor: {key} must be a whole number, got {value!r}.")
        amounts[_FLAVOR[key]] = int(value)
    return Flavor(name=name, extra_specs=extra_specs, **amounts)


def ports_of(text: str) -> list[dict[str, Any]]:
    """Read ports from JSON, or from a file of it; raises BadInput."""
    source = text
    if not text.lstrip().startswith(("{", "[")):
        try:
            source = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(
                f"--port must be JSON or a file of it, got {text!r}."
            ) from error
    try:
        found = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"--port {text!r:.60} is not JSON: {error}.") from error
    ports = found if isinstance(found, list) else [found]
    if not all(isinstance(port, dict) for port in ports):
        raise BadInput(f"--port must be an object or a list of them, got {text!r:.60}.")
    return cast(list[dict[str, Any]], ports)
