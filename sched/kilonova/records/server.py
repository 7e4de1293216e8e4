"""A server, as Nova's databases know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kilonova.request.flavor import Flavor
from kilonova.request.image import Image


@dataclass(slots=True)
class Server:
    """A server (Nova calls it an instance) and where it is.

    Attributes
    ----------
    uuid
        UUID; its allocations have a consumer of the same.
    flavor, image
        What it is made of, and booted from.
    project_id, user_id
        Whose it is.
    host, node
        Compute service and node that it is on; None where it is on none.
    cell
        UUID of the cell whose database has it; None where there are no cells.
    vm_state
        ``building``, ``active``, ``paused``, ``suspended``, ``stopped``, ``rescued``,
        ``resized``, ``shelved``, ``shelved_offloaded``, ``error``, ``deleted``,
        ``soft-delete``.
    task_state
        What is being done to it, in Nova's words (``resize_prep``, ``migrating``,
        ...), or None.
    power_state
        ``running``, ``shutdown``, ``paused``, ``suspended``, ``crashed`` or
        ``nostate``.
    availability_zone
        The zone that its owner asked for, or None.
    server_group
        UUID of its server group, or None.
    ports
        UUIDs of its ports, in the order of attachment.
    hints
        Scheduler hints that it was booted with.
    is_volume_backed
        Whether its root disk is a volume.
    created_at
        Seconds since 1970; what orders servers by age.
    min_disk_gb
        GiB that the root disk must have, as it had when it was built last: Nova shrinks
        none. 0: unknown.
    old_flavor, new_flavor
        While it is resized: the flavor that it came from, and goes to.
    old_vm_state
        While it is resized: ``vm_state`` before.
    launched
        Whether it has ever run.
    locked
        Whether it is locked against its owner.
    hidden
        Whether this copy is not to be seen: while it moves across cells, there are two.
    fault
        What failed last, or None.
    """

    uuid: str
    flavor: Flavor
    image: Image = field(default_factory=Image)
    project_id: str = ""
    user_id: str = ""
    host: str | None = None
    node: str | None = None
    cell: str | None = None
    vm_state: str = "active"
    task_state: str | None = None
    power_state: str = "running"
    availability_zone: str | None = None
    server_group: str | None = None
    ports: tuple[str, ...] = ()
    hints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_volume_backed: bool = False
    created_at: float = 0.0
    min_disk_gb: int = 0
    old_flavor: Flavor | None = None
    new_flavor: Flavor | None = None
    old_vm_state: str | None = None
    launched: bool = True
    locked: bool = False
    hidden: bool = False
    fault: str | None = None

    def forget_resize(self) -> None:
        """Forget from which flavor and state it came, and to which flavor it goes."""
        self.old_flavor = self.new_flavor = self.old_vm_state = None
