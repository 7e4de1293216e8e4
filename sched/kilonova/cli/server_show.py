"""What ``kilonova server`` shows: steps, servers, and who holds what."""

from collections.abc import Mapping
from typing import Any

from kilonova.candidates.cloud import Cloud
from kilonova.records.migration import EVACUATION, Migration
from kilonova.records.records import Records
from kilonova.records.server import Server

Amounts = Mapping[str, Mapping[str, int]]

# Steps that are seen where an operation does not come to its end.
_FAILURES = frozenset({"abort", "fail"})


class Shown:
    """What an operation did, step by step, and what it came to.

    Attributes
    ----------
    names
        Names of the steps.
    rows
        Step, server and what was held after each.
    """

    def __init__(self, cloud: Cloud, records: Records) -> None:
        self._cloud = cloud
        self._records = records
        self._servers: dict[str, Server] = {}
        self._known = {u: m.status for u, m in records.migrations.items()}
        self.names: list[str] = []
        self.rows: list[dict[str, Any]] = []

    def see(self, step: str, server: Server) -> None:
        """Note a step."""
        self.names.append(step)
        self._servers[server.uuid] = server
        self.rows.append(
            {
                "step": step,
                "server": server.uuid,
                "task_state": server.task_state,
                "holds": self._held(server.uuid),
                "migrations": {
                    migration.uuid: self._held(migration.uuid)
                    for migration in self._records.migrations.values()
                    if migration.server == server.uuid and self._held(migration.uuid)
                },
            }
        )

    @property
    def ended_badly(self) -> bool:
        """Whether something failed that was not made good elsewhere."""
        in_error = any(each.vm_state == "error" for each in self._servers.values())
        return in_error or not _FAILURES.isdisjoint(self.names)

    def document(self) -> dict[str, Any]:
        """Give servers and migrations that had a part in it."""
        return {
            "servers": [self.server(server) for server in self._servers.values()],
            "migrations": [self._migration(each) for each in self._migrations()],
        }

    def lines(self) -> list[str]:
        """Give the same as lines of text."""
        found = []
        for server in self._servers.values():
            where = f" on {server.host}" if server.host else ""
            task = f" ({server.task_state})" if server.task_state else ""
            held = text_of(self._held(server.uuid))
            found.append(
                f"server {server.uuid}: {server.vm_state}{task}{where}; holds {held}"
            )
            if server.fault and self.ended_badly:
                found.append(f"  fault: {server.fault}")
        for each in self._migrations():
            found.append(
                f"migration {each.uuid}: {each.kind}, {each.status}, "
                f"{each.source_host} to {each.dest_host or '-'}; holds "
                f"{text_of(self._held(each.uuid))}"
            )
        return found

    def server(self, server: Server) -> dict[str, Any]:
        """Give one server with what it holds."""
        return {
            "uuid": server.uuid,
            "project": server.project_id,
            "flavor": server.flavor.name,
            "vm_state": server.vm_state,
            "task_state": server.task_state,
            "host": server.host,
            "fault": server.fault,
            "ports": list(server.ports),
            "allocations": self._held(server.uuid),
        }

    def _migrations(self) -> list[Migration]:
        """Give migrations that are new, or have another status now."""
        return [
            migration
            for uuid, migration in self._records.migrations.items()
            if self._known.get(uuid) != migration.status
        ]

    def _migration(self, migration: Migration) -> dict[str, Any]:
        # What was evacuated from a host is still the server's own.
        held = {} if migration.kind == EVACUATION else self._held(migration.uuid)
        return {
            "uuid": migration.uuid,
            "server": migration.server,
            "kind": migration.kind,
            "status": migration.status,
            "source": migration.source_host,
            "destination": migration.dest_host,
            "allocations": held,
        }

    def _held(self, consumer: str) -> Amounts:
        """Give what a consumer holds, by name of the provider."""
        state = self._cloud.state
        return {
            state.provider_names[state.provider_row(provider)]: amounts
            for provider, amounts in self._cloud.allocations(consumer).items()
        }


def step_line(row: Mapping[str, Any]) -> str:
    """Give a step as one line: name, task, what server and migrations hold."""
    migrations = "; ".join(text_of(held) for held in row["migrations"].values())
    return (
        f"{row['step']:21} {row['task_state'] or '-':21} "
        f"server: {text_of(row['holds'])} | migration: {migrations or '-'}"
    )


def text_of(held: Amounts) -> str:
    """Give allocations as text, ``-`` where there are none."""
    parts = [
        f"{provider} " + ", ".join(f"{name} {n}" for name, n in amounts.items())
        for provider, amounts in held.items()
    ]
    return "; ".join(parts) or "-"
