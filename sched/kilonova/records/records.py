"""All records of a cloud, by UUID."""

from dataclasses import dataclass, field

from kilonova.records.accelerator_request import AcceleratorRequest
from kilonova.records.migration import Migration
from kilonova.records.server import Server
from kilonova.request.device_profile import DeviceProfiles
from kilonova.request.networks import Networks

Port = dict[str, object]
"""A port as Neutron's API shows it: ``id``, ``resource_request``, ``binding:host_id``,
``binding:profile`` and so on; changed in place as a server moves."""


@dataclass(slots=True)
class Records:
    """What Nova, Neutron and Cyborg know beside what Placement knows.

    Hosts, host aggregates and server groups are the cloud's own.

    Attributes
    ----------
    servers, migrations
        By UUID.
    ports
        Neutron's ports by id.
    networks
        Neutron's networks by id.
    device_profiles
        Cyborg's profiles by name.
    accelerator_requests
        Cyborg's accelerator requests by UUID.
    """

    servers: dict[str, Server] = field(default_factory=dict)
    migrations: dict[str, Migration] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)
    networks: Networks = field(default_factory=dict)
    device_profiles: DeviceProfiles = field(default_factory=dict)
    accelerator_requests: dict[str, AcceleratorRequest] = field(default_factory=dict)
