"""Keep to the providers that Nova itself made."""

from dataclasses import replace

from kilonova.hosts.prefilters.context import Context, with_root_traits
from kilonova.request.group import RequestGroup
from kilonova.request.server import ServerSpec

# The first nova-compute that puts the trait on its providers.
_SERVICE_VERSION = 73
_OWNER = "OWNER_NOVA"


def owner_nova_filter(spec: ServerSpec, context: Context) -> ServerSpec:
    """Require Nova's mark of the root provider, and of each group for a PCI alias.

    Nothing is required until all compute services put the mark on their providers.
    """
    marked = _OWNER in spec.root_required
    if marked or context.service_version < _SERVICE_VERSION:
        return spec
    prefixes = {
        request.request_id
        for request in spec.pci_requests
        if request.alias_name is not None and request.request_id
    }
    groups = tuple(
        _marked(group) if group.suffix.rsplit("-", 1)[0] in prefixes else group
        for group in spec.groups
    )
    return with_root_traits(replace(spec, groups=groups), _OWNER)


def _marked(group: RequestGroup) -> RequestGroup:
    mark = frozenset([_OWNER])
    if mark in group.required:
        return group
    return replace(group, required=(*group.required, mark))
