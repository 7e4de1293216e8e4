"""What a policy is asked before a server is booted."""

from kilonova.records.server import Server


def operations_of_boot(server: Server, is_forced: bool, host: str | None) -> list[str]:
    """Name the operations that a policy must allow for a boot, in Nova's order."""
    names = ["server-create"]
    if is_forced or ":" in (server.availability_zone or ""):
        names.append("server-create-on-host")
    if host is not None:
        names.append("server-create-with-destination")
    if server.is_volume_backed:
        names.append("server-create-with-volume")
    elif server.flavor.root_gb == 0:
        names.append("server-create-without-disk")
    if server.ports:
        names.append("server-create-with-network")
    return names
