"""A small cloud on disk, and the command line as an operator uses it on that."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kilonova.candidates.cloud import Cloud
from kilonova.cli import main
from kilonova.records.document import read_file
from kilonova.records.records import Records
from moves_cloud import make_cloud

SMALL = "vcpus=2,ram=2048,disk=10,name=small"
LARGE = "vcpus=4,ram=4096,disk=20,name=large"


class StorySite:
    """A cloud and records on disk; each command that changes them writes both."""

    def __init__(
        self,
        folder: Path,
        shown: pytest.CaptureFixture[str],
        names: Sequence[str] = ("a", "b", "c"),
        **more: Any,
    ) -> None:
        document = make_cloud(names).to_document()
        for host in document["hosts"]:
            # Otherwise they would have been silent for long.
            del host["last_seen_up"]
        self.path, self.known = folder / "cloud", folder / "records.json"
        self.folder, self._shown = folder, shown
        Cloud.from_document(document | more).write(self.path)
        Records().save(self.known)

    def run(self, *arguments: str) -> int:
        """Run any command; give its exit status, and forget what was printed before."""
        self._shown.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        return int(ended.value.code or 0)

    def server(self, name: str, *more: str) -> int:
        """Run ``kilonova server``; what it did is written over what was there."""
        files = ("--out", str(self.path), "--records-out", str(self.known))
        cloud, records = str(self.path), str(self.known)
        return self.run("server", name, cloud, *more, "--records", records, *files)

    def audit(self, *more: str) -> int:
        """Run ``kilonova audit --verbose`` over the same files."""
        return self.run(
            "audit", str(self.path), "--records", str(self.known), "--verbose", *more
        )

    def shown(self) -> str:
        """Give what the last command printed."""
        return self._shown.readouterr().out

    def complained(self) -> str:
        """Give what the last command printed on standard error."""
        return self._shown.readouterr().err

    def printed(self) -> tuple[str, str]:
        """Give what the last command printed, and what on standard error."""
        found = self._shown.readouterr()
        return found.out, found.err

    def told(self) -> dict[str, Any]:
        """Give what the last command printed as JSON."""
        found: dict[str, Any] = json.loads(self.shown())
        return found

    def held(self, consumer: str) -> dict[str, dict[str, int]]:
        """Give what a consumer holds."""
        return Cloud.read(self.path).allocations(consumer)

    def hosts_of(self, consumer: str) -> set[str]:
        """Give the hosts in whose trees a consumer holds something."""
        return {provider.partition(":")[0] for provider in self.held(consumer)}

    def records(self) -> Records:
        """Read the records."""
        return read_file(self.known)

    def texts(self) -> dict[str, bytes]:
        """Give what all files hold."""
        paths = [*self.path.rglob("*"), self.known]
        return {str(path): path.read_bytes() for path in paths if path.is_file()}
