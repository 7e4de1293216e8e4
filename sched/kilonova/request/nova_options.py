"""The options of Nova that what is asked depends on.

`kilonova.hosts.options.Options` has them all; here stands which of them are read.
"""

from typing import Protocol


class DefaultOptions(Protocol):
    """Of section ``[DEFAULT]``."""

    @property
    def default_schedule_zone(self) -> str | None:
        """Zone of servers that name none."""


class SchedulerOptions(Protocol):
    """Of section ``[scheduler]``."""

    @property
    def max_placement_results(self) -> int:
        """Largest number of candidates asked for."""


class FilterSchedulerOptions(Protocol):
    """Of section ``[filter_scheduler]``."""

    @property
    def pci_in_placement(self) -> bool:
        """Whether PCI aliases are asked of Placement."""


class PciOptions(Protocol):
    """Of section ``[pci]``."""

    @property
    def alias(self) -> tuple[str, ...]:
        """Aliases, a JSON text each."""


class WorkaroundsOptions(Protocol):
    """Of section ``[workarounds]``."""

    @property
    def disable_fallback_pcpu_query(self) -> bool:
        """Whether hosts that report no PCPU are left out."""


class RequestOptions(Protocol):
    """Sections by name."""

    @property
    def default(self) -> DefaultOptions:
        """Section ``[DEFAULT]``."""

    @property
    def scheduler(self) -> SchedulerOptions:
        """Section ``[scheduler]``."""

    @property
    def filter_scheduler(self) -> FilterSchedulerOptions:
        """Section ``[filter_scheduler]``."""

    @property
    def pci(self) -> PciOptions:
        """Section ``[pci]``."""

    @property
    def workarounds(self) -> WorkaroundsOptions:
        """Section ``[workarounds]``."""
