"""Which rules of Nova and of Placement guard which operation."""

from kilonova.admin.policy_rules import RuleSet
from kilonova.errors import UnknownOperation

_CREATE = "servers:create"
_ACROSS = "compute:servers:resize:cross_cell"
# Commands of nova-manage are no calls of an API and have no rule. What they do is for
# those who administer the whole system.
_ADMIN = "system_admin_api|context_is_admin"
_BASE = frozenset(["system_admin_api", "context_is_admin"])

# Where several rules are named all must hold, as Nova asks one after the other. A rule
# that a release does not have yet is not asked in it; `a|b` is b where there is no a.
_SHORT = {
    # Servers.
    "server-list": "servers:index",
    "server-list-all-projects": "servers:index servers:index:get_all_tenants",
    "server-list-details": "servers:detail",
    "server-list-details-all-projects": "servers:detail servers:detail:get_all_tenants",
    "server-show": "servers:show",
    "server-create": _CREATE,
    "server-create-on-host": f"{_CREATE} {_CREATE}:forced_host",
    "server-create-with-destination": (
        f"{_CREATE} compute:servers:create:requested_destination"
    ),
    "server-create-with-network": f"{_CREATE} {_CREATE}:attach_network",
    "server-create-with-volume": f"{_CREATE} {_CREATE}:attach_volume",
    "server-create-without-disk": f"{_CREATE} {_CREATE}:zero_disk_flavor",
    "server-update": "servers:update",
    "server-delete": "servers:delete",
    "server-force-delete": "os-deferred-delete:force",
    "server-restore": "os-deferred-delete:restore",
    "server-start": "servers:start",
    "server-stop": "servers:stop",
    "server-reboot": "servers:reboot",
    "server-rebuild": "servers:rebuild",
    "server-resize": "servers:resize",
    "server-resize-across-cells": f"servers:resize {_ACROSS}",
    "server-confirm-resize": "servers:confirm_resize",
    "server-revert-resize": "servers:revert_resize",
    "server-migrate": "os-migrate-server:migrate",
    "server-migrate-to-host": (
        "os-migrate-server:migrate:host|os-migrate-server:migrate"
    ),
    "server-migrate-across-cells": f"os-migrate-server:migrate {_ACROSS}",
    "server-migrate-to-host-across-cells": (
        f"os-migrate-server:migrate:host|os-migrate-server:migrate {_ACROSS}"
    ),
    "server-live-migrate": "os-migrate-server:migrate_live",
    "server-live-migrate-to-host": (
        "os-migrate-server:migrate_live:host|os-migrate-server:migrate_live"
    ),
    "server-evacuate": "os-evacuate",
    "server-rescue": "os-rescue",
    "server-unrescue": "os-unrescue",
    "server-shelve": "os-shelve:shelve",
    "server-shelve-offload": "os-shelve:shelve_offload",
    "server-unshelve": "os-shelve:unshelve",
    "server-unshelve-to-host": "os-shelve:unshelve os-shelve:unshelve_to_host",
    "server-reset-state": "os-admin-actions:reset_state",
    "server-lock": "os-lock-server:lock",
    "server-unlock": "os-lock-server:unlock",
    "server-pause": "os-pause-server:pause",
    "server-unpause": "os-pause-server:unpause",
    "server-suspend": "os-suspend-server:suspend",
    "server-resume": "os-suspend-server:resume",
    "server-show-topology": "compute:server:topology:index",
    "server-show-topology-of-host": (
        "compute:server:topology:index compute:server:topology:host:index"
    ),
    # Ports and volumes of servers.
    "port-list": "os-attach-interfaces:list",
    "port-show": "os-attach-interfaces:show",
    "port-attach": "os-attach-interfaces:create",
    "port-detach": "os-attach-interfaces:delete",
    "volume-list": "os-volumes-attachments:index",
    "volume-show": "os-volumes-attachments:show",
    "volume-attach": "os-volumes-attachments:create",
    "volume-detach": "os-volumes-attachments:delete",
    "volume-swap": "os-volumes-attachments:swap",
    # Migrations.
    "migration-list": "os-migrations:index",
    "migration-list-all-projects": (
        "os-migrations:index os-migrations:index:all_projects"
    ),
    "live-migration-list": "servers:migrations:index",
    "live-migration-show": "servers:migrations:show",
    "live-migration-abort": "servers:migrations:delete",
    "live-migration-force-complete": "servers:migrations:force_complete",
    # Server groups.
    "server-group-list": "os-server-groups:index",
    "server-group-list-all-projects": (
        "os-server-groups:index os-server-groups:index:all_projects"
    ),
    "server-group-show": "os-server-groups:show",
    "server-group-create": "os-server-groups:create",
    "server-group-delete": "os-server-groups:delete",
    # Host aggregates.
    "aggregate-list": "os-aggregates:index",
    "aggregate-show": "os-aggregates:show",
    "aggregate-create": "os-aggregates:create",
    "aggregate-update": "os-aggregates:update",
    "aggregate-delete": "os-aggregates:delete",
    "aggregate-add-host": "os-aggregates:add_host",
    "aggregate-remove-host": "os-aggregates:remove_host",
    "aggregate-set-metadata": "os-aggregates:set_metadata",
    "aggregate-cache-images": "compute:aggregates:images",
    # Hosts.
    "hypervisor-list": "os-hypervisors:list",
    "hypervisor-list-details": "os-hypervisors:list-detail",
    "hypervisor-show": "os-hypervisors:show",
    "hypervisor-servers": "os-hypervisors:servers",
    "hypervisor-statistics": "os-hypervisors:statistics",
    "service-list": "os-services:list",
    "service-update": "os-services:update",
    "service-delete": "os-services:delete",
    "availability-zone-list": "os-availability-zone:list",
    "availability-zone-list-details": "os-availability-zone:detail",
    # Flavors and quota.
    "flavor-create": "os-flavor-manage:create",
    "flavor-update": "os-flavor-manage:update",
    "flavor-delete": "os-flavor-manage:delete",
    "flavor-list-access": "os-flavor-access",
    "flavor-add-access": "os-flavor-access:add_tenant_access",
    "flavor-remove-access": "os-flavor-access:remove_tenant_access",
    "flavor-list-extra-specs": "os-flavor-extra-specs:index",
    "flavor-show-extra-spec": "os-flavor-extra-specs:show",
    "flavor-create-extra-specs": "os-flavor-extra-specs:create",
    "flavor-update-extra-spec": "os-flavor-extra-specs:update",
    "flavor-delete-extra-spec": "os-flavor-extra-specs:delete",
    "quota-show": "os-quota-sets:show",
    "quota-show-details": "os-quota-sets:detail",
    "quota-show-defaults": "os-quota-sets:defaults",
    "quota-update": "os-quota-sets:update",
    "quota-delete": "os-quota-sets:delete",
    "limits-show": "limits",
    "limits-show-other-project": "limits limits:other_project",
    "usage-list": "os-simple-tenant-usage:list",
    "usage-show": "os-simple-tenant-usage:show",
    # Placement.
    "placement-audit": _ADMIN,
    "placement-audit-delete": _ADMIN,
    "placement-heal-allocations": _ADMIN,
    "placement-sync-aggregates": _ADMIN,
}
# Placement's rules are a set of their own, and so are an operator's files over them.
_OF_PLACEMENT = {
    "allocation-candidates-list": "placement:allocation_candidates:list",
    # What nova-compute asks for as it reports the tree of its host.
    "provider-tree-update": """
        placement:resource_providers:create placement:resource_providers:delete
        placement:resource_providers:inventories:update
        placement:resource_providers:traits:update""",
}

