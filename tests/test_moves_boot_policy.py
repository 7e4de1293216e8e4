"""Which operations a policy must allow for a boot, as Nova's API asks for them."""

from typing import Any

import pytest

from kilonova.errors import Forbidden
from kilonova.request.flavor import Flavor
from moves_cloud import Bench, make_server, old_port

pytestmark = pytest.mark.usefixtures("fixed_clock")

NO_DISK = Flavor(1, 512, root_gb=0, name="no disk")


@pytest.mark.parametrize(
    ("values", "port", "how", "more"),
    [
        pytest.param({}, False, {}, [], id="plain"),
        pytest.param({}, True, {}, ["with-network"], id="port"),
        pytest.param({"flavor": NO_DISK}, False, {}, ["without-disk"], id="no disk"),
        pytest.param(
            {"flavor": NO_DISK, "is_volume_backed": True},
            False,
            {},
            ["with-volume"],
            id="volume",
        ),
        pytest.param({}, False, {"force_hosts": ("b",)}, ["on-host"], id="forced"),
        pytest.param({}, False, {"host": "b"}, ["with-destination"], id="destination"),
    ],
)
def test_what_is_asked(
    values: dict[str, Any], port: bool, how: dict[str, Any], more: list[str]
) -> None:
    bench, asked = Bench(), list[str]()
    bench.do.context.allow = lambda operation, _: asked.append(operation)
    ports = bench.add_ports(old_port("p")) if port else ()
    bench.do.boot(make_server(ports=ports, **values), **how)
    assert asked == ["server-create", *(f"server-create-{each}" for each in more)]


def test_what_is_forbidden_changes_nothing() -> None:
    def allow(operation: str, _: object) -> None:
        if operation == "server-create-without-disk":
            raise Forbidden("zero_disk_flavor forbids it.", "zero_disk_flavor")

    bench = Bench()
    bench.do.context.allow = allow
    server = make_server(flavor=NO_DISK)
    with pytest.raises(Forbidden, match="zero_disk_flavor"):
        bench.do.boot(server)
    assert not bench.held(server.uuid)
    assert not bench.records.servers
