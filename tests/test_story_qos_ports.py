"""A server with a port of guaranteed bandwidth goes through all moves.

Its owner boots, resizes and reverts it; an operator migrates it live and, when its host
dies, evacuates it. Wherever it is, its port holds there what it asks for.
"""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from moves_cloud import EGRESS, INGRESS, PACKETS, extended_port, old_port, uuid
from story_site import LARGE, SMALL, StorySite

PORT = uuid("port")


def bandwidth(site: StorySite, host: str) -> dict[str, int]:
    """Give what the server holds of the interfaces of a host, by resource class."""
    found: dict[str, int] = {}
    for provider, amounts in site.held("web").items():
        if provider.startswith(f"{host}:"):
            for name, amount in amounts.items():
                found[name] = found.get(name, 0) + amount
    return found


def providers(site: StorySite) -> set[str]:
    """Give the providers that the profile of the port names."""
    profile = cast(dict[str, Any], site.records().ports[PORT]["binding:profile"])
    named = profile["allocation"]
    return set(named.values()) if isinstance(named, dict) else {named}


@pytest.mark.parametrize("form", ["old", "extended"])
def test_port_goes_along(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = StorySite(tmp_path, capsys)
    port = (old_port if form == "old" else extended_port)("port", 600)
    asked = {EGRESS: 600, INGRESS if form == "old" else PACKETS: 600}

    def check(host: str) -> None:
        record = site.records()
        assert record.servers["web"].host == host
        assert record.ports[PORT]["binding:host_id"] == host
        assert bandwidth(site, host) == asked
        assert providers(site) <= site.held("web").keys()
        assert {p.partition(":")[0] for p in providers(site)} == {host}

    boot = ("boot", "web", "--flavor", SMALL, "--port", json.dumps(port))
    assert site.server(*boot, "--host", "a") == 0
    assert "server web: active on a; holds a VCPU 2" in site.shown()
    check("a")

    assert site.server("resize", "web", "--flavor", LARGE, "--json") == 0
    (migration,) = site.told()["migrations"]
    assert (migration["kind"], migration["status"]) == ("resize", "finished")
    assert {p.partition(":")[0] for p in migration["allocations"]} == {"a"}
    check(migration["destination"])
    assert site.server("revert", "web") == 0
    assert site.held(migration["uuid"]) == {}
    check("a")

    assert site.server("live-migrate", "web", "--host", "b") == 0
    check("b")
    assert site.hosts_of("web") == {"b"}

    assert site.server("evacuate", "web", "--host", "c") == 1
    assert "400 ComputeServiceInUse" in site.complained()
    assert site.server("stop-service", "b") == 0
    assert site.server("evacuate", "web", "--host", "c") == 0
    check("c")
    assert bandwidth(site, "b") == asked
    assert site.server("start-service", "b") == 0
    check("c")
    assert site.hosts_of("web") == {"c"}
    assert site.audit() == 0


def test_host_without_bandwidth_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = StorySite(tmp_path, capsys, ("a", "b"))
    for number, amount in enumerate((1000, 1000, 1)):
        port = json.dumps(old_port(f"port {number}", amount))
        name = f"s{number}"
        asked = ("boot", name, "--flavor", SMALL, "--port", port, "--host", "a")
        assert site.server(*asked) == (0 if number < 2 else 3)
    assert "fault: NoValidHost" in site.shown()
    assert site.held("s2") == {}
    # Attached later, it must be had where the server is.
    late = json.dumps(old_port("late", 1))
    assert site.server("attach", "s0", late) == 1
    assert "InterfaceAttachResourceAllocationFailed" in site.complained()
    assert site.server("detach", "s1", uuid("port 1")) == 0
    assert site.server("attach", "s0", late) == 0
    assert site.held("s0")[providers_of(site, "late")][EGRESS] == 1


def providers_of(site: StorySite, name: str) -> str:
    profile = cast(dict[str, Any], site.records().ports[uuid(name)]["binding:profile"])
    return str(profile["allocation"])
