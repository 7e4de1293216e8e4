"""Options of Nova that operations read, with Nova's names and defaults."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """What operations may do; the scheduler has options of its own.

    Attributes
    ----------
    allow_resize_to_same_host
        Whether a resize may stay on its host.
    migrate_max_retries
        Further hosts that a live migration tries, -1 for all.
    shelved_offload_time
        Seconds after which a shelved server is offloaded; 0: at once, -1: never. What
        is to happen later is left to the caller.
    skip_hypervisor_version_check_on_lm
        Whether a live migration may go to an older hypervisor.
    compute_version
        Lowest version of the nova-compute services.
    cross_cell_with_port_resources
        Whether servers whose ports ask for resources may move across cells. Nova, which
        has no such option, keeps them in their cell.
    """

    allow_resize_to_same_host: bool = False
    migrate_max_retries: int = -1
    shelved_offload_time: int = 0
    skip_hypervisor_version_check_on_lm: bool = False
    compute_version: int = 74
    cross_cell_with_port_resources: bool = False
