"""A fetcher that fetches nothing: what a cloud says of its hosts decides."""

from collections.abc import Collection, Mapping

from kilonova.cloud.cloud import BaseCloud

# What libvirt calls the hypervisors whose driver keeps images.
_KEEP_IMAGES = ("QEMU", "KVM", "LXC", "Parallels")


class SimulatedFetcher:
    """Hosts that have an image keep it, and all others fetch it at once.

    Parameters
    ----------
    cloud
        Which images lie on which host, and which hypervisor it has.
    failing
        Images that cannot be fetched, by host.
    """

    def __init__(
        self, cloud: BaseCloud, failing: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self.failing = failing or {}
        self._there: dict[str, frozenset[str]] = {}
        self._unsupported: set[str] = set()
        state = cloud.state
        with state.lock:
            for host, facts in state.hosts.said_of_services():
                there = self._there.get(host, frozenset())
                self._there[host] = there | facts.get("image_uuids", frozenset())
                kind = facts.get("hypervisor_type")
                if kind is not None and kind not in _KEEP_IMAGES:
                    self._unsupported.add(host)

    def __call__(self, host: str, image: str) -> bool:
        """Give whether the image was not there; raises as a ``Fetcher`` may."""
        if host in self._unsupported:
            raise NotImplementedError
        if image in self._there.get(host, ()):
            return False
        if image in self.failing.get(host, ()):
            raise OSError(f"image {image} could not be fetched")
        return True