OPERATIONS = tuple(_SHORT)
"""Names of the operations that ask Nova's rules."""

PLACEMENT_OPERATIONS = tuple(_OF_PLACEMENT)
"""Names of the operations that ask Placement's rules."""


def service_of(operation: str) -> str:
    """Say whose rules an operation asks: ``nova`` or ``placement``."""
    of_placement = operation in _OF_PLACEMENT or operation.startswith("placement:")
    return "placement" if of_placement else "nova"


def rules_of(operation: str, known: RuleSet) -> tuple[str, ...]:
    """Give the rules that an operation asks in one release.

    Parameters
    ----------
    operation
        One of the operations, or the name of a rule, which then is asked alone.
    known
        The rules of the release, of the service that the operation asks.

    Raises
    ------
    UnknownOperation
        It is neither.
    """
    if operation in known.rules:
        return (operation,)
    operations = _OF_PLACEMENT if known.service == "placement" else _SHORT
    if operation not in operations:
        raise UnknownOperation(
            f"No operation or rule {operation!r} in {known.service} {known.version}; "
            f"`kilonova policy list` shows the {len(operations)} operations."
        )
    found = []
    for alternatives in operations[operation].split():
        names = [_whole(rule) for rule in alternatives.split("|")]
        found += [name for name in names if name in known.rules][:1]
    return tuple(found)


def _whole(rule: str) -> str:
    is_whole = rule in _BASE or rule.startswith(("compute:", "placement:"))
    return rule if is_whole else f"os_compute_api:{rule}"
