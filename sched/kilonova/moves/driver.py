"""What is done outside of Kilonova: on hosts, in Neutron, Cinder and Cyborg."""

from collections import Counter
from typing import Protocol

from kilonova.errors import StepFailed
from kilonova.records.server import Server


class Driver(Protocol):
    """Does the steps of operations; ``docs/moves.md`` lists their names."""

    def run(self, step: str, server: Server, host: str) -> None:
        """Do one step for a server on a host, and return when it is done.

        Raises
        ------
        StepFailed
            It could not be done. What follows is what Nova does then.
        """


# What fails at a step as a rule, where it decides what Nova does then.
_NOVA = {
    "check_live_migration": "MigrationPreCheckError",
    "claim": "ComputeResourcesUnavailable",
    "bind_ports": "PortBindingFailed",
}


class SimulatedDriver:
    """Does nothing, and fails where it is told to.

    Attributes
    ----------
    done
        Step, UUID of the server, host: what was done, in order.
    """

    def __init__(self) -> None:
        self.done: list[tuple[str, str, str]] = []
        self._failing: Counter[tuple[str, str | None]] = Counter()
        self._errors: dict[tuple[str, str | None], StepFailed] = {}

    def fail(
        self,
        step: str,
        host: str | None = None,
        times: int = 1,
        error: StepFailed | None = None,
    ) -> None:
        """Let the next ``times`` runs of a step fail, on one host or on any."""
        self._failing[step, host] += times
        nova = _NOVA.get(step, "NovaException")
        self._errors[step, host] = error or StepFailed(f"{step} failed", nova)

    def waiting(self) -> list[str]:
        """Give what was to fail and has not run, as ``step`` or ``step@host``."""
        return [
            f"{step}@{host}" if host else step
            for (step, host), times in self._failing.items()
            if times > 0
        ]

    def run(self, step: str, server: Server, host: str) -> None:
        """Note a step; raises StepFailed where it is to fail."""
        for key in ((step, host), (step, None)):
            if self._failing[key] > 0:
                self._failing[key] -= 1
                raise self._errors[key]
        self.done.append((step, server.uuid, host))
