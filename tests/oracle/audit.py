"""Which allocations belong to nothing, provider by provider, from plain documents.

Written from ``nova-manage placement audit``: providers and consumers in their order,
each asked whether the compute node of its tree has such a server or migration.
"""

from collections.abc import Mapping, Sequence
from typing import Any

NOVA = {
    "VCPU",
    "MEMORY_MB",
    "DISK_GB",
    "VGPU",
    "NET_BW_EGR_KILOBIT_PER_SEC",
    "NET_BW_IGR_KILOBIT_PER_SEC",
    "PCPU",
    "MEM_ENCRYPTION_CONTEXT",
}
OVER = {"confirmed", "reverted", "error", "failed", "completed", "cancelled", "done"}

Document = Mapping[str, Any]
Orphan = tuple[str, str, dict[str, int]]


def orphans(
    cloud: Document,
    records: Document,
    *,
    only: str | None = None,
    all_classes: bool = False,
    hosts_only: bool = False,
) -> list[Orphan]:
    """Give provider, consumer and what it holds there, in the order of the work."""
    found: list[Orphan] = []
    for provider in cloud["providers"]:
        if only not in (None, provider["uuid"]):
            continue
        root = provider.get("parent") or provider["name"]
        node = next((h for h in cloud["hosts"] if h["nodename"] == root), None)
        if node is None and hosts_only:
            continue
        for consumer in cloud["consumers"]:
            held = consumer["allocations"].get(provider["name"])
            if not consumer["uuid"] or not held:
                continue
            if not all_classes and not NOVA & set(held):
                continue
            if node is None or consumer["uuid"] not in there(node, records):
                found.append((provider["uuid"], consumer["uuid"], dict(held)))
    return found


def there(node: Document, records: Document) -> set[str]:
    """Give UUIDs of servers on a compute node, and of migrations from or to it."""
    place = (node["host"], node["nodename"])
    found = set()
    for server in records["servers"]:
        cells = {node.get("cell_uuid"), server["cell"]} - {None}
        if (server["host"], server["node"]) != place or len(cells) > 1:
            continue
        if server["vm_state"] != "deleted":
            found.add(server["uuid"])
    for move in records["migrations"]:
        source = (move["source_host"], move["source_node"])
        dest = (move["dest_host"], move["dest_node"])
        if move["status"] not in OVER and place in (source, dest):
            found.add(move["uuid"])
    return found


def left(cloud: Document, lost: Sequence[Orphan]) -> dict[str, dict[str, Any]]:
    """Give what consumers hold once orphans are deleted, by UUID of the provider."""
    uuids = {each["name"]: each["uuid"] for each in cloud["providers"]}
    gone = {(provider, consumer) for provider, consumer, _ in lost}
    return {
        consumer["uuid"]: {
            uuids[name]: dict(amounts)
            for name, amounts in consumer["allocations"].items()
            if (uuids[name], consumer["uuid"]) not in gone
        }
        for consumer in cloud["consumers"]
        if consumer["uuid"]
    }
