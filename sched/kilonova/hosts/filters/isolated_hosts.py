"""IsolatedHostsFilter: some images go to some hosts, and nothing else there."""

from collections.abc import Hashable

from kilonova.cloud.host import Host
from kilonova.hosts.filters.register import Filter, register
from kilonova.hosts.options import Options
from kilonova.request.server import ServerSpec


def passes(host: Host, spec: ServerSpec, options: Options) -> bool:
    """Say whether an isolated image meets an isolated host, and no other host does.

    Without ``restrict_isolated_hosts_to_isolated_images``, other images may go to
    isolated hosts too.
    """
    section = options.filter_scheduler
    host_isolated = host.host in section.isolated_hosts
    image_isolated = _isolated(spec, options)
    if section.restrict_isolated_hosts_to_isolated_images:
        return image_isolated == host_isolated
    return not image_isolated or host_isolated


def _isolated(spec: ServerSpec, options: Options) -> bool:
    uuid = spec.image.uuid
    return bool(uuid) and uuid in options.filter_scheduler.isolated_images


def asks(spec: ServerSpec, options: Options) -> Hashable | None:
    """Give the isolated hosts, and whether the image is isolated."""
    section = options.filter_scheduler
    image_isolated = _isolated(spec, options)
    restrict = section.restrict_isolated_hosts_to_isolated_images
    if not image_isolated and not (restrict and section.isolated_hosts):
        return None
    return section.isolated_hosts, image_isolated, restrict


ISOLATED_HOSTS = register(
    Filter(
        name="IsolatedHostsFilter",
        passes=passes,
        asks=asks,
        reads=frozenset({"host"}),
        once=True,
        on_rebuild=True,
    )
)
